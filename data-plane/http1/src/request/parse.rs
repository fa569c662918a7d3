//! Reading request heads from a client's bytes.

use super::RequestHead;
use super::refused::Refused;
use crate::limits::RequestLimits;

/// Reads one request head after the other, from whatever pieces the bytes arrive in.
///
/// The parser remembers how far it has looked, so that a head that arrives byte by byte costs no
/// more than one that arrives at once. It answers the same for the same bytes, however they were
/// split. Once it has refused, it refuses all that follows with the same reason.
#[derive(Debug)]
pub struct RequestParser {
    limits: RequestLimits,
}

impl RequestParser {
    /// A parser at the beginning of a connection. It has allocated nothing.
    pub const fn new(limits: RequestLimits) -> Self {
        Self { limits }
    }

    /// Looks for a complete head at the start of `input`, which holds all bytes since the end of
    /// the last message: those of the last call first, unchanged, then any new ones.
    ///
    /// `Ok(None)` asks for more bytes and leaves `head` as it was. `Ok(Some(len))` has filled
    /// `head` from the first `len` bytes; the caller drops these, and what follows them is the
    /// body, then the next head.
    ///
    /// # Errors
    /// Why the connection must end after an answer of [`Refused::status`]. `head` is empty then.
    pub fn parse(
        &mut self,
        input: &[u8],
        head: &mut RequestHead,
    ) -> Result<Option<usize>, Refused> {
        todo!()
    }

    /// Whether `parse` has seen a part of a head, which decides between a 408 and a silent close
    /// when the time is over (L-05).
    pub const fn is_started(&self) -> bool {
        todo!()
    }
}
