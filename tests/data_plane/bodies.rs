//! Bodies in both directions: as large as they are, in constant memory, and at the pace of the
//! slower end.

use std::time::Duration;

use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::{Endpoint, eventually};

use crate::support::{BOUND, Plane, Setup, head};

const MIB: usize = 1024 * 1024;

/// D-317: a large upload is streamed completely.
/// D-314: with its length.
#[tokio::test]
async fn a_large_upload_arrives_whole() {
    let endpoint = Endpoint::named("got it").await;
    let plane = Plane::before(&endpoint);
    let body: Vec<u8> = (0..8 * MIB).map(|n| n.to_le_bytes()[1]).collect();
    let mut client = plane.connect().await;
    client
        .write(head("PUT /", &[&format!("Content-Length: {}", body.len())]).as_bytes())
        .await;
    client.write(&body).await;
    assert_eq!(client.read_answer().await.body, b"got it");
    let seen = endpoint.last_request();
    assert_eq!(seen.head.header("content-length"), Some("8388608"));
    assert!(seen.body == body, "the body is not what was sent");
    assert_eq!(plane.settled().await.bytes_received, body.len() as u64);
}

/// A chunked upload in pieces of all sizes arrives whole.
#[tokio::test]
async fn a_chunked_upload_arrives_whole() {
    let endpoint = Endpoint::named("got it").await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client
        .write(head("POST /", &["Transfer-Encoding: chunked"]).as_bytes())
        .await;
    let mut sent = 0;
    for size in [1, 2, 4095, 4096, 4097, 16_384, 65_536, 200_000, 1] {
        client
            .write(format!("{size:x}\r\n{}\r\n", "z".repeat(size)).as_bytes())
            .await;
        sent += size;
    }
    client.write(b"0\r\n\r\n").await;
    assert_eq!(client.read_answer().await.body, b"got it");
    let seen = endpoint.last_request();
    assert_eq!(seen.body.iter().filter(|&&byte| byte == b'z').count(), sent);
}

/// A body that comes byte by byte, head included, is the same request.
#[tokio::test]
async fn requests_may_come_in_any_pieces() {
    let endpoint = Endpoint::named("same").await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    for request in [
        head("POST /", &["Content-Length: 3"]) + "abc",
        head("POST /", &["Transfer-Encoding: chunked"]) + "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    ] {
        for byte in request.as_bytes() {
            client.write(std::slice::from_ref(byte)).await;
        }
        assert_eq!(client.read_answer().await.body, b"same");
    }
    assert_eq!(endpoint.requests()[0].body, b"abc");
}

/// A large answer arrives whole, and its bytes are counted.
#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let endpoint = Endpoint::with(|_| Answer::Large(32 * MIB as u64)).await;
    let plane = Plane::before(&endpoint);
    let answer = plane.get("/large").await;
    assert_eq!(answer.body.len(), 32 * MIB);
    assert!(answer.body.iter().all(|&byte| byte == b'x'));
    let line = plane.line("/large").await;
    assert!(line.contains(&format!(" 200 0 {} ", 32 * MIB)), "{line}");
}

/// L-10: an endpoint is not read faster than its client takes.
#[tokio::test]
async fn an_answer_waits_for_its_client() {
    let size = 512 * MIB as u64;
    let endpoint = Endpoint::with(move |_| Answer::Large(size)).await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    client.read_head().await;
    // The sockets' own buffers fill, and then nothing moves any more.
    let stopped = eventually("the endpoint is stopped", BOUND, async || {
        let before = endpoint.body_bytes_sent();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let after = endpoint.body_bytes_sent();
        if before == after && after > 0 {
            Ok(after)
        } else {
            Err(format!("{after} bytes"))
        }
    })
    .await;
    assert!(
        stopped < 64 * MIB as u64,
        "{stopped} bytes went into a client that reads nothing"
    );
    let held = plane.totals().bytes_sent;
    assert_eq!(held, 0, "bytes are counted when the answer has ended");
    drop(client);
    plane
        .until("the answer is broken off", |totals| totals.broken_off == 1)
        .await;
}

/// D-650: a client that goes away in the middle of its answer is the reason that is logged.
/// D-339: the endpoint is not read any further.
#[tokio::test]
async fn a_client_that_goes_in_the_middle_is_logged() {
    let endpoint = Endpoint::with(|_| Answer::Large(512 * MIB as u64)).await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client.write(head("GET /leaves", &[]).as_bytes()).await;
    client.read_head().await;
    drop(client);
    let line = plane.line("/leaves").await;
    assert!(line.contains("\" 200 0 "), "{line}");
    let reason = "x_cf_routererror:\"client-conn-closed-during-response-streaming\"";
    assert!(line.contains(reason), "{line}");
    eventually("the endpoint's connection ends", BOUND, async || {
        let open = endpoint.open_connections();
        if open == 0 {
            Ok(())
        } else {
            Err(format!("{open} open"))
        }
    })
    .await;
}

/// an answer that comes before the end of the upload reaches the client while it sends.
/// the connection then ends, and the rest is never a request.
#[tokio::test]
async fn an_early_answer_ends_the_upload() {
    let endpoint = Endpoint::with(|_| Answer::Early(Reply::status(413).with_body("too big"))).await;
    let plane = Plane::before(&endpoint);
    for _ in 0..10 {
        let mut client = plane.connect().await;
        let request = head("POST /", &["Content-Length: 8388608"]);
        client.write(request.as_bytes()).await;
        // It is the router that stops reading; how much of the body it takes is its own affair.
        let _cut = client.try_write(&[b'x'; 64 * 1024]).await;
        let answer = client.read_answer().await;
        assert_eq!((answer.status, &*answer.body), (413, &b"too big"[..]));
        assert_eq!(answer.header("Connection"), Some("close"));
        assert_eq!(client.read_to_end().await, b"");
    }
    assert_eq!(plane.settled().await.bad_gateways, 0);
}

/// D-334: an endpoint may answer while it reads on.
/// D-335: over HTTP/1.1.
#[tokio::test]
async fn both_directions_at_once() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let plane = Setup::new().thing("app.test", address, |_| {}).start();
    let echo = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("the data plane");
        let mut seen = Vec::new();
        while !seen.windows(4).any(|window| window == b"\r\n\r\n") {
            socket.read_buf(&mut seen).await.expect("a head");
        }
        socket
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
            .await
            .expect("a head");
        let at = seen
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a head")
            + 4;
        let mut body = seen.split_off(at);
        for sent in 0..3 {
            while body.len() <= sent {
                socket.read_buf(&mut body).await.expect("a byte");
            }
            socket.write_all(&body[sent..=sent]).await.expect("a byte");
        }
    });
    let mut client = plane.connect().await;
    client
        .write(head("POST /", &["Content-Length: 3"]).as_bytes())
        .await;
    assert_eq!(client.read_head().await.status, 200);
    for byte in [b"a", b"b", b"c"] {
        client.write(byte).await;
        assert_eq!(
            client.read_exactly(1).await,
            byte,
            "the byte comes back before the next"
        );
    }
    echo.await.expect("the endpoint is satisfied");
}

/// D-529: Expect is forwarded, and the endpoint's 100 passed on.
/// D-533: the client gets 100 and then the final status.
/// D-534: the log shows the final status.
/// D-642: the endpoint's connection is not closed for it.
/// the body follows the endpoint's 100.
#[tokio::test]
async fn expect_is_forwarded() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let plane = Setup::new().thing("app.test", address, |_| {}).start();
    let endpoint = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("the data plane");
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            socket.read_buf(&mut seen).await.expect("a head alone");
        }
        socket
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .expect("an interim head");
        while !seen.ends_with(b"abc") {
            socket.read_buf(&mut seen).await.expect("the body");
        }
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
        socket.write_all(answer).await.expect("an answer");
        (String::from_utf8(seen).expect("text"), socket)
    });
    let mut client = plane.connect().await;
    let fields = ["Expect: 100-continue", "Content-Length: 3"];
    client.write(head("POST /expect", &fields).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 100);
    client.write(b"abc").await;
    let answer = client.read_answer().await;
    assert_eq!((answer.status, answer.header("Connection")), (201, None));
    let (seen, _socket) = endpoint.await.expect("the endpoint is satisfied");
    assert!(
        seen.to_ascii_lowercase()
            .contains("\r\nexpect: 100-continue\r\n"),
        "{seen}"
    );
    assert!(!seen.to_ascii_lowercase().contains("connection:"), "{seen}");
    assert!(plane.line("/expect").await.contains("\" 201 3 0 "));
}

/// D-535: a final answer instead of 100 is the answer.
/// D-536: such answers leave other requests alone.
/// the body that was not asked for is never a request, and neither connection goes on.
#[tokio::test]
async fn a_refused_expectation_ends_both_connections() {
    let endpoint = Endpoint::with(|head| match head.header("expect") {
        Some(_) => Answer::Early(Reply::status(405)),
        None => Reply::text("other").into(),
    })
    .await;
    let plane = Plane::before(&endpoint);
    let smuggled = head("GET /smuggled", &[]);
    for _ in 0..5 {
        let mut client = plane.connect().await;
        let length = format!("Content-Length: {}", smuggled.len());
        let request = head("POST /", &["Expect: 100-continue", &length]);
        client.write(request.as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(
            (answer.status, answer.header("Connection")),
            (405, Some("close"))
        );
        let _closed = client.try_write(smuggled.as_bytes()).await;
        assert_eq!(client.read_to_end().await, b"");
        assert_eq!(plane.get("/other").await.body, b"other");
    }
    assert!(
        endpoint
            .requests()
            .iter()
            .all(|request| request.head.target != "/smuggled")
    );
}

/// An endpoint that does not know `Expect` gets the body after a
/// while, and the client is asked for it.
#[tokio::test]
async fn an_endpoint_that_does_not_ask_gets_the_body_all_the_same() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.timeouts.wait_for_continue = Duration::from_millis(100))
        .start();
    let mut client = plane.connect().await;
    client
        .write(head("POST /", &["Expect: 100-continue", "Content-Length: 3"]).as_bytes())
        .await;
    assert_eq!(client.read_head().await.status, 100);
    client.write(b"abc").await;
    assert_eq!(client.read_answer().await.status, 200);
    assert_eq!(endpoint.last_request().body, b"abc");
}
