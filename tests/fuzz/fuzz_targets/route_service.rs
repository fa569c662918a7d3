//! Any bytes as the three header fields of a route service: none of them is more than an error, and what was read is
//! written as it was. The fields are cut from the input at its line ends.
#![no_main]
#![allow(dead_code)]

#[path = "../../../data-plane/src/route_service/envelope.rs"]
mod envelope;
#[path = "../../../data-plane/src/route_service/url.rs"]
mod url;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut fields = input.splitn(3, |byte| *byte == b'\n');
    let [metadata, signature, contents] = [(); 3].map(|()| fields.next().unwrap_or_default());
    if let Ok(nonce) = envelope::read_metadata(metadata) {
        let written = envelope::metadata(&nonce);
        assert_eq!(envelope::read_metadata(written.as_bytes()), Ok(nonce));
    }
    if let Ok(sealed) = envelope::read_signature(signature) {
        assert!(sealed.len() <= signature.len());
        let written = envelope::signature(&sealed);
        assert_eq!(envelope::read_signature(written.as_bytes()), Ok(sealed));
    }
    if let Ok(read) = envelope::Contents::of_json(contents) {
        let written = read.to_json().expect("it is text");
        assert!(!written.iter().any(|byte| b"<>&".contains(byte)));
        assert_eq!(envelope::Contents::of_json(&written), Ok(read));
    }
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Some((host, path)) = url::split(text) {
        assert!(!host.is_empty() && path.starts_with('/'), "{host:?} {path:?}");
    }
    if let Some(url) = url::ServiceUrl::parse(text) {
        let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        assert!(url.target.starts_with('/') && visible(&url.target), "{url:?}");
        assert!(visible(&url.authority) && !url.host.is_empty(), "{url:?}");
    }
});
