//! The chunked coding, read strictly (RFC 9112 §7.1, R-005, R-006).

use super::bad::BadBody;
use super::decode::Step;
use super::trailers::Trailers;
use crate::fields::Fields;
use crate::limits::BodyLimits;
use crate::scan::{is_control, is_token_byte};

/// Sixteen digits are the most that a size may have, whatever its value.
const MAX_DIGITS: u8 = 16;

/// A chunked body, byte for byte. It keeps numbers only, until trailers come.
#[derive(Debug)]
pub(crate) struct Chunked {
    limits: BodyLimits,
    phase: Phase,
    /// The size of the chunk that is being read, later what is left of it.
    size: u64,
    digits: u8,
    /// Bytes of the current size line.
    line: u32,
    /// Bytes of all extensions.
    extensions: u32,
    /// Bytes of framing, and of data, for L-14.
    framing: u64,
    data: u64,
    trailers: Trailers,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Size,
    Extension(Extension),
    /// The LF of a size line.
    SizeEnd,
    Data,
    /// The CR, then the LF, after the data.
    DataEnd,
    DataEndLf,
    Trailers,
    Done,
}

/// Inside of `;name`, `;name=token` or `;name="quoted"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    NameStart,
    Name,
    ValueStart,
    Value,
    Quoted,
    Escaped,
    AfterQuoted,
}

impl Chunked {
    pub(crate) const fn new(limits: BodyLimits) -> Self {
        Self {
            limits,
            phase: Phase::Size,
            size: 0,
            digits: 0,
            line: 0,
            extensions: 0,
            framing: 0,
            data: 0,
            trailers: Trailers::new(),
        }
    }

    pub(crate) const fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    pub(crate) const fn trailers(&self) -> &Fields {
        self.trailers.fields()
    }

    pub(crate) fn step(&mut self, input: &[u8]) -> Result<Step, BadBody> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            match self.phase {
                Phase::Data => return Ok(self.take_data(at, input.len())),
                Phase::Trailers => {
                    let rest = input.get(at..).unwrap_or_default();
                    return Ok(match self.trailers.read(rest, &self.limits)? {
                        Some(taken) => {
                            self.phase = Phase::Done;
                            Step::Done(at + taken)
                        }
                        None => Step::NeedMore,
                    });
                }
                Phase::Done => return Ok(Step::Done(at)),
                _ => self.frame(byte)?,
            }
            at += 1;
        }
        Ok(if self.is_done() {
            Step::Done(at)
        } else {
            Step::NeedMore
        })
    }

    fn take_data(&mut self, at: usize, end: usize) -> Step {
        let available = end - at;
        let len = usize::try_from(self.size).map_or(available, |size| size.min(available));
        self.size -= len as u64;
        if self.size == 0 {
            self.phase = Phase::DataEnd;
        }
        Step::Data(at..at + len)
    }

    /// Takes one byte of framing.
    fn frame(&mut self, byte: u8) -> Result<(), BadBody> {
        self.framing = self.framing.saturating_add(1);
        self.phase = match (self.phase, byte) {
            (Phase::Size, _) => self.size_byte(byte)?,
            (Phase::Extension(part), _) => self.extension_byte(part, byte)?,
            (Phase::SizeEnd, b'\n') => self.end_size_line()?,
            (Phase::DataEnd, b'\r') => Phase::DataEndLf,
            (Phase::DataEndLf, b'\n') => {
                self.digits = 0;
                self.line = 0;
                Phase::Size
            }
            _ => return Err(BadBody::ChunkEnd),
        };
        Ok(())
    }

    fn size_byte(&mut self, byte: u8) -> Result<Phase, BadBody> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'\r' if self.digits > 0 => return Ok(Phase::SizeEnd),
            b';' if self.digits > 0 => return self.begin_extension(),
            b'\n' if self.digits > 0 => return Err(BadBody::ChunkEnd),
            _ => return Err(BadBody::ChunkSize),
        };
        if self.digits == MAX_DIGITS {
            return Err(BadBody::ChunkSize);
        }
        self.grow_line()?;
        self.digits += 1;
        if self.size >> 59 != 0 {
            return Err(BadBody::ChunkSizeOverflow);
        }
        self.size = (self.size << 4) | u64::from(digit);
        Ok(Phase::Size)
    }

    fn begin_extension(&mut self) -> Result<Phase, BadBody> {
        self.grow_extension()?;
        Ok(Phase::Extension(Extension::NameStart))
    }

    fn extension_byte(&mut self, part: Extension, byte: u8) -> Result<Phase, BadBody> {
        let next = match (part, byte) {
            (Extension::Quoted, b'"') => Extension::AfterQuoted,
            (Extension::Quoted, b'\\') => Extension::Escaped,
            (Extension::Quoted | Extension::Escaped, _) if !is_control(byte) => Extension::Quoted,
            (Extension::Name | Extension::Value | Extension::AfterQuoted, b'\r') => {
                return Ok(Phase::SizeEnd);
            }
            (Extension::Name | Extension::Value | Extension::AfterQuoted, b';') => {
                return self.begin_extension();
            }
            (Extension::Name, b'=') => Extension::ValueStart,
            (Extension::ValueStart, b'"') => Extension::Quoted,
            (Extension::NameStart | Extension::Name, _) if is_token_byte(byte) => Extension::Name,
            (Extension::ValueStart | Extension::Value, _) if is_token_byte(byte) => {
                Extension::Value
            }
            (_, b'\n') => return Err(BadBody::ChunkEnd),
            _ => return Err(BadBody::ChunkExtension),
        };
        self.grow_extension()?;
        Ok(Phase::Extension(next))
    }

    /// Counts a byte of the size line (L-11).
    fn grow_line(&mut self) -> Result<(), BadBody> {
        self.line += 1;
        if self.line > self.limits.chunk_line {
            Err(BadBody::ChunkLineTooLong)
        } else {
            Ok(())
        }
    }

    /// Counts a byte of an extension (L-12).
    fn grow_extension(&mut self) -> Result<(), BadBody> {
        self.grow_line()?;
        self.extensions += 1;
        if self.extensions > self.limits.extensions {
            return Err(BadBody::ChunkExtensionsTooLong);
        }
        Ok(())
    }

    /// The size line is complete. The chunk counts as data already, so that the answer does not
    /// depend on how much of it has arrived (L-14).
    fn end_size_line(&mut self) -> Result<Phase, BadBody> {
        if self.size == 0 {
            return Ok(Phase::Trailers);
        }
        self.data = self.data.saturating_add(self.size);
        match self.limits.framing {
            Some(slack) if self.framing > self.data.saturating_add(u64::from(slack)) => {
                Err(BadBody::FramingHeavy)
            }
            _ => Ok(Phase::Data),
        }
    }
}
