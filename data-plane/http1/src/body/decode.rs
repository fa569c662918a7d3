//! Finding the data of a body in the bytes of a connection.

use std::ops::Range;

use super::bad::BadBody;
use super::chunked::Chunked;
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
/// Framing bytes are consumed as they come, so the caller never keeps bytes for the decoder. It
/// answers the same data, in the same order, however the bytes were split.
#[derive(Debug)]
pub struct Decoder {
    state: State,
}

#[derive(Debug)]
enum State {
    /// So many bytes are still to come; at least one.
    Exact(u64),
    Chunked(Chunked),
    UntilClose,
    Done,
    Bad(BadBody),
}

impl Decoder {
    /// A decoder for a body of this length. It allocates only if there are trailers.
    pub const fn new(length: BodyLength, limits: BodyLimits) -> Self {
        let state = match length {
            BodyLength::None | BodyLength::Exact(0) => State::Done,
            BodyLength::Exact(length) => State::Exact(length),
            BodyLength::Chunked => State::Chunked(Chunked::new(limits)),
            BodyLength::UntilClose => State::UntilClose,
        };
        Self { state }
    }

    /// Looks at `input`, the unconsumed bytes of the connection. Called again with what follows
    /// the consumed bytes, until it answers [`Step::Done`]. A body without a byte is done at once,
    /// and one that is done stays so.
    ///
    /// # Errors
    /// What is wrong. Nothing after the last data range may be used, and the same error follows
    /// for ever.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, BadBody> {
        let step = match &mut self.state {
            State::Done => return Ok(Step::Done(0)),
            State::Bad(bad) => return Err(*bad),
            State::Chunked(chunked) => chunked.step(input),
            State::Exact(_) | State::UntilClose if input.is_empty() => Ok(Step::NeedMore),
            State::UntilClose => Ok(Step::Data(0..input.len())),
            State::Exact(remaining) => {
                let len =
                    usize::try_from(*remaining).map_or(input.len(), |all| all.min(input.len()));
                *remaining -= len as u64;
                if *remaining == 0 {
                    self.state = State::Done;
                }
                Ok(Step::Data(0..len))
            }
        };
        if let Err(bad) = step {
            self.state = State::Bad(bad);
        }
        step
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// [`BadBody::Truncated`] unless the body was complete or lasts until the connection ends.
    pub fn end_of_input(&mut self) -> Result<(), BadBody> {
        match &self.state {
            State::Bad(bad) => return Err(*bad),
            State::UntilClose => self.state = State::Done,
            State::Exact(_) | State::Chunked(_) if !self.is_done() => {
                self.state = State::Bad(BadBody::Truncated);
                return Err(BadBody::Truncated);
            }
            State::Exact(_) | State::Chunked(_) | State::Done => {}
        }
        Ok(())
    }

    /// Whether the body was read to its end.
    pub const fn is_done(&self) -> bool {
        match &self.state {
            State::Done => true,
            State::Chunked(chunked) => chunked.is_done(),
            State::Exact(_) | State::UntilClose | State::Bad(_) => false,
        }
    }

    /// How many bytes of data are still to come, where that is known.
    pub const fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Exact(remaining) => Some(remaining),
            State::Done => Some(0),
            State::Chunked(_) | State::UntilClose | State::Bad(_) => None,
        }
    }

    /// The trailer fields of a chunked body that is done, without those that may not pass as
    /// trailers. Empty before that.
    pub const fn trailers(&self) -> &Fields {
        const NONE: &Fields = &Fields::new();
        match &self.state {
            State::Chunked(chunked) => chunked.trailers(),
            _ => NONE,
        }
    }
}
