//! Frames and heads that are not what they should be, each with what the client is told (RFC 9113).

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use super::raw::{
    ACK, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR, Fate, GOAWAY, HEADERS, NO_ERROR, PADDED, PING, PREFACE, PRIORITISED,
    PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, Raw, SETTINGS, SOUND, STREAM_CLOSED,
    WINDOW_UPDATE, block, field_as, frame, headers, plane, sound,
};

/// A name, what is sent, and which codes may end the connection.
type Case = (&'static str, Vec<u8>, &'static [u32]);

fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}

/// Frames that end their connection.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn connection_errors() -> Vec<Case> {
    let open = || headers(1, false, &sound(&[]));
    let setting = |name: u16, value: u32| {
        let payload = [&name.to_be_bytes()[..], &value.to_be_bytes()].concat();
        frame(SETTINGS, 0, 0, &payload)
    };
    let protocol: &[u32] = &[PROTOCOL_ERROR];
    let size: &[u32] = &[FRAME_SIZE_ERROR];
    let mut large_increment = open();
    for _ in 0..2 {
        large_increment.extend(frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes()));
    }
    vec![
        ("DATA on no stream", frame(DATA, 0, 0, b"a"), protocol),
        (
            "HEADERS on no stream",
            headers(0, true, &sound(&[])),
            protocol,
        ),
        (
            "PRIORITY on no stream",
            frame(PRIORITY, 0, 0, &[0; 5]),
            protocol,
        ),
        (
            "RST_STREAM on no stream",
            frame(RST_STREAM, 0, 0, &[0; 4]),
            protocol,
        ),
        ("SETTINGS on a stream", frame(SETTINGS, 0, 1, &[]), protocol),
        ("PING on a stream", frame(PING, 0, 1, &[0; 8]), protocol),
        ("GOAWAY on a stream", frame(GOAWAY, 0, 1, &[0; 8]), protocol),
        ("a short PING", frame(PING, 0, 0, &[0; 7]), size),
        ("a long PING", frame(PING, 0, 0, &[0; 9]), size),
        ("a short SETTINGS", frame(SETTINGS, 0, 0, &[0; 5]), size),
        (
            "a full ACK of SETTINGS",
            frame(SETTINGS, ACK, 0, &[0; 6]),
            size,
        ),
        (
            "a short RST_STREAM",
            joined(&[open(), frame(RST_STREAM, 0, 1, &[0; 3])]),
            size,
        ),
        (
            "a short WINDOW_UPDATE",
            frame(WINDOW_UPDATE, 0, 0, &[0; 3]),
            size,
        ),
        ("a short GOAWAY", frame(GOAWAY, 0, 0, &[0; 7]), size),
        (
            "a large frame",
            joined(&[open(), frame(DATA, 0, 1, &[0; 16_385])]),
            size,
        ),
        ("an even stream", headers(2, true, &sound(&[])), protocol),
        (
            "an earlier stream",
            joined(&[headers(5, true, &sound(&[])), headers(3, true, &sound(&[]))]),
            &[PROTOCOL_ERROR, STREAM_CLOSED],
        ),
        (
            "CONTINUATION of nothing",
            frame(CONTINUATION, END_HEADERS, 1, &[]),
            protocol,
        ),
        (
            "a frame within a block",
            joined(&[
                frame(HEADERS, 0, 1, &sound(&[])),
                frame(PING, 0, 0, &[0; 8]),
            ]),
            protocol,
        ),
        (
            "an unknown frame within a block",
            joined(&[frame(HEADERS, 0, 1, &sound(&[])), frame(77, 0, 0, &[0; 8])]),
            protocol,
        ),
        (
            "CONTINUATION of another stream",
            joined(&[
                frame(HEADERS, 0, 1, &sound(&[])),
                frame(CONTINUATION, 4, 3, &[]),
            ]),
            protocol,
        ),
        (
            "a block that is none",
            headers(1, true, &[0xff, 0xff, 0xff, 0xff, 0xff]),
            &[PROTOCOL_ERROR, COMPRESSION_ERROR],
        ),
        (
            "an unknown index",
            headers(1, true, &[0xfe]),
            &[PROTOCOL_ERROR, COMPRESSION_ERROR],
        ),
        ("DATA on an idle stream", frame(DATA, 0, 1, b"a"), protocol),
        (
            "RST_STREAM on an idle stream",
            frame(RST_STREAM, 0, 1, &[0; 4]),
            protocol,
        ),
        (
            "WINDOW_UPDATE on an idle stream",
            frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]),
            protocol,
        ),
        (
            "too much padding of DATA",
            joined(&[open(), frame(DATA, PADDED, 1, &[9, 0])]),
            protocol,
        ),
        (
            "too much padding of HEADERS",
            frame(HEADERS, END_HEADERS | PADDED, 1, &[200, 0]),
            protocol,
        ),
        ("a push that is neither on nor off", setting(2, 2), protocol),
        (
            "a window beyond all",
            setting(4, 0x8000_0000),
            &[FLOW_CONTROL_ERROR, PROTOCOL_ERROR],
        ),
        ("a small frame size", setting(5, 100), protocol),
        ("a large frame size", setting(5, 1 << 24), protocol),
        (
            "an increment of nothing",
            frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
            protocol,
        ),
        (
            "a window that overflows",
            large_increment,
            &[FLOW_CONTROL_ERROR],
        ),
        (
            "a push from a client",
            frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]),
            protocol,
        ),
        ("an ACK of nothing", frame(SETTINGS, ACK, 0, &[]), protocol),
    ]
}

/// a frame that is none, or that may not stand where it stands, ends its connection, with the code for it.
#[tokio::test]
async fn broken_frames_end_their_connection() {
    let endpoint = Endpoint::with(|_| Answer::Silence).await;
    let plane = plane(&endpoint, |_| {});
    let mut wrong = Vec::new();
    for (name, bytes, codes) in connection_errors() {
        let mut raw = Raw::open(plane.address).await;
        raw.write(&bytes).await;
        let code = raw.end().await;
        if !code.is_some_and(|code| codes.contains(&code)) {
            wrong.push(format!("{name}: {code:?}, not one of {codes:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// a connection begins with its preface and with SETTINGS.
#[tokio::test]
async fn a_connection_begins_as_it_should() {
    let endpoint = Endpoint::named("served").await;
    let plane = plane(&endpoint, |_| {});
    let mut raw = Raw::silent(plane.address).await;
    raw.write(&[PREFACE, &frame(PING, 0, 0, &[0; 8])].concat())
        .await;
    assert_eq!(raw.end().await, Some(PROTOCOL_ERROR));
    let mut raw = Raw::silent(plane.address).await;
    raw.write(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await;
    assert_eq!(
        raw.fate(1).await,
        Fate::Closed,
        "what is no preface is no HTTP/2"
    );
}

/// What is said of streams.
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn stream_errors() -> Vec<Case> {
    let open = || headers(1, false, &sound(&[]));
    let ended = || headers(1, true, &sound(&[]));
    let protocol: &[u32] = &[PROTOCOL_ERROR];
    let closed: &[u32] = &[STREAM_CLOSED, PROTOCOL_ERROR];
    let own = [&[0, 0, 0, 1, 16][..], &sound(&[])].concat();
    let largest = 0x7fff_ffff_u32.to_be_bytes();
    let length = |length| headers(1, false, &sound(&[("content-length", length)]));
    let with = |name: &str, value: &str| headers(1, true, &sound(&[(name, value)]));
    let without = |at: usize| {
        let mut fields = SOUND.to_vec();
        fields.remove(at);
        headers(1, true, &block(&fields))
    };
    let changed = |at: usize, value: &'static str| {
        let mut fields = SOUND;
        fields[at].1 = value;
        headers(1, true, &block(&fields))
    };
    let injected = |value: &[u8]| {
        let field = field_as(0, "x-evil", value);
        headers(1, true, &[sound(&[]), field].concat())
    };
    let mut cases = vec![
        (
            "an increment of nothing",
            joined(&[open(), frame(WINDOW_UPDATE, 0, 1, &[0; 4])]),
            protocol,
        ),
        (
            "a window that overflows",
            joined(&[open(), frame(WINDOW_UPDATE, 0, 1, &largest)]),
            &[FLOW_CONTROL_ERROR][..],
        ),
        (
            "a stream that depends on itself",
            frame(HEADERS, END_HEADERS | END_STREAM | PRIORITISED, 1, &own),
            protocol,
        ),
        (
            "a short PRIORITY",
            joined(&[open(), frame(PRIORITY, 0, 1, &[0; 4])]),
            &[FRAME_SIZE_ERROR],
        ),
        (
            "DATA behind the end",
            joined(&[ended(), frame(DATA, 0, 1, b"a")]),
            closed,
        ),
        (
            "HEADERS behind the end",
            joined(&[ended(), headers(1, true, &sound(&[]))]),
            closed,
        ),
        (
            "trailers without an end",
            joined(&[open(), headers(1, false, &block(&[("x", "1")]))]),
            protocol,
        ),
        //
        ("no method", without(0), protocol),
        ("no scheme", without(1), protocol),
        ("no path", without(2), protocol),
        ("an empty path", changed(2, ""), protocol),
        ("a blank in the path", changed(2, "/a b"), protocol),
        ("a version in the path", changed(2, "/a HTTP/1.1"), protocol),
        ("a tab in the path", changed(2, "/a\tb"), protocol),
        ("a NUL in the path", changed(2, "/a\0b"), protocol),
        ("a method that is no token", changed(0, "GE T"), protocol),
        ("an authority that is none", changed(3, "a b"), protocol),
        ("two methods", with(":method", "GET"), protocol),
        ("an unknown pseudo-header", with(":other", "x"), protocol),
        (
            "a status",
            headers(
                1,
                true,
                &block(&[&SOUND[..], &[(":status", "200")]].concat()),
            ),
            protocol,
        ),
        (
            "a pseudo-header behind a field",
            headers(
                1,
                true,
                &block(&[&SOUND[..3], &[("x", "1")], &SOUND[3..]].concat()),
            ),
            protocol,
        ),
        //
        (
            "a line end in a value",
            injected(b"a\r\nx-other: b"),
            protocol,
        ),
        ("a line feed in a value", injected(b"a\nb"), protocol),
        ("a NUL in a value", injected(b"a\0b"), protocol),
        ("capitals in a name", with("X-Other", "b"), protocol),
        ("a colon in a name", with("x:other", "b"), protocol),
        ("a blank in a name", with("x other", "b"), protocol),
        ("a line end in a name", with("x\r\ny", "b"), protocol),
        ("an empty name", with("", "b"), protocol),
        //
        ("connection", with("connection", "keep-alive"), protocol),
        ("keep-alive", with("keep-alive", "5"), protocol),
        (
            "proxy-connection",
            with("proxy-connection", "keep-alive"),
            protocol,
        ),
        (
            "transfer-encoding",
            with("transfer-encoding", "chunked"),
            protocol,
        ),
        ("upgrade", with("upgrade", "websocket"), protocol),
        ("te", with("te", "gzip"), protocol),
        //
        (
            "a length without a body",
            with("content-length", "3"),
            protocol,
        ),
        (
            "more than the length",
            joined(&[length("3"), frame(DATA, 0, 1, b"abcd")]),
            protocol,
        ),
        (
            "less than the length",
            joined(&[length("3"), frame(DATA, END_STREAM, 1, b"ab")]),
            protocol,
        ),
        (
            "trailers before the length",
            joined(&[length("3"), headers(1, true, &block(&[("x", "1")]))]),
            protocol,
        ),
        (
            "two lengths",
            headers(
                1,
                false,
                &sound(&[("content-length", "3"), ("content-length", "4")]),
            ),
            protocol,
        ),
        (
            "no length",
            headers(1, false, &sound(&[("content-length", "3a")])),
            protocol,
        ),
        //
        (
            "a broken trailer",
            joined(&[open(), headers(1, true, &block(&[("X", "1")]))]),
            protocol,
        ),
    ];
    let extended = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "app.test"),
    ];
    cases.push((
        "an extended CONNECT",
        headers(1, false, &block(&extended)),
        protocol,
    ));
    cases
}

/// what is wrong with one stream ends that stream.
/// what could become something else as a line of HTTP/1.1 is refused.
/// so are pseudo-headers that are missing, repeated, out of place, or not what their names say.
/// a body has the length that it says, or is none; no endpoint takes it for whole.
/// fields of a connection are malformed.
/// trailers end their stream, and are checked as other fields.
/// an extended CONNECT is refused.
#[tokio::test]
async fn broken_streams_are_reset() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = plane(&endpoint, |_| {});
    let mut wrong = Vec::new();
    for (name, bytes, codes) in stream_errors() {
        let mut raw = Raw::open(plane.address).await;
        raw.write(&bytes).await;
        let mut fate = raw.fate(1).await;
        if fate == Fate::Answered && name.ends_with("behind the end") {
            // What comes too late does not undo an answer.
            fate = raw.fate(1).await;
        }
        match fate {
            Fate::Reset(code) | Fate::GoAway(code) if codes.contains(&code) => {}
            other => wrong.push(format!("{name}: {other:?}, not one of {codes:?}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let whole = endpoint.requests();
    assert!(
        whole
            .iter()
            .all(|request| request.body.is_empty() && request.head.header("x-evil").is_none()),
        "{whole:?}"
    );
}

/// what passes the protocol and would be no request of HTTP/1.1 gets the answer that it would get there.
/// also a blank at the edge of a value.
/// D-072: `OPTIONS *` is answered by the router itself, over HTTP/2, too.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn what_is_no_request_is_answered() {
    let endpoint = Endpoint::named("served").await;
    let plane = plane(&endpoint, |_| {});
    let four = |method, scheme, path, authority| {
        block(&[
            (":method", method),
            (":scheme", scheme),
            (":path", path),
            (":authority", authority),
        ])
    };
    // The first byte of an answer's block: an entry of the static table (RFC 7541, appendix A), or a literal of one.
    const OK: u8 = 0x88;
    const BAD: u8 = 0x8c;
    for (name, block, status) in [
        ("sound", four("GET", "http", "/", "app.test"), Some(OK)),
        ("*", four("OPTIONS", "http", "*", "app.test"), Some(OK)),
        (
            "another scheme",
            four("GET", "ftp", "/", "app.test"),
            Some(BAD),
        ),
        (
            "an absolute path",
            four("GET", "http", "http://app.test/", "app.test"),
            None,
        ),
        (
            "a relative path",
            four("GET", "http", "path", "app.test"),
            None,
        ),
        (
            "a broken escape",
            four("GET", "http", "/%zz", "app.test"),
            Some(BAD),
        ),
        ("a user", four("GET", "http", "/", "me@app.test"), Some(BAD)),
        ("a blank before a value", sound(&[("x", " a")]), Some(BAD)),
        ("a tab behind a value", sound(&[("x", "a\t")]), Some(BAD)),
        ("two hosts", sound(&[("host", "other.test")]), Some(BAD)),
        (
            "CONNECT",
            block(&[(":method", "CONNECT"), (":authority", "app.test:443")]),
            None,
        ),
    ] {
        let mut raw = Raw::open(plane.address).await;
        raw.write(&headers(1, true, &block)).await;
        let answer = loop {
            let frame = raw.next().await.expect("an answer");
            if frame.stream == 1 {
                break frame;
            }
        };
        let refused = answer.kind == RST_STREAM && answer.code() == PROTOCOL_ERROR;
        let answered = answer.kind == HEADERS;
        match status {
            Some(status) => assert!(
                answered && answer.payload[0] == status,
                "{name}: {answer:?}"
            ),
            None => assert!(
                refused || answered && answer.payload[0] != OK,
                "{name}: {answer:?}"
            ),
        }
    }
    assert_eq!(endpoint.request_count(), 1);
}

/// frames that nobody knows are passed over, and a client's farewell is taken.
#[tokio::test]
async fn what_nobody_knows_is_passed_over() {
    let endpoint = Endpoint::named("served").await;
    let plane = plane(&endpoint, |_| {});
    let mut raw = Raw::open(plane.address).await;
    raw.write(&frame(77, 0xff, 0, b"whatever")).await;
    raw.write(&frame(SETTINGS, 0, 0, &[0, 99, 0, 0, 0, 1]))
        .await;
    raw.write(&headers(1, true, &sound(&[]))).await;
    assert_eq!(raw.fate(1).await, Fate::Answered);
    raw.write(&frame(GOAWAY, 0, 0, &[0; 8])).await;
    let end = raw.end().await;
    assert!(matches!(end, None | Some(NO_ERROR)), "{end:?}");
}
