//! Reading response heads from an endpoint's bytes.

use super::ResponseHead;
use super::malformed::Malformed;
use crate::limits::ResponseLimits;

/// Reads the heads that answer one request: any interim ones, then the final one.
///
/// As [`crate::RequestParser`], it remembers how far it has looked and does not care how the bytes
/// are split. After a final head, 101 included, it is ready for the answer to the next request.
#[derive(Debug)]
pub struct ResponseParser {
    limits: ResponseLimits,
}

impl ResponseParser {
    /// A parser at the beginning of a connection. It has allocated nothing.
    pub const fn new(limits: ResponseLimits) -> Self {
        Self { limits }
    }

    /// Looks for a complete head at the start of `input`, which holds all bytes since the end of
    /// the last head or body: those of the last call first, unchanged, then any new ones.
    ///
    /// `Ok(None)` asks for more bytes and leaves `head` as it was. `Ok(Some(len))` has filled
    /// `head` from the first `len` bytes, which the caller drops. After an interim head
    /// ([`ResponseHead::is_interim`]) the next head follows.
    ///
    /// # Errors
    /// Why the connection must end and the client gets a 502. `head` is empty then.
    pub fn parse(
        &mut self,
        input: &[u8],
        head: &mut ResponseHead,
    ) -> Result<Option<usize>, Malformed> {
        todo!()
    }
}
