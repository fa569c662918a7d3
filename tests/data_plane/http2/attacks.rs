//! Clients that cost more than they bring (CVE-2023-44487 and all the others).

use std::time::Duration;

use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::{Endpoint, eventually};

use super::client::{Client, bare, request};
use super::raw::{
    CANCEL, CONTINUATION, DATA, END_HEADERS, ENHANCE_YOUR_CALM, Fate, GOAWAY, HEADERS, PADDED,
    PING, PREFACE, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM, Raw,
    SETTINGS, WINDOW_UPDATE, field_as, frame, headers, plane, sound,
};
use crate::support::BOUND;

/// The streams that a client may name, in their order.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|at| 2 * at + 1)
}

/// Whether a flood has ended its connection: told, or with a reset of the connection that overtook what was told.
fn is_calmed(end: Option<u32>) -> bool {
    matches!(end, None | Some(ENHANCE_YOUR_CALM))
}

/// streams that are opened and reset do not become requests without number, and end their connection; others
/// are served meanwhile.
#[tokio::test]
async fn rapid_resets() {
    let endpoint = Endpoint::with(|head| match &*head.target {
        "/other" => Reply::text("served").into(),
        _ => Answer::Silence,
    })
    .await;
    let plane = plane(&endpoint, |_| {});
    let mut other = Client::clear(plane.address).await;
    let mut raw = Raw::open(plane.address).await;
    let open = sound(&[]);
    let mut bytes = Vec::new();
    for stream in streams(20_000) {
        bytes.extend(headers(stream, true, &open));
        bytes.extend(frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()));
    }
    let flooding = raw.flood(&bytes);
    let asking = async {
        for _ in 0..20 {
            let answer = tokio::time::timeout(Duration::from_secs(5), other.get("/other"));
            assert_eq!(answer.await.expect("in time").text(), "served");
        }
    };
    tokio::join!(flooding, asking);
    assert!(is_calmed(raw.end().await));
    assert!(plane.totals().attempts <= 20 + 100, "{:?}", plane.totals());
}

/// a stream that was reset before anybody has looked at it is no request at all.
#[tokio::test]
async fn streams_that_are_reset_at_once_are_no_requests() {
    let endpoint = Endpoint::named("here").await;
    let plane = plane(&endpoint, |_| {});
    let mut raw = Raw::open(plane.address).await;
    let mut bytes = Vec::new();
    for stream in streams(10) {
        bytes.extend(headers(stream, true, &sound(&[])));
        bytes.extend(frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()));
    }
    bytes.extend(headers(101, true, &sound(&[])));
    raw.write(&bytes).await;
    plane
        .until("the last one is answered", |totals| {
            totals.responses_2xx == 1
        })
        .await;
    let totals = plane.settled().await;
    assert_eq!((totals.requests, totals.clients_gone), (1, 0));
}

/// L-17 counts resets that come at leisure, too: each of a request that has begun.
#[tokio::test]
async fn slow_resets_are_counted() {
    let endpoint = Endpoint::with(|_| Answer::Silence).await;
    let plane = plane(&endpoint, |settings| {
        settings.http2.streams = 10;
        settings.http2.resets = 5;
    });
    let mut raw = Raw::open(plane.address).await;
    let open = sound(&[]);
    for (count, stream) in streams(26).enumerate() {
        raw.write(&headers(stream, true, &open)).await;
        plane
            .until("it has begun", |totals| totals.requests > count as u64)
            .await;
        raw.write(&frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()))
            .await;
        plane
            .until("it has ended", |totals| totals.requests_in_flight == 0)
            .await;
    }
    assert_eq!(raw.end().await, Some(ENHANCE_YOUR_CALM));
    assert_eq!(plane.totals().http2_floods, 1);
}

/// a stream that was reset counts until its request has ended: those that take its place at once are refused.
#[tokio::test]
async fn reset_streams_count_until_their_requests_have_ended() {
    let endpoint = Endpoint::with(|_| Answer::Silence).await;
    let plane = plane(&endpoint, |_| {});
    let mut raw = Raw::open(plane.address).await;
    let open = sound(&[]);
    let opened = |stream: u32| headers(stream, true, &open);
    let all: Vec<u8> = streams(100).flat_map(opened).collect();
    raw.write(&all).await;
    plane
        .until("all are in work", |totals| totals.requests_in_flight == 100)
        .await;
    // In one piece, so that none has ended before the others come.
    let mut again: Vec<u8> = streams(100)
        .flat_map(|stream| frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()))
        .collect();
    again.extend(streams(200).skip(100).flat_map(opened));
    raw.write(&again).await;
    while raw.next().await.expect("a refusal").kind != RST_STREAM {}
    assert!(plane.totals().http2_refused_streams > 0);
    plane
        .until("those that were reset have ended", |totals| {
            totals.clients_gone == 100
        })
        .await;
    assert!(plane.totals().requests_in_flight <= 100);
}

/// a client that has us reset its streams ends its connection with that.
#[tokio::test]
async fn made_resets() {
    let endpoint = Endpoint::with(|_| Answer::Silence).await;
    let plane = plane(&endpoint, |_| {});
    let open = sound(&[]);
    let largest = 0x7fff_ffff_u32.to_be_bytes();
    let length = sound(&[("content-length", "1")]);
    type Made<'a> = (&'a [u8], Box<dyn Fn(u32) -> Vec<u8>>);
    let made: [Made<'_>; 2] = [
        (
            &open,
            Box::new(move |stream| frame(WINDOW_UPDATE, 0, stream, &largest)),
        ),
        (&length, Box::new(|stream| frame(DATA, 0, stream, b"ab"))),
    ];
    for (open, fault) in made {
        let mut raw = Raw::open(plane.address).await;
        let mut resets = 0;
        let end = 'all: {
            for stream in streams(300) {
                let bytes = [headers(stream, false, open), fault(stream)].concat();
                if !raw.write(&bytes).await {
                    break 'all raw.end().await;
                }
                match raw.fate(stream).await {
                    Fate::Reset(_) => resets += 1,
                    Fate::GoAway(code) => break 'all Some(code),
                    Fate::Answered => {}
                    Fate::Closed => break 'all None,
                }
            }
            Some(0)
        };
        assert!(is_calmed(end), "{end:?}");
        assert!((90..=101).contains(&resets), "{resets}");
    }
}

/// what has to be answered is bounded, whether the answers are read or not.
/// so are frames of data that have none, padded or not.
/// so are settings that flap, priorities, windows, and farewells.
#[tokio::test]
async fn floods_of_frames() {
    let endpoint = Endpoint::with(|_| Answer::Silence).await;
    let plane = plane(&endpoint, |_| {});
    let table = |size: u32| [&[0, 1][..], &size.to_be_bytes()].concat();
    let window = |size: u32| [&[0, 4][..], &size.to_be_bytes()].concat();
    let flap = [0, 4096]
        .map(|size| frame(SETTINGS, 0, 0, &table(size)))
        .concat();
    let shrink = [0, 65_535]
        .map(|size| frame(SETTINGS, 0, 0, &window(size)))
        .concat();
    let open = headers(1, false, &sound(&[]));
    for (name, before, bytes, count) in [
        ("PING", vec![], frame(PING, 0, 0, &[0; 8]), 20_000),
        ("SETTINGS", vec![], frame(SETTINGS, 0, 0, &[]), 20_000),
        ("a table that flaps", vec![], flap, 20_000),
        ("a window that flaps", open.clone(), shrink, 20_000),
        (
            "PRIORITY",
            vec![],
            frame(PRIORITY, 0, 5, &[0, 0, 0, 3, 1]),
            50_000,
        ),
        (
            "WINDOW_UPDATE",
            open.clone(),
            frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]),
            50_000,
        ),
        ("empty DATA", open.clone(), frame(DATA, 0, 1, &[]), 200_000),
        (
            "padded DATA",
            open.clone(),
            frame(DATA, PADDED, 1, &[20; 21]),
            30_000,
        ),
        ("tiny DATA", open.clone(), frame(DATA, 0, 1, b"a"), 200_000),
        ("unknown", vec![], frame(77, 0, 0, b"abc"), 50_000),
        ("GOAWAY", open.clone(), frame(GOAWAY, 0, 0, &[0; 8]), 50_000),
    ] {
        let mut raw = Raw::open(plane.address).await;
        raw.write(&before).await;
        let all = raw.flood(&bytes.repeat(count)).await;
        let end = raw.end().await;
        assert!(is_calmed(end), "{name}: {end:?}, taken: {all}");
    }
    let mut raw = Raw::open(plane.address).await;
    raw.flood(&frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]).repeat(1000))
        .await;
    let end = raw.end().await;
    assert!(matches!(end, None | Some(PROTOCOL_ERROR)), "{end:?}");
    // The same without reading anything.
    let mut raw = Raw::open(plane.address).await;
    raw.write(&frame(PING, 0, 0, &[0; 8]).repeat(200_000)).await;
    plane
        .until("it is closed", |totals| totals.connections_open == 0)
        .await;
}

/// what has to be answered is answered as often as L-19 says, and once more ends the connection; what comes beside
/// content is paid for by that.
#[tokio::test]
async fn pings_have_a_bound() {
    const MOST: usize = 100;
    let endpoint = Endpoint::named("served").await;
    let plane = plane(&endpoint, |_| {});
    let ping = frame(PING, 0, 0, b"are you?");
    let mut raw = Raw::open(plane.address).await;
    // The settings at its beginning were one.
    for _ in 1..MOST {
        raw.write(&ping).await;
        while raw.next().await.expect("an answer").kind != PING {}
    }
    assert_eq!(plane.totals().http2_floods, 0);
    raw.write(&ping).await;
    assert_eq!(raw.end().await, Some(ENHANCE_YOUR_CALM));
    assert_eq!(plane.totals().http2_floods, 1);
    let mut raw = Raw::open(plane.address).await;
    for stream in streams(3 * 100) {
        raw.write(&[ping.clone(), headers(stream, true, &sound(&[]))].concat())
            .await;
        assert_eq!(raw.fate(stream).await, Fate::Answered);
    }
}

/// floods that the protocol ends by itself are counted as those that are ended here.
#[tokio::test]
async fn floods_are_counted() {
    let endpoint = Endpoint::with(|_| Answer::Silence).await;
    let plane = plane(&endpoint, |_| {});
    let mut raw = Raw::open(plane.address).await;
    raw.write(&headers(1, false, &sound(&[]))).await;
    raw.flood(&frame(DATA, 0, 1, b"a").repeat(200_000)).await;
    assert!(is_calmed(raw.end().await));
    plane
        .until("it is counted", |totals| totals.http2_floods == 1)
        .await;
}

/// a header block in endless pieces, empty ones or small ones, ends its connection.
#[tokio::test]
async fn endless_blocks() {
    let endpoint = Endpoint::named("served").await;
    let plane = plane(&endpoint, |_| {});
    for piece in [&b""[..], b"\0", &field_as(0, "x", &[b'v'; 1000])] {
        let mut raw = Raw::open(plane.address).await;
        raw.write(&frame(HEADERS, 0, 1, &sound(&[]))).await;
        let all = raw
            .flood(&frame(CONTINUATION, 0, 1, piece).repeat(10_000))
            .await;
        let end = raw.end().await;
        assert!(is_calmed(end) && !(all && end.is_none()), "{end:?}");
    }
    assert_eq!(endpoint.request_count(), 0);
}

/// what a block stands for is measured, and not what it takes on the wire; crumbs of cookies are no exception.
#[tokio::test]
async fn small_blocks_that_become_large() {
    let endpoint = Endpoint::named("served").await;
    let plane = plane(&endpoint, |_| {});
    for name in ["x-large", "cookie"] {
        let mut raw = Raw::open(plane.address).await;
        // It is noted in the table, as the first of its entries.
        let noted = field_as(0x40, name, &[b'v'; 3900]);
        raw.write(&headers(1, true, &[sound(&[]), noted].concat()))
            .await;
        assert_eq!(raw.fate(1).await, Fate::Answered);
        let served = endpoint.request_count();
        let bomb = [sound(&[]), vec![0xbe; 12_000]].concat();
        raw.write(&headers(3, true, &bomb)).await;
        let fate = raw.fate(3).await;
        assert!(matches!(fate, Fate::GoAway(_) | Fate::Reset(_)), "{fate:?}");
        let mut raw = Raw::open(plane.address).await;
        let noted = field_as(0x40, name, &[b'v'; 3900]);
        raw.write(&headers(1, true, &[sound(&[]), noted].concat()))
            .await;
        assert_eq!(raw.fate(1).await, Fate::Answered);
        // Each of them a little too long.
        let block = [sound(&[]), vec![0xbe; 20]].concat();
        for stream in streams(41).skip(1) {
            raw.write(&headers(stream, true, &block)).await;
            let frame = loop {
                let frame = raw.next().await.expect("an answer");
                if frame.stream == stream {
                    break frame;
                }
            };
            // 431, written out behind the name that the static table has for it.
            let refused =
                frame.kind == RST_STREAM || frame.payload[0] == 0x08 || frame.payload[0] == 0x48;
            assert!(refused || frame.payload[0] > 0x88, "{frame:?}");
        }
        assert_eq!(endpoint.request_count(), served + 1);
    }
}

/// streams beyond the bound are refused, none waits, and the connection goes on.
#[tokio::test]
async fn too_many_streams_are_refused() {
    let endpoint = Endpoint::with(|_| Answer::Silence).await;
    let plane = plane(&endpoint, |_| {});
    let mut raw = Raw::open(plane.address).await;
    let open = sound(&[]);
    let bytes: Vec<u8> = streams(300)
        .flat_map(|stream| headers(stream, true, &open))
        .collect();
    raw.write(&bytes).await;
    let mut refused = 0;
    while refused < 200 {
        let frame = raw.next().await.expect("a refusal");
        assert_ne!(frame.kind, GOAWAY, "{frame:?}");
        if frame.kind == RST_STREAM {
            assert_eq!((frame.code(), frame.stream > 200), (REFUSED_STREAM, true));
            refused += 1;
        }
    }
    plane
        .until("a hundred are in work", |totals| {
            totals.requests_in_flight == 100
        })
        .await;
    raw.write(&frame(PING, 0, 0, b"are you?")).await;
    while raw.next().await.expect("an answer").kind != PING {}
    assert_eq!(plane.totals().requests, 100);
}

/// of answers that nobody takes no more is held than a bound allows, whatever the window, and they end in time.
/// L-10: what an endpoint is asked for beyond that waits at the endpoint.
#[tokio::test]
async fn answers_that_nobody_takes() {
    const EACH: u64 = 64 << 20;
    for window in [0, 1] {
        let endpoint = Endpoint::with(|_| Answer::Large(EACH)).await;
        let plane = plane(&endpoint, |settings| {
            settings.timeouts.client_stall = Duration::from_secs(1);
        });
        let mut raw = Raw::with(plane.address, &[(4, window)]).await;
        let bytes: Vec<u8> = streams(20)
            .flat_map(|stream| headers(stream, true, &sound(&[])))
            .collect();
        raw.write(&bytes).await;
        let mut reset = 0;
        while reset < 20 {
            let frame = raw.next().await.expect("a reset");
            if frame.kind == RST_STREAM {
                assert_eq!(frame.code(), CANCEL);
                reset += 1;
            }
        }
        // The system's own buffers hold some of it as well.
        let sent = endpoint.body_bytes_sent();
        assert!(sent < 20 * (EACH / 4), "{sent} of {}", 20 * EACH);
    }
}

/// L-09: a client that reads nothing of its connection is cut.
#[tokio::test]
async fn a_connection_that_nobody_reads() {
    let endpoint = Endpoint::with(|_| Answer::Large(64 << 20)).await;
    let plane = plane(&endpoint, |settings| {
        settings.timeouts.client_stall = Duration::from_secs(1);
    });
    let largest = 0x7fff_ffff;
    let mut raw = Raw::with(plane.address, &[(4, largest)]).await;
    raw.write(&frame(
        WINDOW_UPDATE,
        0,
        0,
        &(largest - 65_535).to_be_bytes(),
    ))
    .await;
    raw.write(&headers(1, true, &sound(&[]))).await;
    plane
        .until("it is cut", |totals| {
            totals.requests == 1 && totals.connections_open == 0
        })
        .await;
}

/// a preface, settings and header blocks that stop half-way end when the time of a head is over.
#[tokio::test]
async fn what_stops_half_way() {
    let endpoint = Endpoint::named("served").await;
    let plane = plane(&endpoint, |settings| {
        settings.timeouts.request_head = Duration::from_millis(500);
        settings.timeouts.linger = Duration::from_millis(100);
    });
    let begun = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    let half = |bytes: &[u8], at: usize| [&begun, &bytes[..at]].concat();
    let headers = frame(HEADERS, 0, 1, &sound(&[]));
    let settings = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]);
    let mut stopped = Vec::new();
    for bytes in [
        PREFACE[..16].to_vec(),
        PREFACE.to_vec(),
        half(&settings, 12),
        half(&headers, 5),
        half(&headers, 30),
        half(&headers, headers.len()),
    ] {
        let mut raw = Raw::silent(plane.address).await;
        raw.write(&bytes).await;
        stopped.push(raw);
    }
    for (at, raw) in stopped.iter_mut().enumerate() {
        assert!(!raw.stays(BOUND).await, "the one at {at}");
    }
    // One that has nothing to say stays.
    let mut raw = Raw::open(plane.address).await;
    assert!(raw.stays(Duration::from_millis(1500)).await);
}

/// L-08: a body that comes too slowly is refused, and its stream alone ends.
#[tokio::test]
async fn slow_bodies_end_alone() {
    let endpoint = Endpoint::with(|head| match &*head.target {
        "/slow" => Answer::Echo,
        _ => Reply::text("served").into(),
    })
    .await;
    let plane = plane(&endpoint, |settings| {
        settings.timeouts.body_grace = Duration::from_millis(200);
        settings.timeouts.body_window = Duration::from_secs(1);
    });
    let mut client = Client::clear(plane.address).await;
    let (response, sending) = client.begin(bare(request("POST", "/slow")), false).await;
    let answer = tokio::time::timeout(BOUND, response)
        .await
        .expect("in time");
    assert_eq!(answer.expect("an answer").status(), 408);
    drop(sending);
    assert_eq!(client.get("/").await.text(), "served");
    eventually("nothing is left", BOUND, async || {
        match plane.totals().requests_in_flight {
            0 => Ok(()),
            left => Err(format!("{left} requests")),
        }
    })
    .await;
}
