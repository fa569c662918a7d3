//! The fields of a head, in one pass over its bytes, whatever pieces they arrive in.
//!
//! Requests, responses and trailer sections share this scan. It goes from byte to byte in words of
//! eight: a name up to its colon, a value up to its first control byte, which has to be the CR of a
//! line end. So nothing is looked at twice, every fault is found at the first byte that is wrong,
//! and what was found does not depend on how much of the rest has arrived.

use std::ops::Range;

use crate::fields::{Entry, Fields};
use crate::known::{Known, KnownSet};
use crate::scan::{find_control, is_token_byte};

/// What can be wrong with the lines of a head, for every kind of message alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadLine {
    BareLineFeed,
    BareCarriageReturn,
    ControlByte,
    NoColon,
    FieldName,
    Folded,
    HeadTooLong,
    TooManyFields,
    FieldNameTooLong,
    FieldValueTooLong,
}

/// How much of a head there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanLimits {
    /// Bytes of the head with all line ends.
    pub(crate) head: u32,
    pub(crate) fields: u32,
    pub(crate) field_name: u32,
    pub(crate) field_value: u32,
}

/// How far a head was read. All offsets count from the head's first byte.
#[derive(Debug)]
pub(crate) struct HeadScan {
    /// Where the current line begins.
    at: usize,
    /// Up to where the current line is known to go on.
    searched: usize,
    entries: Vec<Entry>,
    present: KnownSet,
}

/// What a line turned out to be.
enum Line {
    Field,
    /// The empty line after the last field.
    End,
    /// Not there in full.
    Partial,
}

impl HeadScan {
    /// At the beginning of a head; nothing is allocated.
    pub(crate) const fn new() -> Self {
        Self {
            at: 0,
            searched: 0,
            entries: Vec::new(),
            present: KnownSet::EMPTY,
        }
    }

    /// Forgets the head and keeps the memory.
    pub(crate) fn restart(&mut self) {
        self.begin_line(0);
        self.entries.clear();
        self.present = KnownSet::EMPTY;
    }

    /// Where the current line begins.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// Up to where the current line is known to go on; never before its beginning.
    pub(crate) const fn searched(&self) -> usize {
        self.searched
    }

    /// Remembers that the current line goes on up to here.
    pub(crate) const fn search_on_from(&mut self, searched: usize) {
        self.searched = searched;
    }

    /// Says that the next line begins here.
    pub(crate) const fn begin_line(&mut self, at: usize) {
        self.at = at;
        self.searched = at;
    }

    /// Looks for the end of the current line, from which nothing but the bytes of a field value is
    /// expected; `None` if it is not there yet. The line that follows is not begun.
    #[inline(always)]
    pub(crate) fn line_end(&mut self, input: &[u8], from: usize) -> Result<Option<usize>, BadLine> {
        let from = from.max(self.searched);
        let Some(distance) = find_control(input.get(from..).unwrap_or_default()) else {
            self.searched = input.len();
            return Ok(None);
        };
        let control = from + distance;
        match input.get(control..) {
            Some([b'\r', b'\n', ..]) => Ok(Some(control)),
            Some([b'\r']) => {
                self.searched = control;
                Ok(None)
            }
            Some([b'\r', ..]) => Err(BadLine::BareCarriageReturn),
            Some([b'\n', ..]) => Err(BadLine::BareLineFeed),
            _ => Err(BadLine::ControlByte),
        }
    }

    /// Reads field lines up to the empty one; says how long the head is once that is there.
    pub(crate) fn fields(
        &mut self,
        input: &[u8],
        limits: &ScanLimits,
    ) -> Result<Option<usize>, BadLine> {
        // A fault before the limit counts as what it is, whether more has arrived or not.
        let within = input.get(..limits.head as usize).unwrap_or(input);
        loop {
            match self.line(within, limits)? {
                Line::Field => {}
                Line::End => return Ok(Some(self.at)),
                Line::Partial if input.len() > within.len() => return Err(BadLine::HeadTooLong),
                Line::Partial => return Ok(None),
            }
        }
    }

    /// Reads one line.
    #[inline]
    fn line(&mut self, input: &[u8], limits: &ScanLimits) -> Result<Line, BadLine> {
        match input.get(self.at..) {
            None | Some([] | [b'\r']) => return Ok(Line::Partial),
            Some([b'\r', b'\n', ..]) => {
                self.begin_line(self.at + 2);
                return Ok(Line::End);
            }
            Some([b'\r', ..]) => return Err(BadLine::BareCarriageReturn),
            Some(_) if self.entries.len() >= limits.fields as usize => {
                return Err(BadLine::TooManyFields);
            }
            Some(_) => {}
        }
        let Some((known, colon)) = find_name(input, self.at, limits.field_name as usize)? else {
            return Ok(Line::Partial);
        };
        let Some(end) = self.line_end(input, colon + 1)? else {
            return Ok(Line::Partial);
        };
        let (value, plain) = find_value(input, colon + 1..end);
        if value.len() > limits.field_value as usize {
            return Err(BadLine::FieldValueTooLong);
        }
        self.entries.push(Entry {
            name: offset(self.at),
            value: offset(value.start),
            value_len: offset(value.len()),
            name_len: u16::try_from(colon - self.at).unwrap_or(u16::MAX),
            known,
            plain,
        });
        self.present.insert(known);
        self.begin_line(end + 2);
        Ok(Line::Field)
    }

    /// The fields that were read, in order.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The known names that were read.
    pub(crate) const fn present(&self) -> KnownSet {
        self.present
    }

    /// Hands the head over to `fields` and starts again at the next one.
    pub(crate) fn move_to(&mut self, head: &[u8], fields: &mut Fields) {
        fields.adopt(head, &mut self.entries, self.present);
        self.restart();
    }
}

/// The value of an entry while it still stands in the read buffer.
#[inline]
pub(crate) fn value_in<'a>(input: &'a [u8], entry: &Entry) -> &'a [u8] {
    let start = entry.value as usize;
    input
        .get(start..start + entry.value_len as usize)
        .unwrap_or_default()
}

/// Reads the name that begins at `start`; says what it is and where its colon stands, or `None` if
/// that has not arrived.
#[inline(always)]
fn find_name(
    input: &[u8],
    start: usize,
    longest: usize,
) -> Result<Option<(Known, usize)>, BadLine> {
    let rest = input.get(start..).unwrap_or_default();
    // Nearly every name has its colon within the first words, where no bound needs a look.
    let near = rest.first_chunk().and_then(Known::before_colon);
    let Some((known, len)) = near
        .or_else(|| find_far_name(rest))
        .filter(|name| name.1 <= longest)
    else {
        return judge_name(input, start, longest);
    };
    if known == Known::Other {
        // A known name needs no such look.
        let name = rest.get(..len).unwrap_or_default();
        if name.is_empty() || !name.iter().all(|&byte| is_token_byte(byte)) {
            return judge_name(input, start, longest);
        }
    }
    Ok(Some((known, start + len)))
}

#[cold]
fn find_far_name(rest: &[u8]) -> Option<(Known, usize)> {
    let len = memchr::memchr(b':', rest)?;
    Some((Known::of(rest.get(..len)?), len))
}

/// Says what is wrong with a name that has no colon within reach or is not a token; nothing is, as
/// yet, if more bytes could make it one.
#[cold]
fn judge_name(
    input: &[u8],
    start: usize,
    longest: usize,
) -> Result<Option<(Known, usize)>, BadLine> {
    let name = input.get(start..).unwrap_or_default();
    let name = name.get(..=longest).unwrap_or(name);
    let Some(index) = name.iter().position(|&byte| !is_token_byte(byte)) else {
        return if name.len() > longest {
            Err(BadLine::FieldNameTooLong)
        } else {
            Ok(None)
        };
    };
    match input.get(start + index..) {
        Some([b' ' | b'\t', ..]) if index == 0 => Err(BadLine::Folded),
        Some([b'\r']) => Ok(None),
        Some([b'\r', b'\n', ..]) => Err(BadLine::NoColon),
        Some([b'\r', ..]) => Err(BadLine::BareCarriageReturn),
        Some([b'\n', ..]) => Err(BadLine::BareLineFeed),
        _ => Err(BadLine::FieldName),
    }
}

/// Where the value stands between colon and line end, and whether it does as a writer would put it:
/// after one blank, and with none at its end.
#[inline]
fn find_value(input: &[u8], range: Range<usize>) -> (Range<usize>, bool) {
    match input.get(range.clone()) {
        Some([b' ', first, .., last]) if *first > b' ' && *last > b' ' => {
            (range.start + 1..range.end, true)
        }
        Some([b' ']) => (range.end..range.end, true),
        Some([b' ', only]) if *only > b' ' => (range.start + 1..range.end, true),
        _ => (trim(input, range), false),
    }
}

/// The range without blanks at its edges.
#[cold]
fn trim(input: &[u8], range: Range<usize>) -> Range<usize> {
    let blank = |at: usize| matches!(input.get(at), Some(b' ' | b'\t'));
    let Range { mut start, mut end } = range;
    while start < end && blank(start) {
        start += 1;
    }
    while start < end && blank(end - 1) {
        end -= 1;
    }
    start..end
}

/// An offset into a head. Heads are bounded far below 4 GiB.
#[inline]
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
