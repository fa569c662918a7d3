//! What is never sent twice, however an endpoint ends its streams and connections, and how often it is sent at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pointsman_tests::Authority;

use super::frames::{DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, STATUS_200};
use super::refusals::{body, frames, post};
use super::streams::send;
use super::trusting;
use crate::support::head;

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const WINDOW_UPDATE: u8 = 8;

/// a POST up to the last stream of a GOAWAY may have been acted on: when the connection then ends, it is not sent
/// again, whatever code the GOAWAY had.
#[tokio::test]
async fn a_post_within_a_goaway_is_not_sent_again() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let endpoint = async {
        for code in [NO_ERROR, INTERNAL_ERROR] {
            let mut connection = frames.accept(&[]).await;
            let stream = connection.request().await;
            assert_eq!(body(&mut connection).await, b"abc");
            let payload = [stream.to_be_bytes(), code.to_be_bytes()].concat();
            connection.send(GOAWAY, 0, 0, &payload).await;
            drop(connection);
        }
        let mut connection = frames.accept(&[]).await;
        let stream = connection.request().await;
        connection.answer(stream, "another").await;
        connection
    };
    let clients = async {
        for _ in 0..2 {
            assert_eq!(post(&plane).await.0, 502);
        }
        assert_eq!(plane.get("/another").await.body, b"another");
    };
    tokio::join!(clients, endpoint);
    assert_eq!(plane.totals().attempts, 3);
}

/// A refused request goes on where it was: what came of its body is sent again, and what comes then after it.
#[tokio::test]
async fn a_body_goes_on_behind_a_refusal() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut client = plane.connect().await;
    client
        .write((head("POST /", &["Content-Length: 9"]) + "abc").as_bytes())
        .await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    assert_eq!(endpoint.next_of(DATA).await.payload, b"abc");
    endpoint.reset(stream, REFUSED_STREAM).await;
    let stream = endpoint.request().await;
    client.write(b"defghi").await;
    assert_eq!(body(&mut endpoint).await, b"abcdefghi");
    endpoint.answer(stream, "whole").await;
    assert_eq!(client.read_answer().await.body, b"whole");
}

/// What is not kept any more is not sent again in part: a request whose body is larger than what is kept of it fails.
#[tokio::test]
async fn half_a_body_is_not_sent_again() {
    const LENGTH: usize = 100_000;
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut client = plane.connect().await;
    let mut request = head("POST /", &[&format!("Content-Length: {LENGTH}")]).into_bytes();
    request.resize(request.len() + LENGTH, b'x');
    client.write(&request).await;
    let mut endpoint = frames.accept(&[(4, 1 << 20)]).await;
    endpoint
        .send(WINDOW_UPDATE, 0, 0, &(1_u32 << 20).to_be_bytes())
        .await;
    let stream = endpoint.request().await;
    assert_eq!(body(&mut endpoint).await.len(), LENGTH);
    endpoint.reset(stream, REFUSED_STREAM).await;
    assert_eq!(client.read_answer().await.status, 502);
    assert_eq!(plane.totals().attempts, 1);
}

/// A hint is no answer: what is refused behind one is sent again.
#[tokio::test]
async fn a_refusal_behind_a_hint_is_one() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    endpoint
        .send(HEADERS, END_HEADERS, stream, &[0x08, 3, b'1', b'0', b'3'])
        .await;
    assert_eq!(client.read_head().await.status, 103);
    endpoint.reset(stream, REFUSED_STREAM).await;
    let stream = endpoint.request().await;
    endpoint.answer(stream, "at last").await;
    assert_eq!(client.read_answer().await.body, b"at last");
}

/// a refusal behind the head of an answer is none: the request was acted on, and its client sees a broken answer.
#[tokio::test]
async fn a_refusal_behind_an_answer_is_none() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut client = plane.connect().await;
    client
        .write((head("POST /", &["Content-Length: 3"]) + "abc").as_bytes())
        .await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    endpoint
        .send(HEADERS, END_HEADERS, stream, STATUS_200)
        .await;
    client.read_head().await;
    endpoint.reset(stream, REFUSED_STREAM).await;
    let rest = client.read_to_end().await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
    assert_eq!(plane.settled().await.attempts, 1);
}

/// An endpoint that answers in full, and says then that it needs no more of the request, has answered.
#[tokio::test]
async fn an_answer_stays_one_behind_a_reset() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut endpoint = None;
    for _ in 0..10 {
        let mut client = plane.connect().await;
        client
            .write((head("POST /", &["Content-Length: 1000000"]) + "abc").as_bytes())
            .await;
        let connection = match &mut endpoint {
            Some(connection) => connection,
            None => endpoint.insert(frames.accept(&[]).await),
        };
        let stream = connection.request().await;
        connection
            .send(HEADERS, END_HEADERS, stream, &[0x08, 3, b'4', b'1', b'3'])
            .await;
        connection
            .send(DATA, END_STREAM, stream, b"too large")
            .await;
        connection.reset(stream, NO_ERROR).await;
        let answer = client.read_answer().await;
        assert_eq!((answer.status, &*answer.body), (413, &b"too large"[..]));
    }
    assert_eq!(plane.totals().dials, 1);
}

/// L-27: an endpoint that ends every connection at its first request gets each request no more often than twice in each
/// attempt, the first time on a connection that was old, however many share those connections.
#[tokio::test]
async fn connections_that_always_go_are_tried_so_often() {
    const REQUESTS: usize = 12;
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let seen = Arc::new(AtomicUsize::new(0));
    let clients = async {
        let mut all = send(&plane, REQUESTS);
        while let Some(status) = all.join_next().await {
            assert_eq!(status.expect("a client"), 502);
        }
    };
    tokio::select! {
        () = clients => {}
        () = go_away_always(frames, Arc::clone(&seen)) => {}
    }
    let seen = seen.load(Ordering::SeqCst);
    println!("{seen} heads of {REQUESTS} requests");
    assert!(seen <= REQUESTS * 3 * 2, "{seen}");
}

/// Ends each connection with its first request, of which it has looked at none; counts heads.
async fn go_away_always(frames: Frames, seen: Arc<AtomicUsize>) {
    loop {
        let mut connection = frames.accept(&[]).await;
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut before = 0;
            while let Some(frame) = connection.next().await {
                if frame.kind != HEADERS {
                    continue;
                }
                seen.fetch_add(1, Ordering::SeqCst);
                before += 1;
                if before == 1 {
                    // The others get their time to come.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    connection.go_away(0).await;
                }
            }
        });
    }
}
