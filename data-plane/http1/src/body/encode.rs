//! Marking where a body ends when it is sent.

use std::fmt;

use super::length::BodyLength;
use crate::fields::Fields;

/// More or less data than the head promised. The connection cannot be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongLength {
    /// Data beyond the declared length, or where there is no body.
    TooMuch,
    /// The body ended so many bytes early.
    Missing(u64),
}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMuch => f.write_str("more body than declared"),
            Self::Missing(bytes) => write!(f, "body is {bytes} bytes short"),
        }
    }
}

impl std::error::Error for WrongLength {}

/// The size line of a chunk, made without allocation.
#[derive(Clone, Copy, Debug)]
pub struct ChunkHead {
    bytes: [u8; 18],
    len: u8,
}

/// What goes around a piece of data: write `before`, the data, `after`.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The size line of a chunk, or nothing.
    pub before: ChunkHead,
    /// The line end of a chunk, or nothing.
    pub after: &'static [u8],
}

/// Sends one body: checks its length, or frames it in chunks.
#[derive(Debug)]
pub struct Encoder {
    length: BodyLength,
}

impl Encoder {
    /// An encoder for a body of this length.
    pub const fn new(length: BodyLength) -> Self {
        Self { length }
    }

    /// What goes around the next `len` bytes of data. For no bytes it is nothing.
    ///
    /// # Errors
    /// [`WrongLength::TooMuch`]: the bytes must not be sent.
    pub fn frame(&mut self, len: usize) -> Result<Frame, WrongLength> {
        todo!()
    }

    /// Appends `data` with its frame to `out`, for data that is small enough to be copied.
    ///
    /// # Errors
    /// As [`Encoder::frame`]; `out` is as before.
    pub fn append(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), WrongLength> {
        todo!()
    }

    /// Ends the body, and appends to `out` what marks its end: the last chunk with `trailers`, or
    /// nothing. Only a chunked body has trailers; for others they are dropped.
    ///
    /// # Errors
    /// [`WrongLength::Missing`]: the connection has to be broken off.
    pub fn finish(&mut self, trailers: &Fields, out: &mut Vec<u8>) -> Result<(), WrongLength> {
        todo!()
    }
}

impl ChunkHead {
    /// The bytes to write.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}
