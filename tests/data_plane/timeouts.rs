//! Who may take how long, and what the other side gets when the time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pointsman_data_plane::{Settings, Timeouts};
use pointsman_routing::{Attributes, RouteTimeouts};
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Reply};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{BOUND, Plane, Setup, head};

/// Long enough for a step of the deadlines, short enough for a test.
const SHORT: Duration = Duration::from_millis(150);

/// A data plane before an endpoint, with these timeouts.
fn plane(endpoint: &Endpoint, change: impl FnOnce(&mut Timeouts)) -> Plane {
    let change = |settings: &mut Settings| change(&mut settings.timeouts);
    Setup::new()
        .endpoint("app.test", endpoint)
        .with(change)
        .start()
}

/// L-05: a head that does not come to its end is a 408, and nothing at all a silent close.
/// D-075: the connection ends.
#[tokio::test]
async fn slow_heads_end() {
    let endpoint = Endpoint::named("x").await;
    let plane = plane(&endpoint, |timeouts| timeouts.request_head = SHORT);
    let mut silent = plane.connect().await;
    assert_eq!(silent.read_to_end().await, b"");
    let mut slow = plane.connect().await;
    slow.write(b"GET / HTTP/1.1\r\nHost:").await;
    let answer = slow.read_answer().await;
    assert_eq!(answer.status, 408);
    assert_eq!(answer.header("X-Cf-RouterError"), Some("request_timeout"));
    assert_eq!(answer.header("Connection"), Some("close"));
    assert_eq!(slow.read_to_end().await, b"");
    let mut second = plane.connect().await;
    second
        .write(format!("{}GET /", head("GET /", &[])).as_bytes())
        .await;
    assert_eq!(second.read_answer().await.status, 200);
    assert_eq!(
        second.read_answer().await.status,
        408,
        "later requests have the same time"
    );
    assert_eq!(plane.settled().await.request_timeouts, 2);
}

/// L-07: a client that says nothing between requests is closed without a word.
/// D-076: after the idle time.
/// D-079: a request in work is not interrupted by it.
#[tokio::test]
async fn idle_clients_are_closed() {
    let endpoint = Endpoint::with(|_| Reply::text("slow").after(SHORT * 3).into()).await;
    let plane = plane(&endpoint, |timeouts| timeouts.client_idle = SHORT);
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(client.read_answer().await.body, b"slow");
    assert_eq!(client.read_to_end().await, b"");
}

/// L-08: a client that drips its body is a 408, and blames nobody.
#[tokio::test]
async fn slow_bodies_end() {
    let endpoint = Endpoint::named("x").await;
    let plane = plane(&endpoint, |timeouts| {
        timeouts.body_grace = SHORT;
        timeouts.body_window = SHORT;
    });
    let mut client = plane.connect().await;
    client
        .write((head("POST /", &["Content-Length: 100"]) + "drip").as_bytes())
        .await;
    let answer = client.read_answer().await;
    assert_eq!(answer.status, 408);
    assert_eq!(answer.header("X-Cf-RouterError"), Some("request_timeout"));
    assert_eq!(
        plane.get("/").await.status,
        200,
        "the endpoint is not marked"
    );
}

/// L-09: a client that takes nothing of its answer is cut.
#[tokio::test]
async fn stalled_readers_are_cut() {
    let endpoint = Endpoint::with(|_| Answer::Large(512 * 1024 * 1024)).await;
    let plane = plane(&endpoint, |timeouts| timeouts.client_stall = SHORT);
    let mut client = plane.connect().await;
    client.write(head("GET /stall", &[]).as_bytes()).await;
    client.read_head().await;
    plane
        .until("the answer is broken off", |totals| totals.broken_off == 1)
        .await;
    plane.line("/stall").await;
}

/// L-28: an endpoint that does not answer in time is a 504, with Gorouter's words where that is
/// configured.
/// D-488: Gorouter's status is 502.
/// D-492: nothing is tried again, and nothing marked.
#[tokio::test]
async fn silent_endpoints_are_given_up() {
    for (parity, status, error) in [
        (false, 504, "endpoint_timeout"),
        (true, 502, "endpoint_failure (context deadline exceeded)"),
    ] {
        let endpoint = Endpoint::with(|_| Answer::Silence).await;
        let plane = Setup::new()
            .endpoint("app.test", &endpoint)
            .with(|settings| {
                settings.timeouts.answer = SHORT;
                settings.headers.timeout_is_bad_gateway = parity;
            })
            .start();
        let answer = plane.get("/").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("X-Cf-RouterError"), Some(error));
        assert_eq!(endpoint.request_count(), 1);
        endpoint.script(|_| Reply::text("awake").into());
        assert_eq!(plane.get("/").await.body, b"awake");
    }
}

/// D-338: the connection of an endpoint that was given up is closed.
#[tokio::test]
async fn connections_that_are_given_up_are_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let plane = Setup::new()
        .thing("app.test", address, |_| {})
        .with(|settings| settings.timeouts.answer = SHORT)
        .start();
    let endpoint = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("the data plane");
        socket.read_to_end(&mut Vec::new()).await
    });
    assert_eq!(plane.get("/").await.status, 504);
    let read = tokio::time::timeout(BOUND, endpoint)
        .await
        .expect("it is closed");
    read.expect("the endpoint goes on")
        .expect("it is closed in good order");
}

/// D-489: a bound on the whole attempt cuts the answer.
/// D-337: and ends a request that has no answer yet.
#[tokio::test]
async fn whole_attempts_are_bounded_where_that_is_configured() {
    let endpoint = Endpoint::with(|_| {
        Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec())
    })
    .await;
    let plane = plane(&endpoint, |timeouts| timeouts.attempt = Some(SHORT));
    let mut client = plane.connect().await;
    client.write(head("GET /cut", &[]).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 200);
    assert!(client.read_to_end().await.len() < 9);
    let line = plane.line("/cut").await;
    assert!(line.contains("context deadline exceeded"), "{line}");
}

/// L-28: connecting and the handshake are bounded, and another endpoint gets the request.
/// D-508: an endpoint that accepts and never shakes hands is given up.
/// F-051: the TLS handshake has a bound.
#[tokio::test]
async fn handshakes_are_bounded() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mute = listener.local_addr().expect("an address");
    let authority = pointsman_tests::Authority::new("authority");
    let plane = Setup::new()
        .thing("app.test", mute, |thing| {
            thing.tls = Some("instance".to_owned());
        })
        .trust(&authority, None)
        .with(|settings| settings.timeouts.handshake = SHORT)
        .start();
    let answer = plane.get("/").await;
    assert_eq!(answer.status, 502);
    let error = answer.header("X-Cf-RouterError").expect("an error");
    assert!(error.contains("TLS handshake timeout"), "{error}");
    assert_eq!(plane.get("/").await.status, 404, "it is set aside");
}

/// L-24: a client connection ends after so many requests.
/// L-25: and at its age.
#[tokio::test]
async fn client_connections_end() {
    let endpoint = Endpoint::named("x").await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.limits.connection_requests = 2)
        .start();
    let mut client = plane.connect().await;
    for expected in [None, Some("close")] {
        client.write(head("GET /", &[]).as_bytes()).await;
        assert_eq!(client.read_answer().await.header("Connection"), expected);
    }
    assert_eq!(client.read_to_end().await, b"");
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.limits.connection_age = Duration::ZERO)
        .start();
    let mut client = plane.connect().await;
    tokio::time::sleep(SHORT * 2).await;
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(
        client.read_answer().await.header("Connection"),
        Some("close")
    );
}

/// An endpoint of the test's own, for answers that take their time.
async fn played(change: impl FnOnce(&mut Timeouts)) -> (Plane, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let change = |settings: &mut Settings| change(&mut settings.timeouts);
    let setup = Setup::new().thing("app.test", address, |_| {});
    (setup.with(change).start(), listener)
}

/// Reads a request's head.
async fn read_head(socket: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        socket.read_buf(&mut seen).await.expect("a head");
    }
}

/// L-28: a stream that moves is not cut, however long it takes; one that stands still is.
/// No bound of an answer's head is one of its body.
#[tokio::test]
async fn a_healthy_stream_is_not_cut() {
    let (plane, listener) = played(|timeouts| {
        timeouts.answer = SHORT;
        timeouts.stream_idle = SHORT * 3;
    })
    .await;
    let endpoint = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("the data plane");
        read_head(&mut socket).await;
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        socket.write_all(head).await.expect("the data plane");
        for _ in 0..20 {
            tokio::time::sleep(SHORT).await;
            socket.write_all(b"1\r\nx\r\n").await.expect("it reads on");
        }
        let _closed = socket.read_to_end(&mut Vec::new()).await;
    });
    let mut client = plane.connect().await;
    client.write(head("GET /stream", &[]).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 200);
    let body = client.read_to_end().await;
    assert_eq!(body.iter().filter(|&&byte| byte == b'x').count(), 20);
    endpoint.await.expect("it was read to its end, and closed");
    let line = plane.line("/stream").await;
    assert!(line.contains("context deadline exceeded"), "{line}");
}

/// Section 5 of the issue: a bound on the whole request holds over all attempts, from connecting to the last byte.
#[tokio::test]
async fn whole_requests_are_bounded_where_that_is_configured() {
    let slow = Endpoint::with(|_| {
        Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec())
    })
    .await;
    let plane = plane(&slow, |timeouts| timeouts.request = Some(SHORT));
    let mut client = plane.connect().await;
    client.write(head("GET /cut", &[]).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 200);
    assert!(client.read_to_end().await.len() < 9);
    assert!(
        plane
            .line("/cut")
            .await
            .contains("context deadline exceeded")
    );
    slow.script(|_| Answer::Silence);
    assert_eq!(plane.get("/").await.status, 504);
    // Two attempts, of which each alone would have been in time.
    let plane = closing_late(usize::MAX, |timeouts| timeouts.request = Some(SHORT * 5)).await;
    assert_eq!(plane.get("/").await.status, 504);
    assert_eq!(plane.settled().await.attempts, 2);
    // An endpoint that accepts and never shakes hands is no way around it.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let authority = pointsman_tests::Authority::new("authority");
    let plane = Setup::new()
        .thing("app.test", address, |thing| {
            thing.tls = Some("instance".to_owned());
        })
        .trust(&authority, None)
        .with(|settings| settings.timeouts.request = Some(SHORT))
        .start();
    assert_eq!(plane.get("/").await.status, 504);
    assert_eq!(plane.get("/").await.status, 504, "it is not set aside");
}

/// Section 5 of the issue: a route may say how long its requests may take.
#[tokio::test]
async fn a_route_has_timeouts_of_its_own() {
    let endpoint = Endpoint::with(|_| Reply::text("slow").after(SHORT * 3).into()).await;
    let attributes = |timeouts: RouteTimeouts| Attributes {
        timeouts: Some(Box::new(timeouts)),
        ..Attributes::default()
    };
    let attempt = |attempt| RouteTimeouts {
        attempt: Some(attempt),
        ..RouteTimeouts::default()
    };
    let request = |request| RouteTimeouts {
        request: Some(request),
        ..RouteTimeouts::default()
    };
    let plane = Setup::new()
        .with(|settings| settings.timeouts.answer = SHORT)
        .attributes("patient.test", attributes(attempt(SHORT * 20)))
        .thing("patient.test", endpoint.address(), |_| {})
        .attributes("for-ever.test", attributes(attempt(Duration::MAX)))
        .thing("for-ever.test", endpoint.address(), |_| {})
        .attributes("hasty.test", attributes(request(SHORT / 3)))
        .thing("hasty.test", endpoint.address(), |_| {})
        .endpoint("app.test", &endpoint)
        .start();
    for (host, status) in [
        ("patient", 200),
        ("for-ever", 200),
        ("hasty", 504),
        ("app", 504),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}.test\r\n\r\n");
        assert_eq!(plane.ask(request).await.status, status, "{host}");
    }
    let endpoint = Endpoint::with(|_| {
        Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec())
    })
    .await;
    let idle = RouteTimeouts {
        idle: Some(SHORT),
        ..RouteTimeouts::default()
    };
    let plane = Setup::new()
        .attributes("app.test", attributes(idle))
        .thing("app.test", endpoint.address(), |_| {})
        .start();
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 200);
    assert_eq!(client.read_to_end().await, b"half");
}

/// D-490: an answer in time is passed on, though it took longer than an unused connection is kept.
#[tokio::test]
async fn the_idle_time_of_connections_is_none_of_answers() {
    let endpoint = Endpoint::with(|_| Reply::text("slow").after(SHORT * 4).into()).await;
    let plane = plane(&endpoint, |timeouts| timeouts.endpoint_idle = SHORT);
    assert_eq!(plane.get("/").await.body, b"slow");
}

/// A client that withholds its body gets its answer when the time is over, and not when it moves.
#[tokio::test]
async fn a_stalled_upload_is_answered_in_time() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    for parity in [false, true] {
        let plane = Setup::new()
            .endpoint("app.test", &endpoint)
            .with(|settings| {
                settings.timeouts.attempt = Some(SHORT);
                settings.headers.timeout_is_bad_gateway = parity;
            })
            .start();
        let mut client = plane.connect().await;
        let request = head("POST /", &["Content-Length: 10"]) + "half";
        client.write(request.as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, if parity { 502 } else { 504 });
        assert_eq!(answer.header("Connection"), Some("close"));
        assert_eq!(client.read_to_end().await, b"");
    }
}

/// A data plane before two endpoints that take their time. The first so many connections are closed without an answer.
async fn closing_late(closed: usize, change: impl FnOnce(&mut Timeouts)) -> Plane {
    let connections = Arc::new(AtomicUsize::new(0));
    let mut setup = Setup::new().with(|settings| change(&mut settings.timeouts));
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        setup = setup.thing(
            "app.test",
            listener.local_addr().expect("an address"),
            |_| {},
        );
        let connections = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let answers = connections.fetch_add(1, Ordering::SeqCst) >= closed;
                read_head(&mut socket).await;
                tokio::time::sleep(SHORT * 3).await;
                if answers {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond";
                    socket.write_all(answer).await.expect("the data plane");
                }
            }
        });
    }
    setup.start()
}

/// D-457: the bound of an attempt ends with it: the next one has a time of its own.
#[tokio::test]
async fn each_attempt_has_a_time_of_its_own() {
    let plane = closing_late(1, |timeouts| timeouts.attempt = Some(SHORT * 4)).await;
    let answer = plane.get("/").await;
    assert_eq!((answer.status, &*answer.body), (200, &b"second"[..]));
}
