//! Response heads as endpoints send them.

use super::{accepted, malformed, parse_with};
use pointsman_http1::{
    BodyLength, Malformed, Method, ResponseHead, ResponseLimits, ResponseParser, Version,
};

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
