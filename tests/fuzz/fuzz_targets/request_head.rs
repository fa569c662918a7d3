//! Any bytes as the beginning of a client's connection: what our parser accepts, hyper accepts
//! alike, and the split of the bytes makes no difference.
#![no_main]

#[path = "../../../data-plane/http1/tests/differential/compare.rs"]
mod compare;

use libfuzzer_sys::fuzz_target;
use pointsman_http1::{RequestHead, RequestLimits, RequestParser};

fuzz_target!(|bytes: &[u8]| {
    if let Err(difference) = compare::compare(bytes) {
        panic!("{difference}\n{:?}", String::from_utf8_lossy(bytes));
    }
    let mut whole = RequestHead::new();
    let at_once = RequestParser::new(RequestLimits::DEFAULT).parse(bytes, &mut whole);
    let mut parser = RequestParser::new(RequestLimits::DEFAULT);
    let mut head = RequestHead::new();
    let dripped = (0..=bytes.len())
        .map(|len| parser.parse(&bytes[..len], &mut head))
        .find(|outcome| *outcome != Ok(None));
    assert_eq!(dripped.unwrap_or(Ok(None)), at_once);
    assert_eq!(head.fields(), whole.fields());
});
