//! Bytes that are no request, or more than one way to read them: each is refused with its status,
//! is logged, ends its connection, and reaches no endpoint.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Reply};

use crate::support::{Plane, head};

/// What a client sends, and the status that it gets. `None`: the connection closes without one.
type Case = (&'static str, &'static [u8], u16, &'static str);

const CASES: &[Case] = &[
    ("R-001 both lengths", b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_request"),
    ("R-001 the other order", b"POST / HTTP/1.1\r\nHost: app.test\r\ntransfer-encoding:chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n", 400, "bad_request"),
    ("R-002 sign", b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: +5\r\n\r\nhello", 400, "bad_request"),
    ("R-002 conflict", b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, "bad_request"),
    ("R-002 empty", b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length:\r\n\r\n", 400, "bad_request"),
    ("R-002 too big", b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 9223372036854775808\r\n\r\n", 413, "payload_too_large"),
    ("R-003 identity", b"POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: identity\r\n\r\n", 501, "not_implemented"),
    ("R-003 list", b"POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "not_implemented"),
    ("R-003 twice", b"POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_request"),
    ("R-004", b"POST / HTTP/1.0\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_request"),
    ("R-009 bare LF", b"GET / HTTP/1.1\nHost: app.test\n\n", 400, "bad_request"),
    ("R-009 obs-fold", b"GET / HTTP/1.1\r\nHost: app.test\r\nX: a\r\n b\r\n\r\n", 400, "bad_request"),
    ("R-009 blank before colon", b"GET / HTTP/1.1\r\nHost : app.test\r\n\r\n", 400, "bad_request"),
    ("R-009 no colon", b"GET / HTTP/1.1\r\nHost: app.test\r\nnonsense\r\n\r\n", 400, "bad_request"),
    ("R-010 NUL", b"GET / HTTP/1.1\r\nHost: app.test\r\nX: a\0b\r\n\r\n", 400, "bad_request"),
    ("R-011 two blanks", b"GET  / HTTP/1.1\r\nHost: app.test\r\n\r\n", 400, "bad_request"),
    ("R-011 version", b"GET / HTTP/3.0\r\nHost: app.test\r\n\r\n", 505, "http_version"),
    ("R-012 none", b"GET / HTTP/1.1\r\n\r\n", 400, "empty_host"),
    ("R-012 empty", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "empty_host"),
    ("R-012 two", b"GET / HTTP/1.1\r\nHost: app.test\r\nHost: app.test\r\n\r\n", 400, "bad_request"),
    ("R-012 user", b"GET / HTTP/1.1\r\nHost: me@app.test\r\n\r\n", 400, "bad_request"),
    ("R-013 ftp", b"GET ftp://app.test/ HTTP/1.1\r\nHost: app.test\r\n\r\n", 400, "bad_request"),
    ("R-014", b"CONNECT app.test:80 HTTP/1.1\r\nHost: app.test:80\r\n\r\nGET /behind HTTP/1.1\r\nHost: app.test\r\n\r\n", 405, "method_not_allowed"),
    ("R-018", b"POST / HTTP/1.1\r\nHost: app.test\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\n", 417, "expectation_failed"),
    ("R-019 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"),
    ("R-019 TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad_request"),
    ("R-019 PROXY", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: app.test\r\n\r\n", 400, "bad_request"),
    ("R-020", b"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: app.test\r\n\r\n", 400, "bad_request"),
];

/// a request with both lengths is refused and no endpoint sees it.
/// a Content-Length that is not one number is refused.
/// a transfer coding other than one `chunked` is refused.
/// Transfer-Encoding on HTTP/1.0 is refused.
/// a malformed field line is refused.
/// a control byte in a value is refused.
/// a malformed request line is refused, another version with 505.
/// no Host, an empty, a second or a malformed one is refused.
/// an absolute target that is not http is refused.
/// CONNECT is refused with 405, and nothing behind it is read as a request.
/// an expectation that is not understood is a 417.
/// other protocols on the port are refused.
/// more than one empty line before a request is refused.
/// D-058: no Host on HTTP/1.1 is a 400.
/// D-061: two Host lines are a 400.
/// D-065: a Content-Length that is no number is a 400.
/// D-067: other transfer codings are a 501.
/// D-069: other versions are a 505.
/// D-071: other expectations are a 417.
#[tokio::test]
async fn ambiguous_and_malformed_requests_are_refused_logged_and_go_nowhere() {
    let endpoint = Endpoint::named("unreached").await;
    let plane = Plane::before(&endpoint);
    for (name, bytes, status, router_error) in CASES {
        let mut client = plane.connect().await;
        client.write(bytes).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, *status, "{name}: {}", answer.head);
        assert_eq!(
            answer.header("X-Cf-RouterError"),
            Some(*router_error),
            "{name}"
        );
        assert_eq!(answer.header("Connection"), Some("close"), "{name}");
        let body = String::from_utf8_lossy(&answer.body);
        assert!(body.starts_with(&status.to_string()), "{name}: {body}");
        assert_eq!(client.read_to_end().await, b"", "{name}: nothing follows");
    }
    assert_eq!(endpoint.request_count(), 0);
    assert_eq!(plane.settled().await.malformed_requests, CASES.len() as u64);
    plane.line("x_cf_routererror:\"method_not_allowed\"").await;
    plane
        .until("a line for each", |_| plane.lines().len() == CASES.len())
        .await;
}

/// equal lengths are one.
/// D-066: two equal Content-Length lines are forwarded as one.
#[tokio::test]
async fn equal_lengths_are_one() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Plane::before(&endpoint);
    let request = head("POST /", &["Content-Length: 3", "Content-Length: 3"]) + "abc";
    assert_eq!(plane.ask(request).await.status, 200);
    let seen = endpoint.last_request();
    let lengths = seen
        .head
        .headers
        .iter()
        .filter(|f| f.0.eq_ignore_ascii_case("content-length"));
    assert_eq!(lengths.count(), 1);
    assert_eq!(seen.body, b"abc");
}

/// a malformed chunk is a 400 where nothing was answered yet, and its request is not
/// completed at the endpoint.
/// chunk extensions beyond their bound are refused.
/// a malformed trailer is refused.
#[tokio::test]
async fn malformed_chunks_are_refused() {
    let endpoint = Endpoint::named("never whole").await;
    let plane = Plane::before(&endpoint);
    let long = format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(300));
    let bodies = [
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "\r\n",
        "0\r\nbad trailer\r\n\r\n",
        &long,
    ];
    for body in bodies {
        let answer = plane
            .ask(head("POST /", &["Transfer-Encoding: chunked"]) + body)
            .await;
        assert_eq!(answer.status, 400, "{body:?}");
        assert_eq!(
            answer.header("X-Cf-RouterError"),
            Some("bad_request"),
            "{body:?}"
        );
        assert_eq!(answer.header("Connection"), Some("close"), "{body:?}");
    }
    assert_eq!(endpoint.request_count(), 0);
}

/// chunk extensions never reach the endpoint.
/// trailers that could be taken for routing or framing do not pass, others do.
/// a body is framed anew.
/// D-314: a body of unknown length is sent chunked.
/// D-315: announced trailers are announced, and forwarded.
#[tokio::test]
async fn a_chunked_body_is_framed_anew() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Plane::before(&endpoint);
    let body = "3;a=b\r\nabc\r\n03\r\ndef\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n";
    let fields = ["Transfer-Encoding: chunked", "Trailer: X-Sum"];
    assert_eq!(plane.ask(head("POST /", &fields) + body).await.status, 200);
    let seen = endpoint.last_request();
    assert_eq!(seen.head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(seen.head.header("trailer"), Some("X-Sum"));
    let text = String::from_utf8(seen.body).expect("text");
    assert!(text.ends_with("0\r\nX-Sum: 1\r\n\r\n"), "{text}");
    assert!(!text.contains("a=b") && !text.contains("6.6.6.6"), "{text}");
    assert!(!text.contains("Content-Length"), "{text}");
}

/// the head is written from what was understood, with one Host and CRLF.
#[tokio::test]
async fn a_head_is_written_anew() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Plane::before(&endpoint);
    plane
        .ask(b"GET /a?b HTTP/1.1\r\nhOsT:   app.test  \r\nX-A:\t1 \r\n\r\n")
        .await;
    let seen = endpoint.last_request();
    let text = String::from_utf8(seen.head.bytes.clone()).expect("text");
    assert!(text.starts_with("GET /a?b HTTP/1.1\r\n"), "{text}");
    assert!(text.contains("\r\nHost: app.test\r\n"), "{text}");
    assert!(text.contains("\r\nX-A: 1\r\n"), "{text}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

/// a refused request's body is never read as a request, and its connection closes.
#[tokio::test]
async fn an_unread_body_is_never_a_request() {
    let endpoint = Endpoint::named("behind").await;
    let plane = Plane::before(&endpoint);
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n";
    let mut client = plane.connect().await;
    let refused = "POST / HTTP/1.1\r\nHost: nope.test\r\nContent-Length: 1000\r\n\r\n";
    client
        .write(format!("{refused}{smuggled}").as_bytes())
        .await;
    let answer = client.read_answer().await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("Connection"), Some("close"));
    assert_eq!(client.read_to_end().await, b"");
    assert_eq!(endpoint.request_count(), 0);
}

/// a refused request whose body is already there costs no connection.
#[tokio::test]
async fn a_refused_request_with_its_body_at_hand_keeps_its_connection() {
    let endpoint = Endpoint::named("next").await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client
        .write(b"POST / HTTP/1.1\r\nHost: nope.test\r\nContent-Length: 3\r\n\r\nabc")
        .await;
    assert_eq!(client.read_answer().await.status, 404);
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(client.read_answer().await.body, b"next");
}

/// nothing behind `Connection: close`, or HTTP/1.0, is served.
/// D-081: an HTTP/1.0 request gets an HTTP/1.0 status line, and its connection closes.
#[tokio::test]
async fn nothing_is_served_behind_the_last_request() {
    let endpoint = Endpoint::named("once").await;
    let plane = Plane::before(&endpoint);
    let second = head("GET /second", &[]);
    for first in [
        head("GET /", &["Connection: close"]),
        "GET / HTTP/1.0\r\nHost: app.test\r\n\r\n".to_owned(),
    ] {
        let mut client = plane.connect().await;
        client.write(format!("{first}{second}").as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("Connection"), Some("close"));
        assert_eq!(
            answer.head.starts_with("HTTP/1.0 "),
            first.contains("HTTP/1.0")
        );
        assert_eq!(client.read_to_end().await, b"");
    }
    assert_eq!(endpoint.request_count(), 2);
}

/// D-298: CONNECT is a 405, and its connection closes, whatever the host.
#[tokio::test]
async fn connect_is_refused_for_every_host() {
    let endpoint = Endpoint::named("unreached").await;
    let plane = Plane::before(&endpoint);
    for host in ["app.test", "app.test:443", "nobody.test:443"] {
        let request = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = plane.ask(request).await;
        assert_eq!(
            (answer.status, answer.header("Connection")),
            (405, Some("close"))
        );
    }
    assert_eq!(endpoint.request_count(), 0);
}

/// pipelined requests are answered in order; a bad one ends the connection after the good
/// ones.
/// D-080: two pipelined requests are answered in order.
#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let endpoint = Endpoint::with(|head| Reply::text(&head.target).into()).await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    let mut bytes: String = (0..10).map(|n| head(&format!("GET /{n}"), &[])).collect();
    bytes.push_str("GET  / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    bytes.push_str(&head("GET /after", &[]));
    client.write(bytes.as_bytes()).await;
    for n in 0..10 {
        assert_eq!(client.read_answer().await.body, format!("/{n}").as_bytes());
    }
    assert_eq!(client.read_answer().await.status, 400);
    assert_eq!(client.read_to_end().await, b"");
    assert_eq!(endpoint.request_count(), 10);
}

/// one empty line before a request is nothing.
#[tokio::test]
async fn one_empty_line_is_nothing() {
    let endpoint = Endpoint::named("fine").await;
    let plane = Plane::before(&endpoint);
    assert_eq!(
        plane
            .ask(format!("\r\n{}", head("GET /", &[])))
            .await
            .status,
        200
    );
}

/// D-073: a head beyond its bound is a 431, of Gorouter's own word.
#[tokio::test]
async fn heads_beyond_their_bounds_are_refused() {
    let endpoint = Endpoint::named("small").await;
    let plane = Plane::before(&endpoint);
    let many: String = (0..200).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let long_target = format!(
        "GET /{} HTTP/1.1\r\nHost: app.test\r\n\r\n",
        "a".repeat(17_000)
    );
    let huge: String = (0..3)
        .map(|n| format!("X-{n}: {}\r\n", "v".repeat(30_000)))
        .collect();
    for (request, status, word) in [
        (
            format!("GET / HTTP/1.1\r\nHost: app.test\r\n{many}\r\n"),
            431,
            "max-request-size-exceeded",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: app.test\r\n{huge}\r\n"),
            431,
            "max-request-size-exceeded",
        ),
        (long_target, 414, "uri_too_long"),
    ] {
        let answer = plane.ask(request).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("X-Cf-RouterError"), Some(word));
    }
    let large = format!("X-Large: {}", "v".repeat(30_000));
    let answer = plane
        .ask(head("GET /", &[&large, &large.replace("Large", "Other")]))
        .await;
    assert_eq!(answer.status, 200, "a head of 60 KiB is forwarded");
    assert_eq!(
        endpoint.last_request().head.header("x-other").map(str::len),
        Some(30_000)
    );
}

/// D-193: an empty Host is told as Gorouter tells it, and may be remembered for two seconds.
#[tokio::test]
async fn an_empty_host_is_told() {
    let endpoint = Endpoint::named("never").await;
    let plane = Plane::before(&endpoint);
    let answer = plane.ask("GET / HTTP/1.1\r\nHost:\r\n\r\n").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("X-Cf-RouterError"), Some("empty_host"));
    assert_eq!(answer.header("Cache-Control"), Some("public,max-age=2"));
    let body = b"400 Bad Request: Request had empty Host header\n";
    assert_eq!(answer.body, body);
    assert_eq!(endpoint.request_count(), 0);
}
