//! Marking where a body ends when it is sent.

use std::fmt;

use super::length::BodyLength;
use crate::fields::Fields;
use crate::known::KnownSet;
use crate::number::write_hex;

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

impl Frame {
    /// Nothing around the data.
    const BARE: Self = Self {
        before: ChunkHead::EMPTY,
        after: b"",
    };
}

/// Sends one body: checks its length, or frames it in chunks.
#[derive(Debug)]
pub struct Encoder {
    /// What is still to come.
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
        if len == 0 {
            return Ok(Frame::BARE);
        }
        match &mut self.length {
            BodyLength::None => Err(WrongLength::TooMuch),
            BodyLength::UntilClose => Ok(Frame::BARE),
            BodyLength::Exact(remaining) => {
                *remaining = remaining
                    .checked_sub(len as u64)
                    .ok_or(WrongLength::TooMuch)?;
                Ok(Frame::BARE)
            }
            BodyLength::Chunked => Ok(Frame {
                before: ChunkHead::new(len),
                after: b"\r\n",
            }),
        }
    }

    /// Appends `data` with its frame to `out`, for data that is small enough to be copied.
    ///
    /// # Errors
    /// As [`Encoder::frame`]; `out` is as before.
    pub fn append(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), WrongLength> {
        let frame = self.frame(data.len())?;
        out.extend_from_slice(frame.before.as_bytes());
        out.extend_from_slice(data);
        out.extend_from_slice(frame.after);
        Ok(())
    }

    /// Ends the body, and appends to `out` what marks its end: the last chunk with `trailers`, or
    /// nothing. Only a chunked body has trailers; for others they are dropped, as are fields of
    /// this hop. After this, no data fits any more.
    ///
    /// # Errors
    /// [`WrongLength::Missing`]: the connection has to be broken off.
    pub fn finish(&mut self, trailers: &Fields, out: &mut Vec<u8>) -> Result<(), WrongLength> {
        match std::mem::replace(&mut self.length, BodyLength::None) {
            BodyLength::Exact(missing) if missing > 0 => Err(WrongLength::Missing(missing)),
            BodyLength::Chunked => {
                out.extend_from_slice(b"0\r\n");
                trailers.write(out, KnownSet::HOP_BY_HOP);
                out.extend_from_slice(b"\r\n");
                Ok(())
            }
            BodyLength::None | BodyLength::Exact(_) | BodyLength::UntilClose => Ok(()),
        }
    }
}

impl ChunkHead {
    const EMPTY: Self = Self {
        bytes: [0; 18],
        len: 0,
    };

    fn new(size: usize) -> Self {
        let mut head = Self::EMPTY;
        let digits = write_hex(&mut head.bytes, size as u64);
        if let Some(end) = head.bytes.get_mut(digits..digits + 2) {
            end.copy_from_slice(b"\r\n");
        }
        // At most sixteen digits and two more bytes.
        head.len = u8::try_from(digits + 2).unwrap_or(18);
        head
    }

    /// The bytes to write.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}
