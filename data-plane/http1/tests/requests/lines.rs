//! The request line, the field lines, and their limits (R-009 to R-011, R-019, R-020).

use super::{accepted, parse, parse_at_once, parse_with, refused};
use pointsman_http1::{Method, Refused, RequestLimits};

/// R-009: a line that is not `name: value CRLF` is refused, each fault under its own name.
/// D-062: an illegal header name is 400 `invalid header name`.
/// D-063: a header line without colon is 400.
/// D-064: a NUL in a value is 400.
#[test]
fn field_lines_are_well_formed() {
    let cases: &[(&[u8], Refused)] = &[
        (b"X: a\rb\r\n", Refused::BareCarriageReturn),
        (b"X: a\r\r\n", Refused::BareCarriageReturn),
        (b"X\r: a\r\n", Refused::BareCarriageReturn),
        (b"\rX: a\r\n", Refused::BareCarriageReturn),
        (b"X: a\n", Refused::BareLineFeed),
        (b"X: a\nY: b\r\n", Refused::BareLineFeed),
        (b"X\n: a\r\n", Refused::BareLineFeed),
        (b"\n", Refused::BareLineFeed),
        (b"X: a\0b\r\n", Refused::ControlByte),
        (b"X\0: a\r\n", Refused::FieldName),
        (b" X: a\r\n", Refused::Folded),
        (b"\tX: a\r\n", Refused::Folded),
        (b"X: a\r\n b\r\n", Refused::Folded),
        (b"X: a\r\n\tb\r\n", Refused::Folded),
        (b" \r\n", Refused::Folded),
        (b"X : a\r\n", Refused::FieldName),
        (b"X\t: a\r\n", Refused::FieldName),
        (b"Host : b\r\n", Refused::FieldName),
        (b": a\r\n", Refused::FieldName),
        (b"X Y: a\r\n", Refused::FieldName),
        (b"X(Y): a\r\n", Refused::FieldName),
        (b"X\"Y: a\r\n", Refused::FieldName),
        (b"X/Y: a\r\n", Refused::FieldName),
        (b"\xc3\xa4: a\r\n", Refused::FieldName),
        (b"X\x7f: a\r\n", Refused::FieldName),
        (b"NoColon\r\n", Refused::NoColon),
        (b"No-Colon-And-A-Longer-Name\r\n", Refused::NoColon),
        (b"Nothing = here\r\n", Refused::FieldName),
    ];
    for (lines, reason) in cases {
        let mut bytes = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
        bytes.extend_from_slice(lines);
        bytes.extend_from_slice(b"\r\n");
        refused(&bytes, *reason);
        assert_eq!(reason.status(), 400);
    }
    assert_eq!(Refused::FieldName.text(), "invalid header name");
    refused(b"GET / HTTP/1.1\nHost: a\n\n", Refused::BareLineFeed);
    refused(b"GET / HTTP/1.1\r\nHost: a\r\n\n", Refused::BareLineFeed);
    refused(
        b"GET / HTTP/1.1\r\nHost: a\r\n\rX",
        Refused::BareCarriageReturn,
    );
}

/// R-010: of all bytes, exactly HTAB, blank, visible ASCII and obs-text stand in a value.
#[test]
fn values_have_no_control_bytes() {
    for byte in 0..=u8::MAX {
        for padding in 0..9 {
            let mut bytes = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
            bytes.extend_from_slice(&b"12345678"[..padding]);
            bytes.push(byte);
            bytes.extend_from_slice(b"end\r\n\r\n");
            let (outcome, head) = parse(&bytes);
            match byte {
                b'\r' => assert_eq!(outcome, Err(Refused::BareCarriageReturn)),
                b'\n' => assert_eq!(outcome, Err(Refused::BareLineFeed)),
                b'\t' | b' '..=b'~' | 0x80.. => {
                    assert_eq!(outcome, Ok(Some(bytes.len())), "byte {byte:#x}");
                    let value = head.fields().get("x").expect("the field is there");
                    let sent = [&b"12345678"[..padding], &[byte], b"end"].concat();
                    assert_eq!(value, sent.trim_ascii_start(), "byte {byte:#x}");
                }
                _ => assert_eq!(outcome, Err(Refused::ControlByte), "byte {byte:#x}"),
            }
        }
    }
}

/// R-011: the request line is three words with single blanks and a visible target.
#[test]
fn request_lines_are_well_formed() {
    let cases: &[(&[u8], Refused)] = &[
        (b"GET  / HTTP/1.1", Refused::RequestLine),
        (b"GET /  HTTP/1.1", Refused::RequestLine),
        (b"GET / HTTP/1.1 ", Refused::RequestLine),
        (b"GET / x HTTP/1.1", Refused::RequestLine),
        (b"GET / HTTP/1.1 x", Refused::RequestLine),
        (b"GET /", Refused::RequestLine),
        (b"GET / ", Refused::RequestLine),
        (b"GET", Refused::RequestLine),
        (b" GET / HTTP/1.1", Refused::Method),
        (b"GET\t/ HTTP/1.1", Refused::Method),
        (b"G(T / HTTP/1.1", Refused::Method),
        (b"G\0T / HTTP/1.1", Refused::Method),
        (b"GET /\tHTTP/1.1", Refused::TargetByte),
        (b"GET /\t HTTP/1.1", Refused::TargetByte),
        (b"GET /a\0b HTTP/1.1", Refused::TargetByte),
        (b"GET /a\x7f HTTP/1.1", Refused::TargetByte),
        (b"GET /caf\xc3\xa9 HTTP/1.1", Refused::TargetByte),
        (b"GET /a\rb HTTP/1.1", Refused::BareCarriageReturn),
        (b"GET\r / HTTP/1.1", Refused::BareCarriageReturn),
        (b"GET / HTTP/1.1\r", Refused::BareCarriageReturn),
        (b"GET / http/1.1", Refused::RequestLine),
        (b"GET / HTTP/1", Refused::RequestLine),
        (b"GET / HTTP/11", Refused::RequestLine),
        (b"GET / HTTP/1.10", Refused::RequestLine),
        (b"GET / HTTPS/1.1", Refused::RequestLine),
        (b"GET / HTTP/1.x", Refused::RequestLine),
        (b"GET / HTTP/1.2", Refused::Version),
        (b"GET / HTTP/0.9", Refused::Version),
        (b"GET / HTTP/2.0", Refused::Version),
        (b"GET / HTTP/3.0", Refused::Version),
    ];
    for (line, reason) in cases {
        refused(&[line, &b"\r\nHost: a\r\n\r\n"[..]].concat(), *reason);
    }
    assert_eq!(
        accepted(b"g!t / HTTP/1.0\r\nHost: a\r\n\r\n").method_bytes(),
        b"g!t"
    );
}

/// R-011: versions other than 1.0 and 1.1 are 505.
/// D-069: HTTP/2.0 or HTTP/3.0 on HTTP/1 framing is 505.
#[test]
fn other_versions_are_505() {
    assert_eq!(Refused::Version.status(), 505);
    assert_eq!(Refused::Version.text(), "unsupported protocol version");
    refused(b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", Refused::Version);
}

/// R-019: what is no HTTP/1 at all is refused by its first bytes, without waiting for a line end.
#[test]
fn other_protocols_are_refused_at_once() {
    let proxy_v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    let cases: &[(&[u8], usize, Refused)] = &[
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            16,
            Refused::Http2Preface,
        ),
        (b"\x16\x03\x01\x02\0\x01\0", 1, Refused::TlsRecord),
        (
            b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n",
            12,
            Refused::ProxyHeader,
        ),
        (b"PROXY TCP6 ::1 ::1 1 2\r\n", 12, Refused::ProxyHeader),
        (b"PROXY UNKNOWN\r\n", 15, Refused::ProxyHeader),
        (proxy_v2, 5, Refused::ProxyHeader),
        (b"\0\0\0\0", 1, Refused::Method),
        (b"\x80\x2e\x01", 1, Refused::Method),
        (b"{\"json\": 1}", 1, Refused::Method),
        (b"EHLO mail\r\n", 11, Refused::RequestLine),
        (b"SSH-2.0-OpenSSH_9.2\r\n", 21, Refused::RequestLine),
        (&[b'A'; 40], 33, Refused::Method),
    ];
    for (bytes, needed, reason) in cases {
        refused(bytes, *reason);
        refused(&bytes[..*needed], *reason);
        let (outcome, _) = parse(&bytes[..needed - 1]);
        assert_eq!(outcome, Ok(None), "{:?}", String::from_utf8_lossy(bytes));
        assert_eq!(reason.status(), 400);
    }
}

/// R-020: one empty line before a request line is skipped, a second is refused.
#[test]
fn one_empty_line_is_skipped() {
    let head = accepted(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((head.method(), head.host()), (Method::Get, &b"a"[..]));
    refused(
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refused::EmptyLines,
    );
    refused(&b"\r\n".repeat(5000), Refused::EmptyLines);
    refused(
        b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refused::BareLineFeed,
    );
    refused(
        b"\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refused::BareLineFeed,
    );
    refused(
        b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refused::BareCarriageReturn,
    );
}

#[test]
fn limits_hold_exactly() {
    let limits = RequestLimits {
        request_line: 30,
        head: 100,
        fields: 3,
        field_name: 10,
        field_value: 20,
        ..RequestLimits::DEFAULT
    };
    let outcome = |bytes: String| {
        parse_with(limits, bytes.as_bytes())
            .0
            .map(|len| len.is_some())
    };
    let line = |len: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(len - 14));
    assert_eq!(outcome(line(30)), Ok(true), "L-01");
    assert_eq!(outcome(line(31)), Err(Refused::UriTooLong), "L-01");
    assert_eq!(
        outcome(format!("GET /{}", "x".repeat(40))),
        Err(Refused::UriTooLong),
        "L-01"
    );
    let head = |lines: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let filled = format!("A: {}\r\nB: {}\r\n", "x".repeat(20), "x".repeat(19));
    // 16 + 9 bytes of lines above, 2 below, and 25 + 24 here make 76.
    assert_eq!(head(&filled).len(), 76);
    let spaces = |count: usize| head(&format!("A:{}\r\n", " ".repeat(count)));
    assert_eq!(spaces(69).len(), 100);
    assert_eq!(outcome(spaces(69)), Ok(true), "L-02");
    assert_eq!(outcome(spaces(70)), Err(Refused::HeadTooLong), "L-02");
    assert_eq!(outcome(head("A: 1\r\nB: 2\r\n")), Ok(true), "L-03");
    assert_eq!(
        outcome(head("A: 1\r\nB: 2\r\nC: 3\r\n")),
        Err(Refused::TooManyFields),
        "L-03"
    );
    assert_eq!(outcome(head("A234567890: 1\r\n")), Ok(true), "L-04");
    assert_eq!(
        outcome(head("A2345678901: 1\r\n")),
        Err(Refused::FieldNameTooLong),
        "L-04"
    );
    assert_eq!(
        outcome(head("A2345678901")),
        Err(Refused::FieldNameTooLong),
        "L-04"
    );
    let value = |len: usize| head(&format!("A:  {} \r\n", "x".repeat(len)));
    assert_eq!(outcome(value(20)), Ok(true), "L-04");
    assert_eq!(outcome(value(21)), Err(Refused::FieldValueTooLong), "L-04");
}

#[test]
fn limits_have_their_statuses() {
    for (reason, status) in [
        (Refused::UriTooLong, 414),
        (Refused::HeadTooLong, 431),
        (Refused::TooManyFields, 431),
        (Refused::FieldNameTooLong, 431),
        (Refused::FieldValueTooLong, 431),
    ] {
        assert_eq!(reason.status(), status);
    }
    assert_eq!(
        Refused::HeadTooLong.router_error(),
        "max-request-size-exceeded"
    );
    assert_eq!(Refused::UriTooLong.router_error(), "uri_too_long");
}

/// D-073: a head above 1 MiB is refused.
/// D-074: a head just below 1 MiB is read.
#[test]
fn a_head_may_have_a_mebibyte_where_that_is_set() {
    let limits = RequestLimits {
        head: 1 << 20,
        field_value: 1 << 20,
        ..RequestLimits::DEFAULT
    };
    let request = |len: usize| {
        let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "x".repeat(len - frame)
        )
        .into_bytes()
    };
    assert_eq!(
        parse_at_once(limits, &request(1 << 20)).0,
        Ok(Some(1 << 20))
    );
    assert_eq!(
        parse_at_once(limits, &request((1 << 20) + 1)).0,
        Err(Refused::HeadTooLong)
    );
}
