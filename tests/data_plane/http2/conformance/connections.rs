//! Frames that end their connection, and those that do not.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use super::super::raw::{
    ACK, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR,
    Fate, GOAWAY, HEADERS, NO_ERROR, PADDED, PING, PREFACE, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE,
    RST_STREAM, Raw, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, frame, headers, plane, sound,
};
use super::{Case, joined};

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
