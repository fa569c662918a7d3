//! The versions that a head can carry.

/// The protocol version of a message, as its sender stated it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// `HTTP/1.0`: one message for each connection unless both ends say otherwise, never chunked.
    Http10,
    /// `HTTP/1.1`.
    Http11,
    /// HTTP/2. No parser of this crate yields it; the HTTP/2 adapter marks its heads with it, and
    /// the writers treat it as HTTP/1.1.
    Http2,
}

impl Version {
    /// As request lines, status lines and access logs spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
        }
    }
}
