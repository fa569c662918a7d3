//! Heads that the protocol lets pass, and that are no requests all the same.

use pointsman_tests::Endpoint;

use super::super::raw::{HEADERS, PROTOCOL_ERROR, RST_STREAM, Raw, block, headers, plane, sound};

/// what passes the protocol and would be no request of HTTP/1.1 gets the answer that it would get there.
/// also a blank at the edge of a value.
/// D-072: `OPTIONS *` is answered by the router itself, over HTTP/2, too.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn what_is_no_request_is_answered() {
    let endpoint = Endpoint::named("served").await;
    let plane = plane(&endpoint, |_| {});
    let four = |method, scheme, path, authority| {
        block(&[
            (":method", method),
            (":scheme", scheme),
            (":path", path),
            (":authority", authority),
        ])
    };
    // Whom it is for is said by a field alone.
    let hosted = |path: &[(&str, &str)]| {
        let before = [(":method", "GET"), (":scheme", "http")];
        block(&[&before[..], path, &[("host", "app.test")]].concat())
    };
    // The first byte of an answer's block: an entry of the static table (RFC 7541, appendix A), or a literal of one.
    const OK: u8 = 0x88;
    const BAD: u8 = 0x8c;
    for (name, block, status) in [
        ("sound", four("GET", "http", "/", "app.test"), Some(OK)),
        ("*", four("OPTIONS", "http", "*", "app.test"), Some(OK)),
        (
            "another scheme",
            four("GET", "ftp", "/", "app.test"),
            Some(BAD),
        ),
        (
            "an absolute path",
            four("GET", "http", "http://app.test/", "app.test"),
            None,
        ),
        (
            "a relative path",
            four("GET", "http", "path", "app.test"),
            None,
        ),
        (
            "a query alone",
            four("GET", "http", "?a=b", "app.test"),
            None,
        ),
        (
            "a fragment alone",
            four("GET", "http", "#a", "app.test"),
            Some(BAD),
        ),
        ("no path", hosted(&[]), Some(BAD)),
        (
            "no path but a fragment",
            hosted(&[(":path", "#")]),
            Some(BAD),
        ),
        ("an empty path", hosted(&[(":path", "")]), None),
        ("an asterisk", four("GET", "http", "*", "app.test"), None),
        (
            "a broken escape",
            four("GET", "http", "/%zz", "app.test"),
            Some(BAD),
        ),
        ("a user", four("GET", "http", "/", "me@app.test"), Some(BAD)),
        ("a blank before a value", sound(&[("x", " a")]), Some(BAD)),
        ("a tab behind a value", sound(&[("x", "a\t")]), Some(BAD)),
        ("two hosts", sound(&[("host", "other.test")]), Some(BAD)),
        (
            "CONNECT",
            block(&[(":method", "CONNECT"), (":authority", "app.test:443")]),
            None,
        ),
    ] {
        let mut raw = Raw::open(plane.address).await;
        raw.write(&headers(1, true, &block)).await;
        let answer = loop {
            let frame = raw.next().await.expect("an answer");
            if frame.stream == 1 {
                break frame;
            }
        };
        let refused = answer.kind == RST_STREAM && answer.code() == PROTOCOL_ERROR;
        let answered = answer.kind == HEADERS;
        match status {
            Some(status) => assert!(
                answered && answer.payload[0] == status,
                "{name}: {answer:?}"
            ),
            None => assert!(
                refused || answered && answer.payload[0] != OK,
                "{name}: {answer:?}"
            ),
        }
    }
    assert_eq!(endpoint.request_count(), 1);
}
