//! What is wrong with one stream alone.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use super::super::raw::{
    DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, Fate, HEADERS,
    PRIORITISED, PRIORITY, PROTOCOL_ERROR, Raw, SOUND, STREAM_CLOSED, WINDOW_UPDATE, block,
    field_as, frame, headers, plane, sound,
};
use super::{Case, joined};

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

/// a pseudo-header among trailers is none of the request, and reaches nobody.
#[tokio::test]
async fn pseudo_headers_of_trailers_reach_nobody() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = plane(&endpoint, |_| {});
    let mut raw = Raw::open(plane.address).await;
    let trailers = [
        (":path", "/evil"),
        (":authority", "evil.test"),
        ("x-sum", "1"),
    ];
    let bytes = [
        headers(1, false, &sound(&[])),
        frame(DATA, 0, 1, b"abc"),
        headers(1, true, &block(&trailers)),
    ];
    raw.write(&bytes.concat()).await;
    raw.fate(1).await;
    for request in endpoint.requests() {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert_eq!(request.head.target, "/");
        assert!(!body.contains("evil"), "{body}");
    }
}
