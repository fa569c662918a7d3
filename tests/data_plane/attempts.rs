//! Which endpoint gets a request, and which others after failures.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Reply};

use crate::support::{Plane, Setup, head};

/// An endpoint that refuses connections.
async fn refusing() -> Endpoint {
    let mut endpoint = Endpoint::named("gone").await;
    endpoint.close().await;
    endpoint
}

/// Requests take turns among the endpoints.
#[tokio::test]
async fn requests_take_turns() {
    let endpoints = [
        Endpoint::named("a").await,
        Endpoint::named("b").await,
        Endpoint::named("c").await,
    ];
    let mut setup = Setup::new();
    for endpoint in &endpoints {
        setup = setup.endpoint("app.test", endpoint);
    }
    let plane = setup.start();
    for _ in 0..9 {
        assert_eq!(plane.get("/").await.status, 200);
    }
    for endpoint in &endpoints {
        assert_eq!(endpoint.request_count(), 3);
    }
}

/// D-432: attempts go on until one succeeds.
/// D-435: after a success nothing of the failures is told.
/// D-472: a refused connection is retried.
/// a POST is, too, where no byte of it was sent.
/// D-433: each attempt counts as a request to its endpoint.
/// F-034: another endpoint is dialled within the same request.
/// F-061: a request that meets a killed endpoint moves on.
#[tokio::test]
async fn a_refused_connection_is_tried_elsewhere() {
    let gone = refusing().await;
    let there = Endpoint::with(|_| Answer::Echo).await;
    let plane = Setup::new()
        .endpoint("app.test", &gone)
        .endpoint("app.test", &there)
        .start();
    for _ in 0..4 {
        let answer = plane
            .ask(head("POST /", &["Content-Length: 3"]) + "abc")
            .await;
        assert_eq!(
            (answer.status, answer.header("X-Cf-RouterError")),
            (200, None)
        );
    }
    assert_eq!(there.request_count(), 4);
    let totals = plane.settled().await;
    assert_eq!(totals.retries, 1, "the mark keeps later requests away");
    assert_eq!(totals.attempts, 5);
}

/// D-438: no more attempts than allowed.
/// D-439: no more attempts than endpoints.
/// D-443: no attempts allowed means one.
/// D-479: what is left is a 502 with Gorouter's words.
/// without an address.
/// refusals fail fast.
/// F-036: no endpoint is dialled twice.
/// F-037: where all refuse, that is a 502 which says so.
/// F-066: attempts end where the next endpoint was tried already.
#[tokio::test]
async fn attempts_are_bounded() {
    for (endpoints, allowed, expected) in [(5, 3, 3), (2, 10, 2), (1, 3, 1), (3, 0, 1)] {
        let mut gone = Vec::new();
        let mut setup = Setup::new().with(|settings| settings.limits.attempts = allowed);
        for _ in 0..endpoints {
            let endpoint = refusing().await;
            setup = setup.endpoint("app.test", &endpoint);
            gone.push(endpoint);
        }
        let plane = setup.start();
        let answer = plane.get("/").await;
        assert_eq!(answer.status, 502);
        let error = answer
            .header("X-Cf-RouterError")
            .expect("the router's error")
            .to_owned();
        assert!(error.starts_with("endpoint_failure (") && error.contains("connection refused"));
        assert!(!error.contains("127.0.0.1"), "{error}");
        let body = "502 Bad Gateway: Registered endpoint failed to handle the request.\n";
        assert_eq!(String::from_utf8_lossy(&answer.body), body);
        assert_eq!(answer.header("Connection"), None, "the connection stays");
        assert_eq!(
            plane.settled().await.attempts,
            expected,
            "{endpoints} endpoints, {allowed} allowed"
        );
        assert_eq!(plane.settled().await.bad_gateways, 1);
    }
}

/// D-449: a GET that an endpoint drops is tried elsewhere.
/// D-445: a POST is not, and is delivered once.
/// D-446: unless it has an idempotency key.
/// no POST is delivered twice.
/// F-056: an idempotency key makes a request repeatable.
/// F-059: so does it one whose body was kept.
/// F-064: a GET that gets no byte of an answer is repeated.
#[tokio::test]
async fn a_dropped_request_is_repeated_only_if_that_is_safe() {
    for (request, expected) in [
        (head("GET /", &[]), 200),
        (head("HEAD /", &["Connection: close"]), 200),
        (head("POST /", &["Content-Length: 0"]), 502),
        (head("POST /", &["Content-Length: 3"]) + "abc", 502),
        (head("POST /", &["Idempotency-Key: k"]), 200),
        (
            head("POST /", &["X-Idempotency-Key: k", "Content-Length: 3"]) + "abc",
            200,
        ),
        (head("POST /", &["Idempotency-Key:"]), 502),
        (head("DELETE /", &[]), 502),
    ] {
        let dropping = Endpoint::with(|_| Answer::Close).await;
        let second = Endpoint::with(|_| Answer::Close).await;
        let plane = Setup::new()
            .endpoint("app.test", &dropping)
            .endpoint("app.test", &second)
            .start();
        // Whichever is asked first drops; the other answers from then on.
        let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        for endpoint in [&dropping, &second] {
            let count = count.clone();
            endpoint.script(move |_| {
                match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                    0 => Answer::Close,
                    _ => Reply::status(200).into(),
                }
            });
        }
        let answer = plane.ask(&request).await;
        assert_eq!(answer.status, expected, "{request}");
        let delivered = dropping.request_count() + second.request_count();
        assert_eq!(delivered, if expected == 200 { 2 } else { 1 }, "{request}");
        if expected == 502 {
            assert_eq!(
                answer.header("X-Cf-RouterError"),
                Some("endpoint_failure (EOF)")
            );
        }
    }
}

/// D-493: an endpoint's own error status is never tried again.
#[tokio::test]
async fn an_answer_is_an_answer() {
    let failing = Endpoint::with(|_| Reply::status(503).into()).await;
    let other = Endpoint::with(|_| Reply::status(503).into()).await;
    let plane = Setup::new()
        .endpoint("app.test", &failing)
        .endpoint("app.test", &other)
        .start();
    assert_eq!(plane.get("/").await.status, 503);
    assert_eq!(failing.request_count() + other.request_count(), 1);
}

/// D-510: connections to endpoints are used again.
/// D-077: so are connections of clients.
/// D-456: each endpoint has its own.
#[tokio::test]
async fn connections_are_used_again() {
    let endpoint = Endpoint::named("kept").await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    for _ in 0..5 {
        client.write(head("GET /", &[]).as_bytes()).await;
        assert_eq!(client.read_answer().await.body, b"kept");
    }
    assert_eq!(endpoint.accepted_connections(), 1);
    let totals = plane.settled().await;
    assert_eq!(
        (totals.connections_accepted, totals.dials, totals.reused),
        (1, 1, 4)
    );
}

/// D-509: without keep-alive each request has a connection of its own, and says so.
#[tokio::test]
async fn connections_are_not_used_again_where_that_is_off() {
    let endpoint = Endpoint::named("fresh").await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.upstream.keep_alive = false)
        .start();
    for _ in 0..3 {
        assert_eq!(plane.get("/").await.status, 200);
    }
    assert_eq!(endpoint.accepted_connections(), 3);
    assert_eq!(
        endpoint.last_request().head.header("connection"),
        Some("close")
    );
}

/// an endpoint that closes kept connections loses no request: a GET is repeated, and what
/// cannot be repeated goes on a fresh connection.
/// D-460: a POST on a connection that had died is sent again.
/// F-053: a GET on a kept connection that the endpoint closes is answered all the same.
/// F-058: what was not written is sent again, whatever it is.
#[tokio::test]
async fn connections_that_ended_while_unused_cost_nothing() {
    let mut endpoint = Endpoint::named("back").await;
    let plane = Plane::before(&endpoint);
    for request in [
        head("GET /", &[]),
        head("POST /", &["Content-Length: 3"]) + "abc",
    ] {
        assert_eq!(plane.get("/").await.status, 200);
        plane
            .until("an unused connection", |totals| totals.idle_upstream == 1)
            .await;
        endpoint.close().await;
        endpoint.reopen().await;
        assert_eq!(plane.ask(&request).await.status, 200);
    }
    assert_eq!(plane.settled().await.bad_gateways, 0);
}

/// a connection on which an endpoint speaks unasked is not used again.
/// bytes beyond an answer that has no body are nobody's answer.
/// D-093: of two final heads the first one counts.
#[tokio::test]
async fn a_connection_with_surplus_bytes_is_not_used_again() {
    let stray = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray";
    for first in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"[..],
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    ] {
        let bytes = [first, stray].concat();
        let endpoint = Endpoint::with(move |_| Answer::Raw(bytes.clone())).await;
        let plane = Plane::before(&endpoint);
        let mut client = plane.connect().await;
        client.write(head("GET /", &[]).as_bytes()).await;
        client.read_answer().await;
        endpoint.script(|_| Reply::text("mine").into());
        client.write(head("GET /", &[]).as_bytes()).await;
        assert_eq!(client.read_answer().await.body, b"mine");
        assert_eq!(endpoint.accepted_connections(), 2);
    }
}

/// D-461: a client that goes away never blames the endpoint, and its request is cancelled.
/// D-339: the router sees it go.
/// D-340: the endpoint's connection is closed.
/// D-459: a request that nobody waits for is cancelled.
/// D-465: the log says 499.
/// the endpoint is not marked.
#[tokio::test]
async fn a_client_that_goes_away_blames_nobody() {
    let silent = Endpoint::with(|_| Answer::Silence).await;
    let plane = Plane::before(&silent);
    let mut client = plane.connect().await;
    client.write(head("GET /gone", &[]).as_bytes()).await;
    plane
        .until("the request is out", |totals| totals.attempts == 1)
        .await;
    pointsman_tests::eventually("the request arrives", crate::support::BOUND, async || {
        if silent.request_count() == 1 {
            Ok(())
        } else {
            Err("not yet".to_owned())
        }
    })
    .await;
    drop(client);
    plane
        .until("the client is gone", |totals| totals.clients_gone == 1)
        .await;
    let line = plane.line("/gone").await;
    assert!(line.contains("\" 499 0 0 "), "{line}");
    assert!(
        line.contains("x_cf_routererror:\"endpoint_failure (context canceled)\""),
        "{line}"
    );
    silent.script(|_| Reply::text("fine").into());
    assert_eq!(
        plane.get("/").await.body,
        b"fine",
        "the only endpoint is not marked"
    );
}
