//! What both sides of the proxy need to speak HTTP/2 (RFC 9113): fields in the form of the `h2` crate, which exists
//! nowhere else.

pub(crate) mod fields;

/// The name of the protocol in a handshake (RFC 9113, section 3.2).
pub(crate) const ALPN: &[u8] = b"h2";
