//! What the client role accepts from endpoints, and what the server role writes to clients.

use pointsman_http1::{
    BodyLength, CONTINUE, InvalidField, Known, KnownSet, Malformed, Method, ResponseHead,
    ResponseLimits, ResponseOut, ResponseParser, Version, Written, reason_phrase, write_interim,
    write_response,
};

type Outcome = Result<Option<usize>, Malformed>;

fn parse_with(limits: ResponseLimits, bytes: &[u8]) -> (Outcome, ResponseHead) {
    let mut head = ResponseHead::new();
    let outcome = ResponseParser::new(limits).parse(bytes, &mut head);
    let mut parser = ResponseParser::new(limits);
    let mut dripped = ResponseHead::new();
    let first = (0..=bytes.len())
        .map(|len| parser.parse(&bytes[..len], &mut dripped))
        .find(|outcome| *outcome != Ok(None));
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    assert_eq!(
        outcome,
        first.unwrap_or(Ok(None)),
        "{text:?} at once and byte by byte"
    );
    assert_eq!(
        head.fields(),
        dripped.fields(),
        "{text:?} at once and byte by byte"
    );
    (outcome, head)
}

#[track_caller]
fn accepted(bytes: &[u8]) -> ResponseHead {
    let (outcome, head) = parse_with(ResponseLimits::DEFAULT, bytes);
    assert_eq!(
        outcome,
        Ok(Some(bytes.len())),
        "{:?}",
        String::from_utf8_lossy(bytes)
    );
    head
}

#[track_caller]
fn malformed(bytes: &[u8], reason: Malformed) {
    let (outcome, head) = parse_with(ResponseLimits::DEFAULT, bytes);
    assert_eq!(outcome, Err(reason), "{:?}", String::from_utf8_lossy(bytes));
    assert!(head.fields().is_empty());
}

/// a status is three digits between 100 and 599.
/// D-346: a status below 100 makes the answer malformed.
#[test]
fn statuses_are_three_digits() {
    for status in [
        "099", "000", "1", "20", "2000", "-200", "+20", "abc", "2x0", "600", "999", "", " 200",
    ] {
        let line = format!("HTTP/1.1 {status} OK\r\n\r\n");
        malformed(line.as_bytes(), Malformed::Status);
    }
    for status in [100, 101, 199, 200, 299, 404, 599] {
        let head = accepted(format!("HTTP/1.1 {status} Any\r\n\r\n").as_bytes());
        assert_eq!(head.status(), status);
    }
}

/// whatever does not begin as an answer is refused at its first wrong byte.
/// D-351: a garbage status line makes the answer malformed.
#[test]
fn status_lines_are_well_formed() {
    let cases: &[(&[u8], Malformed)] = &[
        (b"garbage\r\n\r\n", Malformed::StatusLine),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", Malformed::StatusLine),
        (b"http/1.1 200 OK\r\n\r\n", Malformed::StatusLine),
        (b"HTTP/1.1200 OK\r\n\r\n", Malformed::StatusLine),
        (b"HTTP/1.1\r\n\r\n", Malformed::StatusLine),
        (b"HTTP/x.y 200 OK\r\n\r\n", Malformed::StatusLine),
        (b"HTTP/1.1\t200 OK\r\n\r\n", Malformed::StatusLine),
        (b"HTTP/2.0 200 OK\r\n\r\n", Malformed::Version),
        (b"HTTP/0.9 200 OK\r\n\r\n", Malformed::Version),
        (b"HTTP/1.1 200 OK\nX: y\n\n", Malformed::BareLineFeed),
        (b"HTTP/1.1 200 O\rK\r\n\r\n", Malformed::BareCarriageReturn),
        (b"HTTP/1.1 200 O\0K\r\n\r\n", Malformed::ControlByte),
        (b"HTTP/1.1 200 O\x7fK\r\n\r\n", Malformed::ControlByte),
        (b"x", Malformed::StatusLine),
        (b"\x15\x03\x01", Malformed::StatusLine),
    ];
    for (bytes, reason) in cases {
        malformed(bytes, *reason);
    }
    assert_eq!(Malformed::StatusLine.text(), "malformed HTTP response");
    assert_eq!(accepted(b"HTTP/1.1 204\r\n\r\n").status(), 204);
    assert_eq!(
        accepted(b"HTTP/1.0 200 \r\n\r\n").version(),
        Version::Http10
    );
    assert_eq!(
        accepted(b"HTTP/1.1 200 caf\xc3\xa9\t!\r\n\r\n").status(),
        200
    );
}

/// a control byte, a bare CR or LF, or a bad name anywhere in the head is refused.
#[test]
fn fields_are_well_formed() {
    let cases: &[(&[u8], Malformed)] = &[
        (b"X: a\0b\r\n", Malformed::ControlByte),
        (b"X: a\x1bb\r\n", Malformed::ControlByte),
        (b"X: a\rb\r\n", Malformed::BareCarriageReturn),
        (b"X: a\nY: b\r\n", Malformed::BareLineFeed),
        (b"X\n: b\r\n", Malformed::BareLineFeed),
        (b"X Y: b\r\n", Malformed::FieldName),
        (b"X : b\r\n", Malformed::FieldName),
        (b": b\r\n", Malformed::FieldName),
        (b"X: a\r\n b\r\n", Malformed::Folded),
        (b"NoColon\r\n", Malformed::NoColon),
    ];
    for (lines, reason) in cases {
        let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
        bytes.extend_from_slice(lines);
        bytes.extend_from_slice(b"\r\n");
        malformed(&bytes, *reason);
    }
}

/// D-348: two Transfer-Encoding lines are malformed.
/// D-350: conflicting lengths are malformed.
#[test]
fn framing_is_unambiguous() {
    let cases = [
        (
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            Malformed::ConflictingContentLength,
        ),
        (
            "Content-Length: 5, 6\r\n",
            Malformed::ConflictingContentLength,
        ),
        ("Content-Length: -5\r\n", Malformed::ContentLength),
        ("Content-Length: \r\n", Malformed::ContentLength),
        (
            "Content-Length: 9223372036854775808\r\n",
            Malformed::ContentLength,
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            Malformed::BothLengths,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            Malformed::BothLengths,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            Malformed::RepeatedTransferEncoding,
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            Malformed::TransferCoding,
        ),
        ("Transfer-Encoding: identity\r\n", Malformed::TransferCoding),
    ];
    for (lines, reason) in cases {
        malformed(format!("HTTP/1.1 200 OK\r\n{lines}\r\n").as_bytes(), reason);
    }
    let old = b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    malformed(old, Malformed::TransferEncodingOnHttp10);
    assert_eq!(
        Malformed::RepeatedTransferEncoding.text(),
        "too many transfer encodings"
    );
}

/// an answer to HEAD, a 204, a 304 and any 1xx have no body, whatever their fields say.
#[test]
fn the_body_depends_on_method_and_status() {
    let head = accepted(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(head.body(Method::Get), BodyLength::Exact(5));
    assert_eq!(head.body(Method::Head), BodyLength::None);
    assert_eq!(head.content_length(), Some(5));
    let head = accepted(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(head.body(Method::Post), BodyLength::Chunked);
    assert_eq!(head.body(Method::Head), BodyLength::None);
    let head = accepted(b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(head.body(Method::Get), BodyLength::UntilClose);
    assert_eq!(head.body(Method::Head), BodyLength::None);
    for status in [100, 101, 103, 204, 304] {
        for lines in [
            "",
            "Content-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\n",
        ] {
            let head = accepted(format!("HTTP/1.1 {status} X\r\n{lines}\r\n").as_bytes());
            assert_eq!(head.body(Method::Get), BodyLength::None, "{status} {lines}");
        }
    }
}

/// a connection is used again only where the end of the body is certain and nobody closes.
#[test]
fn connections_are_reused_where_that_is_certain() {
    let cases = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            Method::Get,
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            Method::Get,
            true,
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", Method::Get, false),
        ("HTTP/1.1 200 OK\r\n\r\n", Method::Head, true),
        ("HTTP/1.1 204 No Content\r\n\r\n", Method::Get, true),
        (
            "HTTP/1.1 200 OK\r\nConnection: X, close\r\nContent-Length: 5\r\n\r\n",
            Method::Get,
            false,
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
            Method::Get,
            false,
        ),
        (
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n",
            Method::Get,
            true,
        ),
        (
            "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            Method::Get,
            false,
        ),
    ];
    for (bytes, method, reused) in cases {
        assert_eq!(
            accepted(bytes.as_bytes()).reusable(method),
            reused,
            "{bytes}"
        );
    }
}

/// D-330: a head beyond the limit is named.
/// D-331: one field too many is named.
/// D-332: exactly as many fields as allowed pass.
#[test]
fn limits_hold_exactly() {
    let limits = ResponseLimits {
        head: 100,
        fields: 3,
        interim: 2,
    };
    let outcome = |lines: &str| {
        let bytes = format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
        parse_with(limits, bytes.as_bytes())
            .0
            .map(|len| len.is_some())
    };
    let filled = |len: usize| format!("X: {}\r\n", "x".repeat(len - 24));
    assert_eq!(outcome(&filled(100)), Ok(true));
    assert_eq!(outcome(&filled(101)), Err(Malformed::HeadTooLong));
    assert_eq!(outcome("A: 1\r\nB: 2\r\nC: 3\r\n"), Ok(true));
    assert_eq!(
        outcome("A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n"),
        Err(Malformed::TooManyFields)
    );
    let reason = format!("HTTP/1.1 200 {}", "x".repeat(100));
    assert_eq!(
        parse_with(limits, reason.as_bytes()).0,
        Err(Malformed::HeadTooLong)
    );
    assert_eq!(Malformed::TooManyFields.text(), "Too many response headers");
    assert!(
        Malformed::HeadTooLong
            .text()
            .contains("server response headers exceeded")
    );
}

/// interim heads are read one by one, and not without end (L-26).
#[test]
fn interim_heads_are_bounded() {
    let mut parser = ResponseParser::new(ResponseLimits {
        interim: 2,
        ..ResponseLimits::DEFAULT
    });
    let mut head = ResponseHead::new();
    let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let last = b"HTTP/1.1 200 OK\r\n\r\n";
    for _ in 0..3 {
        for _ in 0..2 {
            assert_eq!(parser.parse(hints, &mut head), Ok(Some(hints.len())));
            assert!(head.is_interim());
        }
        assert_eq!(parser.parse(last, &mut head), Ok(Some(last.len())));
        assert!(!head.is_interim());
    }
    for _ in 0..2 {
        assert_eq!(parser.parse(hints, &mut head), Ok(Some(hints.len())));
    }
    assert_eq!(
        parser.parse(hints, &mut head),
        Err(Malformed::TooManyInterim)
    );
    assert_eq!(
        parser.parse(last, &mut head),
        Err(Malformed::TooManyInterim)
    );
    assert!(head.fields().is_empty());
}

#[test]
fn a_switch_of_protocols_is_named() {
    let head = accepted(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert!(!head.is_interim());
    assert_eq!(head.upgrade(), Some(&b"websocket"[..]));
    let head = accepted(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(head.upgrade(), None);
    let head = accepted(b"HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(head.upgrade(), None);
}

const ANSWER: ResponseOut<'_> = ResponseOut {
    client: Version::Http11,
    method: Method::Get,
    body: BodyLength::Exact(5),
    keep_alive: true,
    upgrade: None,
    date: None,
    without: KnownSet::EMPTY,
    with: &[],
    prepared: &[],
};

fn written(head: &ResponseHead, how: &ResponseOut<'_>) -> (String, Written) {
    let mut out = b"before".to_vec();
    let promise = write_response(&mut out, head, how).expect("the fields are valid");
    let text = String::from_utf8(out).expect("only ASCII was put in");
    (
        text.strip_prefix("before")
            .expect("what was there stays")
            .to_owned(),
        promise,
    )
}

/// an endpoint's reason phrase is never passed on.
/// D-345: a custom reason phrase is replaced.
#[test]
fn reason_phrases_are_the_standard_ones() {
    for (status, phrase) in [
        (200, "OK"),
        (404, "Not Found"),
        (502, "Bad Gateway"),
        (299, "status code 299"),
    ] {
        let head = accepted(format!("HTTP/1.1 {status} Custom Reason\r\n\r\n").as_bytes());
        let (text, _) = written(&head, &ANSWER);
        assert!(
            text.starts_with(&format!("HTTP/1.1 {status} {phrase}\r\n")),
            "{text}"
        );
    }
    assert_eq!(reason_phrase(418), Some("I'm a teapot"));
    assert_eq!(reason_phrase(299), None);
}

const GONE: BodyLength = BodyLength::UntilClose;
const CHUNKED: BodyLength = BodyLength::Chunked;
const FIVE: BodyLength = BodyLength::Exact(5);

/// Writes an answer with this status to a client, and checks its framing lines and its promise.
#[track_caller]
fn framed(status: u16, how: &ResponseOut<'_>, lines: &str, body: BodyLength, keep_alive: bool) {
    let head = accepted(format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n").as_bytes());
    let (text, written) = written(&head, how);
    let phrase = reason_phrase(status).expect("these have one");
    let version = how.client.as_str();
    assert_eq!(text, format!("{version} {status} {phrase}\r\n{lines}\r\n"));
    assert_eq!(written, Written { body, keep_alive }, "{text}");
}

/// D-321: a 204 has no Transfer-Encoding.
/// D-347: a 304 loses its Content-Length.
/// D-322: a chunked body stays chunked.
#[test]
fn framing_fits_a_client_of_today() {
    let get = |body, keep_alive| ResponseOut {
        body,
        keep_alive,
        ..ANSWER
    };
    let close = "Content-Length: 5\r\nConnection: close\r\n";
    framed(200, &get(FIVE, true), "Content-Length: 5\r\n", FIVE, true);
    framed(200, &get(FIVE, false), close, FIVE, false);
    framed(
        200,
        &get(CHUNKED, true),
        "Transfer-Encoding: chunked\r\n",
        CHUNKED,
        true,
    );
    framed(
        200,
        &get(GONE, true),
        "Transfer-Encoding: chunked\r\n",
        CHUNKED,
        true,
    );
    let nothing = BodyLength::Exact(0);
    framed(
        200,
        &get(BodyLength::None, true),
        "Content-Length: 0\r\n",
        nothing,
        true,
    );
    framed(204, &get(CHUNKED, true), "", BodyLength::None, true);
    framed(304, &get(FIVE, true), "", BodyLength::None, true);
}

/// D-081: an HTTP/1.0 client gets an HTTP/1.0 status line and a close.
/// D-082: an HTTP/1.0 client that asked for keep-alive gets it confirmed.
/// D-353: a body of unknown length ends with the connection for HTTP/1.0.
#[test]
fn framing_fits_an_old_client() {
    let get = |body, keep_alive| ResponseOut {
        client: Version::Http10,
        body,
        keep_alive,
        ..ANSWER
    };
    let kept = "Content-Length: 5\r\nConnection: keep-alive\r\n";
    let close = "Content-Length: 5\r\nConnection: close\r\n";
    framed(200, &get(FIVE, true), kept, FIVE, true);
    framed(200, &get(FIVE, false), close, FIVE, false);
    framed(
        200,
        &get(CHUNKED, true),
        "Connection: close\r\n",
        GONE,
        false,
    );
    framed(200, &get(GONE, true), "Connection: close\r\n", GONE, false);
}

#[test]
fn an_answer_to_head_keeps_its_length_and_has_no_body() {
    let how = ResponseOut {
        method: Method::Head,
        body: BodyLength::None,
        ..ANSWER
    };
    let head = accepted(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let (text, promise) = written(&head, &how);
    assert_eq!(text, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(
        promise,
        Written {
            body: BodyLength::None,
            keep_alive: true
        }
    );
    let head = accepted(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(written(&head, &how).0, "HTTP/1.1 200 OK\r\n\r\n");
}

/// an answer is written from its parsed form too.
#[test]
fn fields_are_left_out_and_added() {
    let mut head = accepted(
        b"HTTP/1.1 200 Fine\r\nserver:  x \r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\
          Via: a\r\nContent-Length: 5\r\nX-End: e\r\n\r\n",
    );
    head.fields_mut().strip_hop_by_hop(|_| false);
    let how = ResponseOut {
        date: Some(b"now"),
        without: KnownSet::of(&[Known::Via]),
        with: &[(Known::XVcapRequestId.into(), b"id")],
        ..ANSWER
    };
    let expected = "HTTP/1.1 200 OK\r\nserver: x\r\nX-End: e\r\nX-Vcap-Request-Id: id\r\n\
                    Date: now\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(written(&head, &how).0, expected);
    assert_eq!(head.fields_mut().push(Known::Date, b"then"), Ok(()));
    let (text, _) = written(&head, &how);
    assert!(
        text.contains("\r\nDate: then\r\n") && !text.contains("now"),
        "{text}"
    );
}

/// a value that could break the head is not written, and nothing of the head is.
#[test]
fn what_cannot_be_written_is_refused_as_a_whole() {
    let head = ResponseHead::new();
    let mut out = b"before".to_vec();
    let bad: &[(&str, &[u8], InvalidField)] = &[
        ("X", b"a\r\nSet-Cookie: b", InvalidField::Value),
        ("X", b"a\nb", InvalidField::Value),
        ("X", b"\0", InvalidField::Value),
        ("X", b"12345678\x7f", InvalidField::Value),
        ("X", b" a", InvalidField::Value),
        ("X", b"a\t", InvalidField::Value),
        ("X Y", b"a", InvalidField::Name),
        ("X:", b"a", InvalidField::Name),
        ("", b"a", InvalidField::Name),
    ];
    for (name, value, reason) in bad {
        let with = [(Known::Via.into(), &b"ok"[..]), ((*name).into(), *value)];
        let how = ResponseOut {
            with: &with,
            ..ANSWER
        };
        assert_eq!(write_response(&mut out, &head, &how), Err(*reason));
        let how = ResponseOut {
            upgrade: Some(b"a\r\nb"),
            ..ANSWER
        };
        assert_eq!(
            write_response(&mut out, &head, &how),
            Err(InvalidField::Value)
        );
        assert_eq!(out, b"before");
    }
}

#[test]
fn upgrades_and_interim_heads_are_written() {
    let mut head =
        accepted(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX: 1\r\n\r\n");
    let how = ResponseOut {
        upgrade: Some(b"websocket"),
        body: BodyLength::None,
        ..ANSWER
    };
    let (text, promise) = written(&head, &how);
    let expected = "HTTP/1.1 101 Switching Protocols\r\nX: 1\r\nConnection: Upgrade\r\n\
                    Upgrade: websocket\r\n\r\n";
    assert_eq!(text, expected);
    assert_eq!(
        promise,
        Written {
            body: BodyLength::None,
            keep_alive: false
        }
    );
    head.reset(103);
    assert_eq!(head.fields_mut().push("Link", b"</a>"), Ok(()));
    assert_eq!(head.fields_mut().push(Known::Connection, b"close"), Ok(()));
    assert_eq!(head.fields_mut().push(Known::ContentLength, b"5"), Ok(()));
    let mut out = Vec::new();
    write_interim(&mut out, &head);
    assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    let (outcome, parsed) = parse_with(ResponseLimits::DEFAULT, CONTINUE);
    assert_eq!((outcome, parsed.status()), (Ok(Some(CONTINUE.len())), 100));
}
