//! What the client role accepts from endpoints, and what the server role writes to clients.

mod read;
mod written;

use pointsman_http1::{Malformed, ResponseHead, ResponseLimits, ResponseParser};

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
