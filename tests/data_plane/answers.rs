//! The way back: what a client gets of an endpoint's answer.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Reply};

use crate::support::{Plane, Setup, head};

/// A data plane before an endpoint that answers with these bytes and closes.
async fn answering(bytes: impl AsRef<[u8]>) -> (Endpoint, Plane) {
    let bytes = bytes.as_ref().to_vec();
    let endpoint = Endpoint::with(move |_| Answer::RawThenClose(bytes.clone())).await;
    let plane = Plane::before(&endpoint);
    (endpoint, plane)
}

/// D-091: an answer without a Content-Type gets none.
/// D-318: no Content-Type is made.
/// D-326: X-Vcap-Request-Id is added where the endpoint sent none.
/// D-329: redirects are passed on.
/// D-345: reason phrases are the standard ones.
#[tokio::test]
async fn an_answer_is_passed_on() {
    let endpoint = Endpoint::with(|_| {
        Reply::status(302)
            .with_header("Location", "/there")
            .with_body("moved")
            .into()
    })
    .await;
    let plane = Plane::before(&endpoint);
    let answer = plane.get("/").await;
    assert!(
        answer.head.starts_with("HTTP/1.1 302 Found\r\n"),
        "{}",
        answer.head
    );
    assert_eq!(answer.header("Location"), Some("/there"));
    assert_eq!(answer.body, b"moved");
    assert_eq!(answer.header("Content-Type"), None);
    assert_eq!(answer.header("Server"), None);
    assert!(
        answer
            .header("Date")
            .is_some_and(|date| date.ends_with(" GMT"))
    );
    let sent = endpoint.last_request().head;
    assert_eq!(
        answer.header("X-Vcap-Request-Id"),
        sent.header("X-Vcap-Request-Id")
    );
}

/// D-327: an endpoint's own X-Vcap-Request-Id is kept.
/// an endpoint's X-Cf-RouterError is not the router's, and is removed.
/// D-354: unless a setting keeps it.
#[tokio::test]
async fn fields_of_the_endpoint() {
    let script = |_: &_| {
        Reply::text("x")
            .with_header("X-Vcap-Request-Id", "its-own")
            .with_header("X-Cf-RouterError", "not really")
            .with_header("Date", "yesterday")
            .into()
    };
    let endpoint = Endpoint::with(script).await;
    let answer = Plane::before(&endpoint).get("/").await;
    assert_eq!(answer.header("X-Vcap-Request-Id"), Some("its-own"));
    assert_eq!(answer.header("X-Cf-RouterError"), None);
    assert_eq!(answer.head.matches("ate: ").count(), 1);
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.headers.keep_endpoint_router_error = true)
        .start();
    assert_eq!(
        plane.get("/").await.header("X-Cf-RouterError"),
        Some("not really")
    );
}

/// hop-by-hop fields of an answer end here, also those that stand beside `close`.
#[tokio::test]
async fn hop_by_hop_fields_end_here() {
    let (_endpoint, plane) = answering(
        "HTTP/1.1 200 OK\r\nConnection: close, X-A\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\n\
         Upgrade: h2c\r\nX-B: 2\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
    let answer = plane.get("/").await;
    for gone in ["X-A", "Keep-Alive", "Upgrade", "Connection"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    assert_eq!(answer.header("X-B"), Some("2"));
}

/// D-321: a 204 has no framing.
/// D-347: a 304 has no Content-Length.
/// answers without a body have none.
#[tokio::test]
async fn answers_without_a_body() {
    for (bytes, status) in [
        (
            "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
            204,
        ),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\nETag: x\r\n\r\n",
            304,
        ),
    ] {
        let (_endpoint, plane) = answering(bytes).await;
        let mut client = plane.connect().await;
        client
            .write(head("GET /", &["Connection: close"]).as_bytes())
            .await;
        let answer = client.read_head().await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("Transfer-Encoding"), None);
        assert_eq!(answer.header("Content-Length"), None);
        assert_eq!(client.read_to_end().await, b"");
    }
}

/// HEAD keeps the length that GET would have, and the connection goes on.
#[tokio::test]
async fn head_has_a_length_and_no_body() {
    let endpoint = Endpoint::named("content").await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client.write(head("HEAD /", &[]).as_bytes()).await;
    let answer = client.read_head().await;
    assert_eq!(
        (answer.status, answer.header("Content-Length")),
        (200, Some("7"))
    );
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(client.read_answer().await.body, b"content");
    assert_eq!(
        endpoint.accepted_connections(),
        1,
        "the endpoint's connection was kept"
    );
}

/// D-322: a chunked answer is passed on chunked.
/// D-344: its trailers, announced or not.
/// without its chunk extensions.
#[tokio::test]
async fn a_chunked_answer() {
    let (_endpoint, plane) = answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nwiki\r\n5\r\npedia\r\n0\r\nX-Sum: 9\r\n\r\n",
    )
    .await;
    let mut client = plane.connect().await;
    client
        .write(head("GET /", &["Connection: close"]).as_bytes())
        .await;
    let answer = client.read_head().await;
    assert_eq!(answer.header("Transfer-Encoding"), Some("chunked"));
    let body = String::from_utf8(client.read_to_end().await).expect("text");
    assert_eq!(body, "4\r\nwiki\r\n5\r\npedia\r\n0\r\nX-Sum: 9\r\n\r\n");
}

/// A body that ends with its connection is chunked for HTTP/1.1, and the connection stays.
/// D-353: for HTTP/1.0 it ends with the connection.
#[tokio::test]
async fn a_body_of_unknown_length() {
    let (_endpoint, plane) = answering("HTTP/1.1 200 OK\r\n\r\nall of it").await;
    let answer = plane.get("/").await;
    assert_eq!(answer.header("Transfer-Encoding"), Some("chunked"));
    assert_eq!(answer.header("Connection"), None);
    assert_eq!(answer.body, b"all of it");
    let answer = plane
        .ask("GET / HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n")
        .await;
    assert_eq!(answer.header("Transfer-Encoding"), None);
    assert_eq!(answer.header("Connection"), Some("close"));
    assert_eq!(answer.body, b"all of it");
}

/// D-082: HTTP/1.0 with keep-alive is answered so, and its connection stays.
#[tokio::test]
async fn http_1_0_keeps_its_connection_when_it_asks() {
    let endpoint = Endpoint::named("old").await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    for _ in 0..2 {
        client
            .write(b"GET / HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n")
            .await;
        let answer = client.read_answer().await;
        assert!(answer.head.starts_with("HTTP/1.0 200 "), "{}", answer.head);
        assert_eq!(answer.header("Connection"), Some("keep-alive"));
    }
}

/// D-352: 102 and 103 are passed on before the answer, with their fields.
/// other interim heads are not.
#[tokio::test]
async fn interim_answers_are_passed_on() {
    let (_endpoint, plane) = answering(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n\
         HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    let hints = client.read_head().await;
    assert_eq!((hints.status, hints.header("Link")), (103, Some("</a>")));
    assert_eq!(client.read_head().await.status, 102);
    assert_eq!(client.read_answer().await.body, b"ok");
    // A client that does not know them is spared.
    let answer = plane.ask("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n").await;
    assert_eq!((answer.status, &*answer.body), (200, &b"ok"[..]));
}

const EVIL: &[(&str, &str)] = &[
    ("garbage\r\n\r\n", "malformed HTTP response"),
    (
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "malformed MIME header",
    ),
    ("HTTP/1.1 099 X\r\n\r\n", "malformed HTTP status code"),
    ("HTTP/1.1 2000 X\r\n\r\n", "malformed HTTP"),
    ("HTTP/1.1 abc X\r\n\r\n", "malformed HTTP"),
    ("HTTP/1.1 600 X\r\n\r\n", "malformed HTTP status code"),
    ("HTTP/1.1 200 OK\nContent-Length: 0\n\n", "malformed"),
    (
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        "malformed",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "Content-Length",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "too many transfer encodings",
    ),
    (
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "switch",
    ),
    ("HTTP/1.1 200 OK\r\nContent-Le", "unexpected EOF"),
];

/// D-346: a status below 100 is a 502.
/// D-348: two Transfer-Encoding lines are a 502.
/// D-350: conflicting lengths are a 502.
/// D-351: a garbage status line is a 502 with `malformed HTTP response`.
/// an unasked 101 is a 502.
/// whatever an endpoint sends becomes one well-formed answer, or a close.
/// a status that is not between 100 and 599 is a 502.
/// control bytes and bare line ends are a 502.
/// D-462: an endpoint that misbehaves is a 502.
#[tokio::test]
async fn a_malformed_answer_is_a_502() {
    for (bytes, words) in EVIL {
        let (endpoint, plane) = answering(bytes).await;
        let mut client = plane.connect().await;
        client.write(head("GET /", &[]).as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, 502, "{bytes:?}: {}", answer.head);
        let error = answer
            .header("X-Cf-RouterError")
            .expect("an error")
            .to_owned();
        assert!(
            error.starts_with("endpoint_failure (") && error.contains(words),
            "{error}"
        );
        assert_eq!(endpoint.request_count(), 1, "never tried again: {bytes:?}");
        endpoint.script(|_| Reply::text("well").into());
        client.write(head("GET /", &[]).as_bytes()).await;
        assert_eq!(
            client.read_answer().await.body,
            b"well",
            "the connection goes on"
        );
    }
}

/// D-330: a head beyond its bound is a 502 that says so.
/// D-331: so is one with too many fields.
#[tokio::test]
async fn heads_of_answers_are_bounded() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "v".repeat(300_000));
    let many: String = (0..300).map(|n| format!("X-{n}: 1\r\n")).collect();
    for (bytes, words) in [
        (long, "server response headers exceeded"),
        (
            format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
            "Too many response headers",
        ),
        ("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(9), "1xx"),
    ] {
        let (_endpoint, plane) = answering(bytes).await;
        let mut client = plane.connect().await;
        client.write(head("GET /", &[]).as_bytes()).await;
        let mut answer = client.read_head().await;
        while answer.status < 200 {
            answer = client.read_head().await;
        }
        assert_eq!(answer.status, 502);
        let error = answer.header("X-Cf-RouterError").expect("an error");
        assert!(error.contains(words), "{error}");
    }
}

/// D-341: an answer shorter than its length ends with a broken connection.
/// D-342: so does a broken chunked one, without a last chunk.
/// an answer that is cut short looks like that.
/// Decision 15: and is logged.
/// F-062: an endpoint that dies within its answer breaks the client's connection.
#[tokio::test]
async fn an_answer_that_is_cut_short_looks_like_that() {
    let (_endpoint, plane) = answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
    let mut client = plane.connect().await;
    client.write(head("GET /short", &[]).as_bytes()).await;
    assert_eq!(
        client.read_head().await.header("Content-Length"),
        Some("10")
    );
    assert!(client.read_to_end().await.len() < 10);
    let line = plane.line("/short").await;
    assert!(line.contains(" 200 0 4 "), "{line}");
    assert!(line.contains("endpoint_failure (unexpected EOF)"), "{line}");

    let (_endpoint, plane) =
        answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").await;
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    client.read_head().await;
    let body = client.read_to_end().await;
    assert!(!body.ends_with(b"0\r\n\r\n"), "{body:?}");
    assert_eq!(plane.settled().await.broken_off, 1);
}

/// where the end of the connection would be the end of the answer, it is reset instead.
#[tokio::test]
async fn an_answer_without_a_length_is_reset_when_it_is_cut_short() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (_endpoint, plane) =
        answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").await;
    let mut client = tokio::net::TcpStream::connect(plane.address)
        .await
        .expect("a connection");
    client
        .write_all(b"GET / HTTP/1.0\r\nHost: app.test\r\n\r\n")
        .await
        .expect("a request");
    let end = client.read_to_end(&mut Vec::new()).await;
    let error = end.expect_err("the end of the body would look like this");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
