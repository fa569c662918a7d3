//! Finding the data of a body in the bytes of a connection.

use std::ops::Range;

use super::bad::BadBody;
use super::length::BodyLength;
use crate::fields::Fields;
use crate::limits::BodyLimits;

/// What the decoder found at the start of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// This range of the input is data, and all up to its end is consumed.
    Data(Range<usize>),
    /// All of the input is consumed, and the body goes on.
    NeedMore,
    /// The body ended, and so many bytes of the input belonged to it; what follows is the next
    /// message. [`Decoder::trailers`] has the trailer fields.
    Done(usize),
}

/// Reads one body, in place: it says which bytes of the caller's buffer are data.
///
/// Framing bytes are consumed as they come, so the caller never keeps bytes for the decoder.
#[derive(Debug)]
pub struct Decoder {
    limits: BodyLimits,
}

impl Decoder {
    /// A decoder for a body of this length. It allocates only if there are trailers.
    pub fn new(length: BodyLength, limits: BodyLimits) -> Self {
        todo!()
    }

    /// Looks at `input`, the unconsumed bytes of the connection. Called again with what follows
    /// the consumed bytes, until it answers [`Step::Done`]. A body without a byte is done at once.
    ///
    /// # Errors
    /// What is wrong. Nothing after the last data range may be used, and the same error follows
    /// for ever.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, BadBody> {
        todo!()
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// [`BadBody::Truncated`] unless the body was complete or lasts until the connection ends.
    pub fn end_of_input(&mut self) -> Result<(), BadBody> {
        todo!()
    }

    /// Whether the body was read to its end.
    pub const fn is_done(&self) -> bool {
        todo!()
    }

    /// How many bytes of data are still to come, where that is known.
    pub const fn remaining(&self) -> Option<u64> {
        todo!()
    }

    /// The trailer fields of a chunked body that is done, without those that may not pass as
    /// trailers. Empty before that.
    pub fn trailers(&self) -> &Fields {
        todo!()
    }
}
