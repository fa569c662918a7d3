//! Leaving without losing a request.

use std::time::Duration;

use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::{Endpoint, eventually};
use tokio::net::TcpStream;

use crate::support::{BOUND, Plane, head};

/// during the wait everything is served, and answers ask their connection to close.
/// from the first second.
/// D-628: new connections are served, too.
#[tokio::test]
async fn answers_close_while_the_process_is_leaving() {
    let endpoint = Endpoint::named("served").await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(client.read_answer().await.header("Connection"), None);
    plane.stages.leave();
    client.write(head("GET /", &[]).as_bytes()).await;
    // The worker may see the request before the stage; the one after it cannot.
    let mut answer = client.read_answer().await;
    if answer.header("Connection").is_none() {
        client.write(head("GET /", &[]).as_bytes()).await;
        answer = client.read_answer().await;
    }
    assert_eq!(
        (answer.status, answer.header("Connection")),
        (200, Some("close"))
    );
    assert_eq!(client.read_to_end().await, b"");
    let answer = plane.get("/").await;
    assert_eq!(
        (&*answer.body, answer.header("Connection")),
        (&b"served"[..], Some("close"))
    );
}

/// D-614: a request in flight completes before the end.
/// D-624: after the wait new connections are refused.
/// D-629: unused connections are closed then.
/// Decision 14 and 3.1: the log is complete when the process has ended.
#[tokio::test]
async fn requests_in_flight_finish() {
    let slow = Reply::text("late").after(Duration::from_millis(500));
    let endpoint = Endpoint::with(move |_| slow.clone().into()).await;
    let mut plane = Plane::before(&endpoint);
    let mut idle = plane.connect().await;
    let mut busy = plane.connect().await;
    busy.write(head("GET /late", &[]).as_bytes()).await;
    plane
        .until("the request is out", |totals| totals.attempts == 1)
        .await;
    plane.stages.close();
    assert_eq!(
        idle.read_to_end().await,
        b"",
        "an unused connection is closed"
    );
    eventually(
        "new connections are refused",
        BOUND,
        async || match TcpStream::connect(plane.address).await {
            Ok(_) => Err("accepted".to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(error.to_string()),
        },
    )
    .await;
    assert_eq!(busy.read_answer().await.body, b"late");
    plane.ended().await;
    assert!(
        plane.lines().iter().any(|line| line.contains("/late")),
        "the last line is written"
    );
}

/// connections that a client had made before the listener closed are served.
#[tokio::test]
async fn connections_in_the_queue_are_served() {
    let endpoint = Endpoint::named("queued").await;
    let plane = Plane::before(&endpoint);
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = plane.connect().await;
        client.write(head("GET /", &[]).as_bytes()).await;
        clients.push(client);
    }
    plane.stages.close();
    for mut client in clients {
        assert_eq!(client.read_answer().await.body, b"queued");
    }
}

/// D-615: what lasts longer than the drain may is cut, and the process ends. The client is told,
/// and the request has its line in the log.
#[tokio::test]
async fn endless_requests_are_cut_at_the_end() {
    let endpoint = Endpoint::with(|_| Answer::Silence).await;
    let mut plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    plane
        .until("the request is out", |totals| totals.attempts == 1)
        .await;
    plane.stages.close();
    plane.stages.end();
    plane.ended().await;
    assert_eq!(plane.settled().await.cut_by_drain, 1);
    let answer = client.read_answer().await;
    assert_eq!(
        (answer.status, answer.header("Connection")),
        (502, Some("close"))
    );
    let reason = "endpoint_failure (the router has ended before the answer)";
    assert_eq!(answer.header("X-Cf-RouterError"), Some(reason));
    let line = plane.line("GET / HTTP/1.1").await;
    let address = endpoint.address().to_string();
    assert!(line.contains(" 502 ") && line.contains(&address), "{line}");
    assert!(
        line.contains(&format!("x_cf_routererror:\"{reason}\"")),
        "{line}"
    );
}

/// An answer that is cut at the end of the drain looks like it, and has its line in the log.
#[tokio::test]
async fn answers_in_work_are_cut_at_the_end() {
    let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe beginning";
    let endpoint = Endpoint::with(move |_| Answer::Raw(begun.to_vec())).await;
    let mut plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client.write(head("GET /cut", &[]).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 200);
    plane.stages.end();
    plane.ended().await;
    let line = plane.line("GET /cut HTTP/1.1").await;
    assert!(line.contains(" 200 "), "{line}");
    assert!(
        line.contains("the router has ended before the answer"),
        "{line}"
    );
}
