//! What the server role accepts and refuses, row by row. Each case is also fed byte by byte: the
//! answer never depends on how the bytes arrive.

mod connections;
mod framing;
mod lines;
mod targets;

use pointsman_http1::{
    Refused, RequestHead, RequestLimits, RequestOut, RequestParser, UpstreamConnection,
    write_request,
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
