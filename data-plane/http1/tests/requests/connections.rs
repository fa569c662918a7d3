//! What a request means for its connection.

use super::{accepted, refused, with};
use pointsman_http1::{Refused, RequestHead, RequestLimits, RequestParser};

/// CONNECT is refused with 405, and nothing after it is read as HTTP.
#[test]
fn connect_is_refused_with_all_that_follows() {
    let request = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
    refused(request, Refused::Connect);
    assert_eq!(Refused::Connect.status(), 405);
    let mut parser = RequestParser::new(RequestLimits::DEFAULT);
    let mut head = RequestHead::new();
    assert_eq!(parser.parse(request, &mut head), Err(Refused::Connect));
    let follow_up = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(parser.parse(follow_up, &mut head), Err(Refused::Connect));
    assert!(head.fields().is_empty());
}

/// after a refusal the rest of the connection is never a request, however well-formed.
#[test]
fn a_refusal_is_final() {
    let mut parser = RequestParser::new(RequestLimits::DEFAULT);
    let mut head = RequestHead::new();
    let bad = with("Content-Length: 44\r\nContent-Length: 45\r\n");
    assert_eq!(
        parser.parse(&bad, &mut head),
        Err(Refused::ConflictingContentLength)
    );
    for _ in 0..3 {
        let body = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(
            parser.parse(body, &mut head),
            Err(Refused::ConflictingContentLength)
        );
    }
}

/// `close`, or HTTP/1.0 without `keep-alive`, ends the connection after one answer.
/// D-081: HTTP/1.0 closes.
/// D-082: HTTP/1.0 with keep-alive stays.
#[test]
fn connections_are_kept_as_asked() {
    let cases = [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: CLOSE\r\n", false),
        ("1.1", "Connection: x, close ,y\r\n", false),
        (
            "1.1",
            "Connection: keep-alive\r\nConnection: close\r\n",
            false,
        ),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.1", "Connection: closed, x-close\r\n", true),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
        ("1.0", "Keep-Alive: timeout=5\r\n", false),
    ];
    for (version, lines, kept) in cases {
        let head = accepted(format!("GET / HTTP/{version}\r\nHost: a\r\n{lines}\r\n").as_bytes());
        assert_eq!(head.keep_alive(), kept, "{version} {lines}");
    }
}

/// pipelined requests are read one at a time, in order; a bad one ends the connection after
/// the good ones.
/// D-080: two pipelined requests are both read.
#[test]
fn pipelined_requests_are_read_in_order() {
    let mut bytes = Vec::new();
    for number in 0..10 {
        bytes.extend_from_slice(format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    }
    bytes.extend_from_slice(
        b"GET /bad HTTP/1.1\r\nHost : a\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    let mut parser = RequestParser::new(RequestLimits::DEFAULT);
    let mut head = RequestHead::new();
    let mut rest = &bytes[..];
    for number in 0..10 {
        let len = parser
            .parse(rest, &mut head)
            .expect("a good one")
            .expect("a whole one");
        assert_eq!(head.target(), format!("/{number}").as_bytes());
        assert_eq!(head.wire_len(), len);
        rest = &rest[len..];
    }
    assert_eq!(parser.parse(rest, &mut head), Err(Refused::FieldName));
    assert_eq!(parser.parse(rest, &mut head), Err(Refused::FieldName));
}

/// `100-continue` is understood in any case; every other expectation is 417.
/// D-071: `Expect: 200-ok` is 417.
#[test]
fn the_only_expectation_is_100_continue() {
    assert!(accepted(&with("Expect: 100-continue\r\n")).expects_continue());
    assert!(accepted(&with("eXPECT: 100-Continue\r\n")).expects_continue());
    assert!(!accepted(&with("X: y\r\n")).expects_continue());
    let old = b"POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n";
    assert!(
        !accepted(old).expects_continue(),
        "an HTTP/1.0 client does not wait"
    );
    for value in [
        "200-ok",
        "",
        "100-continue, x",
        "100-continue;",
        "100 continue",
        "y 100-continue",
    ] {
        refused(&with(&format!("Expect: {value}\r\n")), Refused::Expectation);
    }
    let hidden = "Expect: 100-continue\r\nExpect: x\r\n";
    refused(&with(hidden), Refused::Expectation);
    let hidden = "Expect: x\r\nExpect: 100-continue\r\n";
    refused(&with(hidden), Refused::Expectation);
    assert_eq!(Refused::Expectation.status(), 417);
}

#[test]
fn an_incomplete_head_leaves_everything_as_it_was() {
    let mut parser = RequestParser::new(RequestLimits::DEFAULT);
    let mut head = RequestHead::new();
    let first = b"GET /first HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n";
    assert!(!parser.is_started());
    assert_eq!(parser.parse(first, &mut head), Ok(Some(first.len())));
    assert!(!parser.is_started());
    assert_eq!(
        parser.parse(b"POST /second HTTP/1.0\r\nHos", &mut head),
        Ok(None)
    );
    assert!(parser.is_started());
    assert_eq!(
        (head.target(), head.fields().get("x")),
        (&b"/first"[..], Some(&b"1"[..]))
    );
}

#[test]
fn upgrades_are_seen_where_connection_names_them() {
    let asked = |lines: &str| accepted(&with(lines)).upgrade().map(<[u8]>::to_vec);
    let websocket = Some(b"websocket".to_vec());
    assert_eq!(
        asked("Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        websocket
    );
    assert_eq!(
        asked("Connection: foo,Upgrade\r\nUpgrade: websocket\r\n"),
        websocket
    );
    assert_eq!(
        asked("Upgrade: websocket\r\nConnection: x\r\nConnection: upgrade\r\n"),
        websocket
    );
    assert_eq!(asked("Upgrade: websocket\r\n"), None);
    assert_eq!(asked("Connection: upgrade\r\n"), None);
    let old = b"GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(accepted(old).upgrade(), None);
}
