//! What the server role accepts and refuses, row by row. Each case is also fed byte by byte: the
//! answer never depends on how the bytes arrive.

use pointsman_http1::{
    BodyLength, Known, Method, Refused, RequestHead, RequestLimits, RequestOut, RequestParser,
    TargetForm, UpstreamConnection, Version, write_request,
};

type Outcome = Result<Option<usize>, Refused>;

fn parse_at_once(limits: RequestLimits, bytes: &[u8]) -> (Outcome, RequestHead) {
    let mut head = RequestHead::new();
    let outcome = RequestParser::new(limits).parse(bytes, &mut head);
    (outcome, head)
}

fn parse_byte_by_byte(limits: RequestLimits, bytes: &[u8]) -> (Outcome, RequestHead) {
    let mut parser = RequestParser::new(limits);
    let mut head = RequestHead::new();
    for len in 0..=bytes.len() {
        let outcome = parser.parse(&bytes[..len], &mut head);
        if outcome != Ok(None) {
            return (outcome, head);
        }
    }
    (Ok(None), head)
}

fn parse_with(limits: RequestLimits, bytes: &[u8]) -> (Outcome, RequestHead) {
    let (outcome, head) = parse_at_once(limits, bytes);
    let (dripped, dripped_head) = parse_byte_by_byte(limits, bytes);
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    assert_eq!(outcome, dripped, "{text:?} at once and byte by byte");
    assert_eq!(
        head.fields(),
        dripped_head.fields(),
        "{text:?} at once and byte by byte"
    );
    (outcome, head)
}

fn parse(bytes: &[u8]) -> (Outcome, RequestHead) {
    parse_with(RequestLimits::DEFAULT, bytes)
}

#[track_caller]
fn accepted(bytes: &[u8]) -> RequestHead {
    let (outcome, head) = parse(bytes);
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(outcome, Ok(Some(bytes.len())), "{text:?}");
    head
}

#[track_caller]
fn refused(bytes: &[u8], reason: Refused) {
    let (outcome, head) = parse(bytes);
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    assert_eq!(outcome, Err(reason), "{text:?}");
    assert!(
        head.fields().is_empty() && head.target().is_empty(),
        "{text:?} left something"
    );
}

/// A request with these lines after its request line and host.
fn with(lines: &str) -> Vec<u8> {
    format!("POST /upload HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n").into_bytes()
}

/// R-001: both lengths are refused in any order, case and spacing.
#[test]
fn both_lengths_are_refused() {
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "content-length:5\r\nTRANSFER-ENCODING:\tchunked \r\n",
        "Transfer-Encoding: chunked\r\nX: y\r\nContent-Length: 0\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
    ] {
        refused(&with(lines), Refused::BothLengths);
    }
    assert_eq!(Refused::BothLengths.status(), 400);
}

/// R-002: a length is digits below 2^63; several must be equal byte for byte.
/// D-065: an empty, negative, signed or conflicting length is 400.
#[test]
fn lengths_are_plain_numbers() {
    for value in [
        "+5", "-5", "0x5", "5.0", "1_0", "", " ", "5 5", "5;", "٥", "five", "5,", ",5", "5,,5",
        "\u{a0}5",
    ] {
        refused(
            &with(&format!("Content-Length: {value}\r\n")),
            Refused::ContentLength,
        );
    }
    refused(&with("Content-Length: 5\0\r\n"), Refused::ControlByte);
    for value in ["5,6", "5, 6", "5, 05"] {
        let lines = format!("Content-Length: {value}\r\n");
        refused(&with(&lines), Refused::ConflictingContentLength);
    }
    let twice = "Content-Length: 5\r\nContent-Length: 6\r\n";
    refused(&with(twice), Refused::ConflictingContentLength);
    for value in [
        "9223372036854775808",
        "18446744073709551621",
        &"1".repeat(400),
    ] {
        refused(
            &with(&format!("Content-Length: {value}\r\n")),
            Refused::ContentTooLarge,
        );
    }
    assert_eq!(Refused::ContentLength.status(), 400);
    assert_eq!(Refused::ContentTooLarge.status(), 413);
    let most = accepted(&with("Content-Length: 9223372036854775807\r\n"));
    assert_eq!(most.body(), BodyLength::Exact((1 << 63) - 1));
}

/// R-002: equal lengths become one.
/// D-066: two equal Content-Length lines are forwarded as one.
#[test]
fn equal_lengths_become_one() {
    for lines in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5\r\ncontent-length: 5,5 ,\t5\r\n",
    ] {
        let head = accepted(&with(lines));
        assert_eq!(head.body(), BodyLength::Exact(5));
        let written = written(&head, UpstreamConnection::KeepAlive);
        assert_eq!(written.matches("Content-Length").count(), 1, "{written}");
        assert!(written.contains("\r\nContent-Length: 5\r\n"), "{written}");
    }
}

/// R-003: Transfer-Encoding is one field that says exactly `chunked`.
/// D-067: any other coding is 501.
#[test]
fn transfer_encoding_is_chunked_or_nothing() {
    for value in [
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked,",
        ",chunked",
        "chunked, chunked",
        "xchunked",
        "chunkedx",
        "chunke",
        "",
        "\"chunked\"",
        "chunked;q=1",
        "\u{a0}chunked",
    ] {
        refused(
            &with(&format!("Transfer-Encoding: {value}\r\n")),
            Refused::TransferCoding,
        );
    }
    assert_eq!(Refused::TransferCoding.status(), 501);
    for byte in ["\u{b}", "\u{c}", "\0"] {
        refused(
            &with(&format!("Transfer-Encoding: {byte}chunked\r\n")),
            Refused::ControlByte,
        );
        refused(
            &with(&format!("Transfer-Encoding: chunked{byte}\r\n")),
            Refused::ControlByte,
        );
    }
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    refused(&with(twice), Refused::RepeatedTransferEncoding);
    refused(
        &with("Transfer-Encoding: gzip,\r\n chunked\r\n"),
        Refused::Folded,
    );
    for value in ["chunked", "CHUNKED", "Chunked \t"] {
        let head = accepted(&with(&format!("Transfer-Encoding: {value}\r\n")));
        assert_eq!(head.body(), BodyLength::Chunked);
    }
}

/// R-004: Transfer-Encoding in an HTTP/1.0 request is refused.
#[test]
fn transfer_encoding_needs_http11() {
    for lines in [
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
    ] {
        let bytes = format!("POST / HTTP/1.0\r\nHost: a\r\n{lines}\r\n");
        refused(bytes.as_bytes(), Refused::TransferEncodingOnHttp10);
    }
    let both =
        b"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    refused(both, Refused::BothLengths);
}

/// R-008: what is sent is made from what was understood, with one Host, one framing, CRLF.
#[test]
fn a_request_is_written_from_its_parsed_form() {
    let head = accepted(
        b"\r\nPOST http://App.Example:8080/p?q HTTP/1.0\r\nhost:other\r\nx-one:   1  \r\nX-Empty:\r\n\
          Content-LENGTH:007\r\nConnection: keep-alive\r\nX-Two: 2\r\n\r\n",
    );
    assert_eq!(
        written(&head, UpstreamConnection::KeepAlive),
        "POST http://App.Example:8080/p?q HTTP/1.1\r\nHost: App.Example:8080\r\nx-one: 1\r\n\
         X-Empty: \r\nX-Two: 2\r\nContent-Length: 7\r\n\r\n"
    );
    assert_eq!(
        written(&head, UpstreamConnection::Upgrade(b"websocket")),
        "POST http://App.Example:8080/p?q HTTP/1.1\r\nHost: App.Example:8080\r\nx-one: 1\r\n\
         X-Empty: \r\nX-Two: 2\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Content-Length: 7\r\n\r\n"
    );
}

/// The head as it goes out.
fn written(head: &RequestHead, connection: UpstreamConnection<'_>) -> String {
    let mut out = Vec::new();
    let how = RequestOut {
        body: head.body(),
        connection,
        ..RequestOut::default()
    };
    assert_eq!(write_request(&mut out, head, &how), Ok(()));
    String::from_utf8(out).expect("only ASCII was put in")
}

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

/// R-011: bytes from 0x80 on pass in a target only where that is allowed.
#[test]
fn obs_text_in_targets_is_a_setting() {
    let limits = RequestLimits {
        obs_text_in_target: true,
        ..RequestLimits::DEFAULT
    };
    let bytes = "GET /café-au-lait/ä HTTP/1.1\r\nHost: a\r\n\r\n".as_bytes();
    let (outcome, head) = parse_with(limits, bytes);
    assert_eq!(outcome, Ok(Some(bytes.len())));
    assert_eq!(head.target(), "/café-au-lait/ä".as_bytes());
    let (outcome, _) = parse_with(limits, b"GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(outcome, Err(Refused::TargetByte));
}

/// D-070: a broken percent-escape in the path is 400; the query may have one.
#[test]
fn escapes_in_the_path_are_whole() {
    for target in [
        "/%zz",
        "/%",
        "/%4",
        "/a%2",
        "/a%2g?x",
        "/%41%",
        "http://a/%zz",
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        refused(bytes.as_bytes(), Refused::TargetByte);
    }
    for target in ["/%41", "/%e2%82%AC/x", "/?a=%zz", "/a?%", "/%2f%2F?%%"] {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(accepted(bytes.as_bytes()).target(), target.as_bytes());
    }
}

/// R-012: there is exactly one Host, and it is `host[:port]`.
/// D-059: a Host with a blank is 400 `malformed Host header`.
/// D-060: a Host with markup is 400.
#[test]
fn hosts_are_valid() {
    for host in [
        "a b",
        "a,b",
        "a, b",
        "user@a",
        "user:pw@a",
        "a/b",
        "a?b",
        "a#b",
        "<script>",
        "a\"b",
        "a\\b",
        "http://a",
        "a:65536",
        "a:99999999999999999999",
        "a:-1",
        "a:+1",
        "a:8o",
        "a:80:90",
        "a::1",
        "[::1",
        "[::1]x",
        "[]",
        "[1.2.3.4]",
        "[::1%25eth0]",
        "[v1.x]",
        "a%zz",
        "a%4",
        "a|b",
        "a`b",
        "a{b}",
        "a^b",
        "bücher.example",
    ] {
        let bytes = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        refused(bytes.as_bytes(), Refused::MalformedHost);
    }
    assert_eq!(Refused::MalformedHost.text(), "malformed Host header");
    let cases: &[(&str, &str, Option<u16>)] = &[
        ("app.example.com", "app.example.com", None),
        ("app.example.com:8080", "app.example.com", Some(8080)),
        ("APP_1.example.com.", "APP_1.example.com.", None),
        ("a:", "a", None),
        ("a:0", "a", Some(0)),
        ("a:65535", "a", Some(65535)),
        ("10.0.0.1:80", "10.0.0.1", Some(80)),
        ("[2001:db8::1]", "[2001:db8::1]", None),
        ("[::ffff:10.0.0.1]:443", "[::ffff:10.0.0.1]", Some(443)),
        ("a%41~!$&'()*+;=", "a%41~!$&'()*+;=", None),
    ];
    for (host, name, port) in cases {
        let head = accepted(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        assert_eq!(head.authority(), host.as_bytes());
        assert_eq!((head.host(), head.port()), (name.as_bytes(), *port));
    }
}

/// R-012: a request without Host is refused, in either version; so is an empty one, or a second.
/// D-058: HTTP/1.1 without Host is 400 with `missing required Host header`.
/// D-061: two Host lines are 400.
#[test]
fn there_is_exactly_one_host() {
    for version in ["1.0", "1.1"] {
        refused(
            format!("GET / HTTP/{version}\r\n\r\n").as_bytes(),
            Refused::MissingHost,
        );
        refused(
            format!("GET http://a/ HTTP/{version}\r\n\r\n").as_bytes(),
            Refused::MissingHost,
        );
        for host in ["Host:", "Host: ", "Host: \t "] {
            let bytes = format!("GET / HTTP/{version}\r\n{host}\r\n\r\n");
            refused(bytes.as_bytes(), Refused::EmptyHost);
        }
        let port_only = format!("GET / HTTP/{version}\r\nHost: :80\r\n\r\n");
        refused(port_only.as_bytes(), Refused::EmptyHost);
        let twice = format!("GET / HTTP/{version}\r\nHost: a\r\nX: y\r\nhOST: a\r\n\r\n");
        refused(twice.as_bytes(), Refused::RepeatedHost);
    }
    assert_eq!(Refused::MissingHost.text(), "missing required Host header");
    assert_eq!(Refused::MissingHost.router_error(), "empty_host");
    assert_eq!(Refused::EmptyHost.router_error(), "empty_host");
    assert_eq!(Refused::RepeatedHost.router_error(), "bad_request");
}

/// R-013: the authority of an absolute target wins over Host, and is what goes out.
/// D-285: an absolute-form target is sent on in absolute form.
/// D-286: its encoding is kept.
/// D-287: for host A in the target and B in Host, A is routed and sent.
#[test]
fn an_absolute_target_names_the_host() {
    let head = accepted(b"GET http://a.example:81/x%2Fy?q=%zz HTTP/1.1\r\nHost: b.example\r\n\r\n");
    assert_eq!(head.target_form(), TargetForm::Absolute);
    assert_eq!((head.host(), head.port()), (&b"a.example"[..], Some(81)));
    assert_eq!(head.path(), b"/x%2Fy");
    assert_eq!(head.query(), Some(&b"q=%zz"[..]));
    assert_eq!(
        written(&head, UpstreamConnection::KeepAlive),
        "GET http://a.example:81/x%2Fy?q=%zz HTTP/1.1\r\nHost: a.example:81\r\n\r\n"
    );
    let head = accepted(b"GET HTTPS://[::1] HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_eq!(
        (head.host(), head.path(), head.query()),
        (&b"[::1]"[..], &b"/"[..], None)
    );
    let head = accepted(b"GET http://a?q HTTP/1.1\r\nHost: b\r\n\r\n");
    assert_eq!((head.path(), head.query()), (&b"/"[..], Some(&b"q"[..])));
}

/// R-013: other targets are refused: other schemes, no authority, authority-form, bare words.
#[test]
fn other_targets_are_refused() {
    for target in [
        "ftp://a/",
        "http:///",
        "http://",
        "https://?x",
        "http://:80/",
        "http:/a",
        "http:a",
        "http://u@a/",
        "http://a b/",
        "a.example:443",
        "a.example",
        "index.html",
        "?x",
        "#x",
        "*",
        "**",
        "*/",
        "http://a:x/",
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let expected = if target.contains(' ') {
            Refused::RequestLine
        } else {
            Refused::Target
        };
        refused(bytes.as_bytes(), expected);
    }
    let head = accepted(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        (head.target_form(), head.path()),
        (TargetForm::Asterisk, &b"*"[..])
    );
    refused(b"OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", Refused::Target);
}

/// D-282: no `?` is added to a target.
/// D-283: `/?` keeps its own.
/// D-288: path characters are forwarded as received.
/// D-289: an encoded query is forwarded as received.
/// D-296: a fragment is forwarded.
#[test]
fn targets_go_out_as_they_came() {
    for target in [
        "/test",
        "/?",
        "/a/../b/./c",
        "//a//b?z=1&a=2",
        "/%2f%3F%25",
        "/:@!$&'()*+,;=-._~",
        "/a#frag",
        "/a;b=c",
        "/?q=%26%3d+x",
        "/a|b^c`{d}\"<e>\\f",
    ] {
        let head = accepted(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        let out = written(&head, UpstreamConnection::KeepAlive);
        assert!(
            out.starts_with(&format!("GET {target} HTTP/1.1\r\n")),
            "{out}"
        );
    }
}

/// R-014: CONNECT is refused with 405, and nothing after it is read as HTTP.
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

/// R-015: after a refusal the rest of the connection is never a request, however well-formed.
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

/// R-016: `close`, or HTTP/1.0 without `keep-alive`, ends the connection after one answer.
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

/// R-017: pipelined requests are read one at a time, in order; a bad one ends the connection after
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

/// R-018: `100-continue` is understood in any case; every other expectation is 417.
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

/// R-062: a head from another protocol passes the same checks as a parsed line.
#[test]
fn an_assigned_head_is_checked() {
    let mut head = RequestHead::new();
    let ok = head.assign(Version::Http2, b"GET", b"/a?b", b"app.example:443");
    assert_eq!(ok, Ok(()));
    assert_eq!(head.fields_mut().push("x-one", b"1"), Ok(()));
    assert_eq!(
        (head.host(), head.path(), head.query()),
        (&b"app.example"[..], &b"/a"[..], Some(&b"b"[..]))
    );
    assert!(head.fields_mut().push(Known::Cookie, b"a=1; b=2").is_ok());
    assert_eq!(
        written(&head, UpstreamConnection::KeepAlive),
        "GET /a?b HTTP/1.1\r\nHost: app.example:443\r\nx-one: 1\r\nCookie: a=1; b=2\r\n\r\n"
    );
    type Parts = (&'static [u8], &'static [u8], &'static [u8]);
    let cases: &[(Parts, Refused)] = &[
        ((b"GET", b"/a b", b"a"), Refused::TargetByte),
        ((b"GET", b"/a HTTP/1.1\r\nX: y", b"a"), Refused::TargetByte),
        ((b"GET", b"/\0", b"a"), Refused::TargetByte),
        ((b"GET", b"/\t", b"a"), Refused::TargetByte),
        ((b"GET", b"", b"a"), Refused::RequestLine),
        ((b"GET", b"http://b/", b"a"), Refused::Target),
        ((b"GET", b"*", b"a"), Refused::Target),
        ((b"G T", b"/", b"a"), Refused::Method),
        ((b"", b"/", b"a"), Refused::Method),
        ((b"CONNECT", b"/", b"a"), Refused::Connect),
        ((b"GET", b"/", b""), Refused::EmptyHost),
        ((b"GET", b"/", b"a\r\nX: y"), Refused::MalformedHost),
        ((b"GET", b"/", b"u@a"), Refused::MalformedHost),
    ];
    for ((method, target, authority), reason) in cases {
        assert_eq!(
            head.assign(Version::Http2, method, target, authority),
            Err(*reason)
        );
        assert!(head.fields().is_empty() && head.target().is_empty() && head.host().is_empty());
    }
}
