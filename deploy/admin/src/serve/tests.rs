//! The life of one connection, on a clock that the test has.

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, sleep_until};

use super::*;

/// How long the slow page takes.
const SLOW: Duration = Duration::from_secs(20);

/// A client of a connection that begins now, and the connection.
fn connect() -> (DuplexStream, tokio::task::JoinHandle<()>) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let slow = get(async || {
        sleep(SLOW).await;
        "slow"
    });
    let router = Router::new()
        .route("/", get(async || "quick"))
        .route("/slow", slow);
    let peer = Peer {
        address: [127, 0, 0, 1].into(),
        names: Arc::from([]),
    };
    (near, tokio::spawn(answer(far, peer, router)))
}

/// Asks, and answers what comes back, in small letters.
async fn ask(client: &mut DuplexStream, path: &str, body: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\n\r\n");
    client
        .write_all(request.as_bytes())
        .await
        .expect("it is open");
    let mut answer = Vec::new();
    while !answer.ends_with(body.as_bytes()) {
        let read = client.read_buf(&mut answer).await.expect("it is open");
        assert_ne!(read, 0, "cut within an answer");
    }
    String::from_utf8_lossy(&answer).to_lowercase()
}

/// A connection that is used ends when its time is over: with the answer that is under way then, which is whole and says so.
#[tokio::test(start_paused = true)]
async fn a_connection_ends_with_the_answer_at_the_end_of_its_life() {
    let begun = Instant::now();
    let (mut client, connection) = connect();
    for at in (0..LIFE.as_secs()).step_by(5) {
        sleep_until(begun + Duration::from_secs(at)).await;
        let answer = ask(&mut client, "/", "quick").await;
        assert!(!answer.contains("connection: close"), "{at} s: {answer}");
    }
    let answer = ask(&mut client, "/slow", "slow").await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(begun.elapsed() > LIFE);
    assert_eq!(client.read(&mut [0]).await.expect("an end"), 0);
    connection.await.expect("it has ended");
    assert!(begun.elapsed() < LIFE + SLOW, "it waited for more");
}

/// One that does nothing at the end of its life ends at once.
#[tokio::test(start_paused = true)]
async fn a_connection_that_rests_ends_at_the_end_of_its_life() {
    let begun = Instant::now();
    let (mut client, connection) = connect();
    for at in (0..LIFE.as_secs()).step_by(9) {
        sleep_until(begun + Duration::from_secs(at)).await;
        ask(&mut client, "/", "quick").await;
    }
    // It would be idle for too long three seconds later.
    assert_eq!(client.read(&mut [0]).await.expect("an end"), 0);
    connection.await.expect("it has ended");
    assert_eq!(begun.elapsed().as_secs(), LIFE.as_secs());
}

/// One that nobody asks anything has its place only so long.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_only_held_ends_soon() {
    let begun = Instant::now();
    let (mut client, connection) = connect();
    client.write_all(b"GET / HT").await.expect("it is open");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.expect("an end");
    connection.await.expect("it has ended");
    assert_eq!(begun.elapsed().as_secs(), HEAD.as_secs());
}
