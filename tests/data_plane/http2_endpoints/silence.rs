//! Endpoints that say nothing on a connection that requests share.

use std::time::Duration;

use pointsman_tests::{Authority, RawConnection};
use tokio::time::timeout;

use super::frames::{ACK, Connection, DATA, END_HEADERS, HEADERS, PING, STATUS_200};
use super::refusals::{frames, post};
use super::trusting;
use crate::support::{Plane, Setup, head};

/// How long an endpoint may be silent until it is asked, and how long it may take to answer.
const SHORT: Duration = Duration::from_millis(200);

const WINDOW_UPDATE: u8 = 8;

fn impatient(setup: Setup) -> Plane {
    let setup = setup.with(|settings| {
        settings.upstream.http2_silence = SHORT;
        settings.upstream.http2_pong = SHORT;
    });
    setup.start()
}

async fn asking(plane: &Plane, target: &str) -> RawConnection {
    let mut client = plane.connect().await;
    client
        .write(head(&format!("GET {target}"), &[]).as_bytes())
        .await;
    client
}

/// For so long nobody asks.
async fn is_not_asked(connection: &mut Connection, time: Duration) {
    let ping = async {
        while let Some(frame) = connection.next().await {
            assert_ne!(frame.kind, PING, "it was asked");
        }
    };
    assert!(timeout(time, ping).await.is_err(), "it was closed");
}

/// an endpoint that neither sends anything nor answers a PING is gone, and its connection ends: a POST without an answer
/// is a 504, and not sent again, and the next request finds another way.
/// an answer that was under way is broken off, and its client sees that.
#[tokio::test]
async fn an_endpoint_that_does_not_answer_a_ping_is_gone() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = impatient(trusting(&authority).http2(frames.address()));
    let mut broken = asking(&plane, "/broken").await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    endpoint
        .send(HEADERS, END_HEADERS, stream, STATUS_200)
        .await;
    endpoint.send(DATA, 0, stream, b"half").await;
    assert_eq!(broken.read_head().await.status, 200);
    let gone = async {
        endpoint.request().await;
        let asked = endpoint.next_of(PING).await;
        assert_eq!((asked.flags & ACK, asked.stream), (0, 0));
        while let Some(frame) = endpoint.next().await {
            assert_ne!(frame.kind, PING, "it is asked once");
        }
    };
    let ((status, _), (), rest) = tokio::join!(post(&plane), gone, broken.read_to_end());
    assert_eq!(status, 504);
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
    let totals = plane.settled().await;
    assert_eq!((totals.attempts, totals.dials), (2, 1));
    assert_eq!((totals.endpoint_timeouts, totals.broken_off), (1, 1));
    let next = async {
        let mut endpoint = frames.accept(&[]).await;
        let stream = endpoint.request().await;
        endpoint.answer(stream, "next").await;
        endpoint
    };
    let (answer, _endpoint) = tokio::join!(plane.get("/next"), next);
    assert_eq!(answer.body, b"next");
}

/// One that answers is waited for, and is asked once in a silence; without a request it is not asked at all.
#[tokio::test]
async fn an_endpoint_that_answers_a_ping_is_waited_for() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = impatient(trusting(&authority).http2(frames.address()));
    let mut client = asking(&plane, "/").await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    let asked = endpoint.next_of(PING).await;
    endpoint.send(PING, ACK, 0, &asked.payload).await;
    is_not_asked(&mut endpoint, 5 * SHORT).await;
    endpoint
        .send(HEADERS, END_HEADERS, stream, STATUS_200)
        .await;
    assert_eq!(client.read_head().await.status, 200);
    // The next silence is another one.
    let asked = endpoint.next_of(PING).await;
    endpoint.send(PING, ACK, 0, &asked.payload).await;
    endpoint.send(DATA, 1, stream, b"at last").await;
    assert!(
        client
            .read_until(b"0\r\n\r\n")
            .await
            .ends_with(b"0\r\n\r\n")
    );
    is_not_asked(&mut endpoint, 5 * SHORT).await;
    let mut client = asking(&plane, "/again").await;
    let stream = endpoint.request().await;
    endpoint.answer(stream, "again").await;
    assert_eq!(client.read_answer().await.body, b"again");
    is_not_asked(&mut endpoint, 5 * SHORT).await;
    assert_eq!(plane.totals().dials, 1);
}

/// One that does not answer, but sends something, is there.
#[tokio::test]
async fn an_endpoint_that_sends_something_else_is_there() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = impatient(trusting(&authority).http2(frames.address()));
    let mut client = asking(&plane, "/").await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    endpoint.next_of(PING).await;
    for _ in 0..10 {
        endpoint
            .send(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes())
            .await;
        is_not_asked(&mut endpoint, SHORT / 2).await;
    }
    endpoint.answer(stream, "late").await;
    assert_eq!(client.read_answer().await.body, b"late");
    assert_eq!(plane.totals().dials, 1);
}
