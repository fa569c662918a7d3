//! Why a body was not understood.

use std::fmt;

/// What was wrong with a body. Towards a client all of these are 400, or a reset where bytes were
/// forwarded already; from an endpoint they break the answer off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadBody {
    /// a chunk size that is not 1 to 16 hexadecimal digits followed by CRLF or `;`.
    ChunkSize,
    /// a chunk size of 2^63 or more.
    ChunkSizeOverflow,
    /// a chunk-size line or chunk that ends in anything but CRLF.
    ChunkEnd,
    /// an extension that is not `;name` or `;name=value`.
    ChunkExtension,
    /// L-11: a chunk-size line that is too long.
    ChunkLineTooLong,
    /// L-12: too many bytes of chunk extensions in one body.
    ChunkExtensionsTooLong,
    /// a trailer line that is not a field.
    TrailerField,
    /// L-13: a trailer section that is too long, or has too many fields.
    TrailersTooLong,
    /// L-14: far more framing than data.
    FramingHeavy,
    /// more or less data than `Content-Length` said, where the protocol itself says where a body ends.
    ContentLength,
    /// The connection ended before the body did.
    Truncated,
}

impl BadBody {
    /// One line for people, without anything that the peer sent.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ChunkSize => "invalid chunk size",
            Self::ChunkSizeOverflow => "chunk size out of range",
            Self::ChunkEnd => "chunk not ended by CRLF",
            Self::ChunkExtension => "invalid chunk extension",
            Self::ChunkLineTooLong => "chunk-size line too long",
            Self::ChunkExtensionsTooLong => "too many chunk extensions",
            Self::TrailerField => "invalid trailer field",
            Self::TrailersTooLong => "trailer section too long",
            Self::FramingHeavy => "more chunk framing than data",
            Self::ContentLength => "body differs from its Content-Length",
            Self::Truncated => "body ended early",
        }
    }
}

impl fmt::Display for BadBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for BadBody {}
