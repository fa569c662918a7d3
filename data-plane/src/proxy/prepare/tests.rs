use pointsman_http1::{RequestLimits, RequestParser};

use super::*;

fn head(fields: &str) -> RequestHead {
    parsed(&format!(
        "POST / HTTP/1.1\r\nHost: app.test\r\n{fields}\r\n"
    ))
}

fn parsed(text: &str) -> RequestHead {
    let mut head = RequestHead::new();
    let parsed = RequestParser::new(RequestLimits::DEFAULT).parse(text.as_bytes(), &mut head);
    assert_eq!(parsed, Ok(Some(text.len())));
    head
}

static TUNNELS: Tunnels = Tunnels {
    protocols: Vec::new(),
    idle: None,
    life: None,
    half_closed: std::time::Duration::ZERO,
};

const CONTEXT: Context<'static> = Context {
    client_ip: "10.1.2.3",
    scheme: "http",
    proto: ForwardedProto::Keep,
    client_cert: ClientCert::Kept,
    passage: Passage {
        is_signed: false,
        has_arrived: false,
    },
    kept: &[],
    tunnels: &TUNNELS,
    wall_millis: 1_795_316_053_725,
};

fn prepared(fields: &str, context: Context<'_>) -> (Prepared, RequestHead) {
    let mut head = head(fields);
    let mut prepared = Prepared::default();
    prepared.fill(&mut head, context);
    (prepared, head)
}

/// D-299: X-Forwarded-For is the client's address where there was none.
/// D-301: lines are joined in order.
#[test]
fn forwarded_for_is_joined_and_ends_with_the_client() {
    for (fields, expected) in [
        ("", "10.1.2.3"),
        ("X-Forwarded-For: a\r\n", "a, 10.1.2.3"),
        (
            "X-Forwarded-For: a, b\r\nX-Other: 1\r\nx-forwarded-for: c\r\n",
            "a, b, c, 10.1.2.3",
        ),
    ] {
        let (prepared, _) = prepared(fields, CONTEXT);
        assert_eq!(String::from_utf8_lossy(&prepared.forwarded_for), expected);
    }
}

/// D-276: an empty X-Forwarded-Proto counts as absent.
/// of two lines one is sent.
#[test]
fn forwarded_proto_is_one_value() {
    for (fields, proto, expected) in [
        ("X-Forwarded-Proto:\r\n", ForwardedProto::Keep, "http"),
        (
            "X-Forwarded-Proto: a\r\nX-Forwarded-Proto: b\r\n",
            ForwardedProto::Keep,
            "a",
        ),
        ("X-Forwarded-Proto: a\r\n", ForwardedProto::Sanitize, "http"),
        ("", ForwardedProto::ForceHttps, "https"),
    ] {
        let (prepared, _) = prepared(fields, Context { proto, ..CONTEXT });
        assert_eq!(String::from_utf8_lossy(&prepared.forwarded_proto), expected);
    }
}

/// D-304: X-Request-Start has thirteen digits.
/// D-305: an empty one counts as sent.
#[test]
fn request_start_is_the_wall_clock_in_milliseconds() {
    assert_eq!(prepared("", CONTEXT).0.request_start, b"1795316053725");
    assert_eq!(
        prepared("X-Request-Start:\r\n", CONTEXT).0.request_start,
        b""
    );
}

/// what is protected cannot be removed, what is not can.
#[test]
fn connection_removes_only_what_is_not_protected() {
    let (_, head) = prepared(
        "Connection: Cookie, X-Mine, X-CF-Anything, x-forwarded-whatever\r\nCookie: a\r\n\
         X-Mine: b\r\nX-CF-Anything: c\r\nX-Forwarded-Whatever: d\r\n",
        CONTEXT,
    );
    let left = |name: &str| head.fields().contains(name);
    assert!(left("Cookie") && left("X-CF-Anything") && left("X-Forwarded-Whatever"));
    assert!(!left("X-Mine") && !left("Connection"));
}

/// D-268: names of the configured list cannot be removed either, in any case; others still can.
#[test]
fn connection_does_not_remove_what_the_operator_keeps() {
    let kept = ["X-Mine".to_owned(), "X-B3".to_owned()];
    let context = Context {
        kept: &kept,
        ..CONTEXT
    };
    let (_, head) = prepared(
        "Connection: x-mine, X-Other\r\nConnection: X-B3, close\r\nX-Mine: a\r\nX-Other: b\r\nX-B3: c\r\n",
        context,
    );
    let left = |name: &str| head.fields().contains(name);
    assert!(left("X-Mine") && left("X-B3"));
    assert!(!left("X-Other") && !left("Connection"));
}

/// D-446: an idempotency key makes a POST idempotent; an empty one does not.
/// D-449: GET, HEAD, OPTIONS and TRACE are.
#[test]
fn what_may_be_done_twice() {
    assert!(!prepared("", CONTEXT).0.idempotent);
    assert!(prepared("Idempotency-Key: k\r\n", CONTEXT).0.idempotent);
    assert!(prepared("X-Idempotency-Key: k\r\n", CONTEXT).0.idempotent);
    assert!(!prepared("Idempotency-Key:\r\n", CONTEXT).0.idempotent);
    for (method, expected) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("TRACE", true),
        ("PUT", false),
        ("DELETE", false),
        ("get", false),
    ] {
        let head = parsed(&format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(is_idempotent(&head), expected, "{method}");
    }
}

/// D-271: only `trailers` of TE is said again.
/// D-315: trailers are announced where there may be some.
#[test]
fn trailers_are_announced_and_asked_for() {
    let fields = "TE: gzip;q=0.5, Trailers\r\nTrailer: A\r\nTrailer: B, C\r\n";
    let (plain, _) = prepared(fields, CONTEXT);
    assert!(plain.wants_trailers);
    assert_eq!(plain.announced, b"", "a body with a length has none");
    let (chunked, _) = prepared(&format!("Transfer-Encoding: chunked\r\n{fields}"), CONTEXT);
    assert_eq!(chunked.announced, b"A, B, C");
}

const SIGNED_ONLY: Passage = Passage {
    is_signed: true,
    has_arrived: false,
};
const ARRIVED: Passage = Passage {
    is_signed: true,
    has_arrived: true,
};

/// D-273: what an earlier pass has said of the scheme is not touched, whatever the settings.
/// D-281: only what a router has signed has had an earlier pass.
#[test]
fn the_scheme_of_the_first_pass_stands() {
    use ForwardedProto::{ForceHttps, Keep, Sanitize};

    for proto in [Keep, Sanitize, ForceHttps] {
        for passage in [SIGNED_ONLY, ARRIVED] {
            for (fields, expected) in [
                ("X-Forwarded-Proto: http\r\n", "http"),
                ("X-Forwarded-Proto: https\r\n", "https"),
                ("", ""),
            ] {
                let context = Context {
                    proto,
                    passage,
                    ..CONTEXT
                };
                let (prepared, _) = prepared(fields, context);
                let said = String::from_utf8_lossy(&prepared.forwarded_proto);
                assert_eq!(said, expected, "{proto:?} {passage:?}");
            }
        }
    }
    let unsigned = Context {
        proto: Sanitize,
        ..CONTEXT
    };
    let (prepared, _) = prepared("X-Forwarded-Proto: https\r\n", unsigned);
    assert_eq!(prepared.forwarded_proto, b"http");
}
