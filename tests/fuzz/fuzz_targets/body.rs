//! Any bytes as a chunked body: where our decoder sees an end, hyper sees the same, with the same
//! data before it.
#![no_main]

#[path = "../../../data-plane/http1/tests/differential/compare.rs"]
mod compare;

use libfuzzer_sys::fuzz_target;

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

fuzz_target!(|body: &[u8]| {
    if let Err(difference) = compare::compare(&[HEAD, body].concat()) {
        panic!("{difference}\n{:?}", String::from_utf8_lossy(body));
    }
});
