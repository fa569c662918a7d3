//! Whom and what a request is for.

use super::{accepted, parse_with, refused, written};
use pointsman_http1::{
    Known, Refused, RequestHead, RequestLimits, TargetForm, UpstreamConnection, Version,
};

/// what is sent is made from what was understood, with one Host, one framing, CRLF.
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

/// bytes from 0x80 on pass in a target only where that is allowed.
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

/// there is exactly one Host, and it is `host[:port]`.
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

/// a request without Host is refused, in either version; so is an empty one, or a second.
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

/// the authority of an absolute target wins over Host, and is what goes out.
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

/// other targets are refused: other schemes, no authority, authority-form, bare words.
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

/// a head from another protocol passes the same checks as a parsed line.
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

/// A request that is sent elsewhere is looked up and written as one for there; what is no target or no host leaves it
/// as it was.
#[test]
fn a_request_is_sent_elsewhere() {
    let mut head = accepted(b"POST /a?b HTTP/1.1\r\nHost: one:1\r\nContent-Length: 2\r\n\r\n");
    for (target, authority, refused) in [
        (&b"no path"[..], &b"two"[..], Refused::TargetByte),
        (b"http://x/", b"two", Refused::Target),
        (b"/%zz", b"two", Refused::TargetByte),
        (b"/", b"a b", Refused::MalformedHost),
        (b"/", b"", Refused::EmptyHost),
    ] {
        assert_eq!(head.redirect(target, authority), Err(refused));
        assert_eq!((head.path(), head.host()), (&b"/a"[..], &b"one"[..]));
    }
    assert_eq!(head.redirect(b"/c/d?e", b"two:2"), Ok(()));
    assert_eq!(
        (head.path(), head.query(), head.host(), head.port()),
        (&b"/c/d"[..], Some(&b"e"[..]), &b"two"[..], Some(2))
    );
    assert_eq!(
        written(&head, UpstreamConnection::KeepAlive),
        "POST /c/d?e HTTP/1.1\r\nHost: two:2\r\nContent-Length: 2\r\n\r\n"
    );
}
