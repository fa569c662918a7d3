//! The four ways in which a body's end is known.

/// How the end of a body is marked (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// There is no body, and no field says how long it is.
    None,
    /// `Content-Length`: exactly so many bytes, possibly zero.
    Exact(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Until the connection ends. Only responses can be read or written like that.
    UntilClose,
}

impl BodyLength {
    /// Whether it is certain that no byte of body follows the head.
    pub const fn is_empty(self) -> bool {
        matches!(self, Self::None | Self::Exact(0))
    }
}
