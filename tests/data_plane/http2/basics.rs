//! Requests and answers over HTTP/2 are as any others.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::{Authority, Endpoint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::client::{Client, Front, bare, offering, request, send_all, whole};
use crate::front_support::{front, session, shake};
use crate::support::{BOUND, Setup};

/// D-004: a client that agrees on HTTP/2 is served over it; one of HTTP/1.1 is served, too.
/// D-187: the protocol passes the check.
#[tokio::test]
async fn both_versions_are_served_over_tls() {
    let endpoint = Endpoint::named("served").await;
    let front = Front::before(&endpoint);
    let mut client = front.connect().await;
    for path in ["/one", "/two?a=b"] {
        let answer = client.get(path).await;
        assert_eq!((answer.status, &*answer.text()), (200, "served"));
        assert!(answer.header("x-vcap-request-id").is_some());
        assert!(answer.header("date").is_some());
        assert_eq!(answer.header("content-length"), Some("6"));
        for absent in ["connection", "keep-alive", "transfer-encoding"] {
            assert_eq!(answer.header(absent), None);
        }
        let seen = endpoint.last_request().head;
        assert_eq!(seen.target, path);
        assert_eq!(seen.header("Host"), Some("app.test"));
        assert_eq!(seen.header("X-Forwarded-Proto"), Some("https"));
    }
    let line = front.plane.line("GET /two").await;
    assert!(line.contains("\"GET /two?a=b HTTP/2.0\" 200 0 6"), "{line}");
    let totals = front.plane.totals();
    assert_eq!((totals.http2_connections, totals.requests), (1, 2));
    let one = front.plane.get("/one").await;
    assert_eq!(one.body, b"served");
}

/// D-005: where HTTP/2 is switched off, a client that speaks nothing else is not served, and others are.
#[tokio::test]
async fn it_can_be_switched_off() {
    let endpoint = Endpoint::named("served").await;
    let authority = Authority::new("authority");
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.http2.enabled = false)
        .front(front(&[&authority.server(&["app.test"])]))
        .start();
    let error = shake(plane.tls(), &offering(&authority, &[b"h2"]), "app.test").await;
    let error = error.expect_err("there is nothing in common").to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
    let both = offering(&authority, &[b"h2", b"http/1.1"]);
    let stream = shake(plane.tls(), &both, "app.test").await;
    let stream = stream.expect("a handshake");
    assert_eq!(session(&stream).alpn_protocol(), Some(&b"http/1.1"[..]));
}

/// Decision 28: in clear text it is spoken where that is configured, with clients that begin with it.
#[tokio::test]
async fn in_clear_text_it_has_to_be_configured() {
    let endpoint = Endpoint::named("served").await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.http2.cleartext = true)
        .start();
    let mut client = Client::clear(plane.address).await;
    assert_eq!(client.get("/").await.text(), "served");
    let seen = endpoint.last_request().head;
    assert_eq!(seen.header("X-Forwarded-Proto"), Some("http"));
    assert_eq!(plane.get("/").await.body, b"served", "and so is HTTP/1.1");
    let plane = Setup::new().endpoint("app.test", &endpoint).start();
    let answer = plane.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(answer.status, 400);
}

/// Bodies pass in both directions, whether their length is known or not, and however large they are.
#[tokio::test]
async fn bodies_pass_in_both_directions() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let front = Front::before(&endpoint);
    let mut client = front.connect().await;
    let body: Vec<u8> = (0..700_000u32).map(|at| at.to_le_bytes()[1]).collect();
    for length in [None, Some(body.len())] {
        let mut post = request("POST", "/");
        if let Some(length) = length {
            post = post.header("content-length", length);
        }
        let (response, mut sending) = client.begin(bare(post), false).await;
        let sent = async {
            send_all(&mut sending, &body, true)
                .await
                .expect("it is taken");
        };
        let answered = async { whole(response.await.expect("an answer")).await };
        let both = async { tokio::join!(sent, answered).1.expect("a whole answer") };
        let answer = tokio::time::timeout(BOUND, both).await.expect("in time");
        assert_eq!(answer.status, 200);
        let seen = endpoint.last_request();
        assert!(
            answer.body.ends_with(&seen.body),
            "{} bytes",
            answer.body.len()
        );
        match length {
            Some(_) => assert_eq!(seen.body, body),
            None => assert_eq!(unchunked(&seen.body), body),
        }
        let said = length.map(|length| length.to_string());
        assert_eq!(seen.head.header("Content-Length"), said.as_deref());
        let coding = if length.is_none() {
            Some("chunked")
        } else {
            None
        };
        assert_eq!(seen.head.header("Transfer-Encoding"), coding);
    }
    endpoint.script(|_| Reply::text("twelve bytes").into());
    let head = client.ask(bare(request("HEAD", "/")), b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("12"));
    client.ask(bare(request("POST", "/")), b"").await;
    let seen = endpoint.last_request().head;
    assert_eq!(
        seen.header("Content-Length"),
        Some("0"),
        "a POST without a body"
    );
}

/// The data of a chunked body.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    loop {
        let end = body
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .expect("a size");
        let size = std::str::from_utf8(&body[..end]).expect("digits");
        let size = usize::from_str_radix(size, 16).expect("a number");
        if size == 0 {
            return data;
        }
        data.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
    }
}

/// An endpoint that the test plays by hand: it accepts one connection, reads a head and says this.
async fn endpoint_saying(
    answer: &'static str,
) -> (std::net::SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("the data plane");
        let mut seen = Vec::new();
        let ended = |seen: &[u8]| {
            let text = String::from_utf8_lossy(seen).into_owned();
            text.contains("\r\n\r\n")
                && (!text.contains("chunked") || text.ends_with("\r\n\r\n"))
                && (!text.contains("chunked") || text.contains("\r\n0\r\n"))
        };
        while !ended(&seen) {
            if socket.read_buf(&mut seen).await.expect("a request") == 0 {
                break;
            }
        }
        socket
            .write_all(answer.as_bytes())
            .await
            .expect("the data plane");
        // It stays until nobody is there any more.
        let _ = socket.read_buf(&mut seen).await;
        String::from_utf8_lossy(&seen).into_owned()
    });
    (address, task)
}

/// Trailers pass both ways, as gRPC needs them, with the word that says so.
/// of those of a request only what may be one.
#[tokio::test]
async fn trailers_pass_both_ways() {
    let (address, endpoint) = endpoint_saying(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: grpc-status\r\n\r\n2\r\nab\r\n0\r\ngrpc-status: 0\r\n\r\n",
    )
    .await;
    let front = Front::of(Setup::new().thing("app.test", address, |_| {}));
    let mut client = front.connect().await;
    let post = request("POST", "/").header("te", "trailers");
    let (response, mut sending) = client.begin(bare(post), false).await;
    send_all(&mut sending, b"body", false)
        .await
        .expect("it is taken");
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "7".parse().expect("a value"));
    trailers.insert("host", "evil.test".parse().expect("a value"));
    trailers.insert("x-forwarded-for", "1.2.3.4".parse().expect("a value"));
    sending.send_trailers(trailers).expect("they are taken");
    let answer = whole(response.await.expect("an answer"))
        .await
        .expect("whole");
    assert_eq!(answer.text(), "ab");
    let told = answer.trailers.expect("trailers");
    assert_eq!(told.get("grpc-status").expect("a status"), "0");
    drop(client);
    drop(front);
    let seen = endpoint.await.expect("an endpoint");
    assert!(seen.contains("TE: trailers\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n0\r\nx-sum: 7\r\n\r\n"), "{seen}");
    assert!(
        !seen.contains("evil") && !seen.contains("1.2.3.4"),
        "{seen}"
    );
}

/// Interim heads pass to clients that understand them, which all of HTTP/2 do.
#[tokio::test]
async fn interim_heads_pass() {
    let (address, _endpoint) = endpoint_saying(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
    let front = Front::of(Setup::new().thing("app.test", address, |_| {}));
    let mut client = front.connect().await;
    let (mut response, _) = client.begin(bare(request("GET", "/")), true).await;
    let interim = std::future::poll_fn(|cx| response.poll_informational(cx)).await;
    let interim = interim.expect("a head").expect("a sound one");
    assert_eq!(interim.status(), 103);
    assert_eq!(interim.headers().get("link").expect("a link"), "</a.css>");
    assert_eq!(interim.headers().get("connection"), None);
    let answer = whole(response.await.expect("an answer"))
        .await
        .expect("whole");
    assert_eq!(answer.text(), "ok");
}

/// An answer that comes before the end of the request ends the exchange; the client is told that the rest is of no use.
#[tokio::test]
async fn an_early_answer_arrives() {
    let early = Reply::status(413).with_body("too much");
    let endpoint = Endpoint::with(move |_| Answer::Early(early.clone())).await;
    let front = Front::before(&endpoint);
    let mut client = front.connect().await;
    let (response, mut sending) = client.begin(bare(request("POST", "/")), false).await;
    sending
        .send_data(Bytes::from_static(b"a beginning"), false)
        .expect("it is taken");
    let answer = whole(response.await.expect("an answer"))
        .await
        .expect("whole");
    assert_eq!((answer.status, &*answer.text()), (413, "too much"));
    let reset = std::future::poll_fn(|cx| sending.poll_reset(cx)).await;
    assert_eq!(reset.expect("a reset"), h2::Reason::NO_ERROR);
    assert_eq!(
        client.get("/").await.status,
        413,
        "and the connection goes on"
    );
}

/// A client that resets its stream has gone away: 499, and nobody is to blame. What its body has still to bring is not
/// waited for.
#[tokio::test]
async fn a_reset_stream_is_a_client_that_went_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let front = Front::of(Setup::new().thing("app.test", address, |_| {}));
    let mut client = front.connect().await;
    for (method, ends) in [("GET", true), ("POST", false)] {
        let path = format!("/{method}");
        let (response, mut sending) = client.begin(bare(request(method, &path)), ends).await;
        let (mut socket, _) = listener.accept().await.expect("the data plane");
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            socket.read_buf(&mut seen).await.expect("a head");
        }
        sending.send_reset(h2::Reason::CANCEL);
        drop(response);
        let line = front.plane.line(&path).await;
        assert!(line.contains("HTTP/2.0\" 499 0 0"), "{line}");
        let ended = tokio::time::timeout(BOUND, socket.read_buf(&mut seen)).await;
        // A reset is as good an end as any.
        assert!(matches!(ended.expect("it is left alone"), Ok(0) | Err(_)));
    }
    let totals = front.plane.totals();
    assert_eq!(
        (totals.retries, totals.ejections, totals.attempts),
        (0, 0, 2)
    );
}

/// an answer that breaks off is reset, and what came of it arrives before that.
#[tokio::test]
async fn an_answer_that_breaks_off_is_reset() {
    let (address, endpoint) =
        endpoint_saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcd").await;
    let front = Front::of(Setup::new().thing("app.test", address, |_| {}));
    let mut client = front.connect().await;
    let (response, _) = client.begin(bare(request("GET", "/")), true).await;
    let mut response = response.await.expect("an answer").into_body();
    let data = response
        .data()
        .await
        .expect("a piece")
        .expect("a sound one");
    assert_eq!(&data[..], b"abcd");
    endpoint.abort();
    let broken = response.data().await.expect("an end").expect_err("a reset");
    assert_eq!(broken.reason(), Some(h2::Reason::INTERNAL_ERROR));
    let line = front.plane.line("GET / HTTP/2.0").await;
    assert!(line.contains("\" 200 0 4"), "{line}");
}

/// Answers of the router's own are as over HTTP/1.1.
#[tokio::test]
async fn the_router_answers_by_itself() {
    let endpoint = Endpoint::named("served").await;
    let front = Front::before(&endpoint);
    let mut client = front.connect().await;
    let unknown = http::Request::get("https://other.test/")
        .body(())
        .expect("a request");
    let answer = client.ask(unknown, b"").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("x-cf-routererror"), Some("unknown_route"));
    assert!(answer.text().contains("('other.test')"), "{answer:?}");
    assert_eq!(client.get("/").await.text(), "served");
}

/// D-537: a client that waits to be asked for its body is asked by the router; the endpoint is not told.
#[tokio::test]
async fn a_client_that_waits_is_asked() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let front = Front::before(&endpoint);
    let mut client = front.connect().await;
    let post = request("POST", "/")
        .header("expect", "100-continue")
        .header("content-length", "8");
    let (mut response, mut sending) = client.begin(bare(post), false).await;
    let asked = std::future::poll_fn(|cx| response.poll_informational(cx));
    let asked = tokio::time::timeout(Duration::from_secs(5), asked).await;
    let asked = asked
        .expect("in time")
        .expect("a head")
        .expect("a sound one");
    assert_eq!(asked.status(), 100);
    send_all(&mut sending, b"the body", true)
        .await
        .expect("it is taken");
    let answer = whole(response.await.expect("an answer"))
        .await
        .expect("whole");
    assert_eq!(answer.status, 200);
    let seen = endpoint.last_request();
    assert_eq!(seen.head.header("Expect"), None);
    assert_eq!(seen.body, b"the body");
    let other = request("POST", "/").header("expect", "a-miracle");
    assert_eq!(client.ask(bare(other), b"x").await.status, 417);
}
