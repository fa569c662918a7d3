//! The lines of a head: found once, split once, whatever pieces they arrive in.
//!
//! Requests, responses and trailer sections share this scan. It looks for each line end with the
//! widest instructions there are, splits a field line as soon as it is complete, and at the end
//! counts the control bytes of the whole head in one pass: it is clean if there are exactly the two
//! of each line end. So no value is looked at byte by byte.

use std::ops::Range;

use crate::fields::{Entry, Fields};
use crate::known::{Known, KnownSet};
use crate::scan::{count_controls, find_in_word, is_control, is_token, load_word};

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
pub(crate) struct LineLimits {
    /// Bytes of the head with all line ends.
    pub(crate) head: u32,
    pub(crate) fields: u32,
    pub(crate) field_name: u32,
    pub(crate) field_value: u32,
}

/// How far a head was read. All offsets count from the head's first byte.
#[derive(Debug, Default)]
pub(crate) struct HeadLines {
    /// Where the next line begins.
    at: usize,
    /// Up to where there is no further line end.
    searched: usize,
    /// How many lines are complete.
    lines: usize,
    entries: Vec<Entry>,
    present: KnownSet,
}

impl HeadLines {
    /// At the beginning of a head; nothing is allocated.
    pub(crate) const fn new() -> Self {
        Self {
            at: 0,
            searched: 0,
            lines: 0,
            entries: Vec::new(),
            present: KnownSet::EMPTY,
        }
    }

    /// Forgets the head and keeps the memory.
    pub(crate) fn restart(&mut self) {
        self.at = 0;
        self.searched = 0;
        self.lines = 0;
        self.entries.clear();
        self.present = KnownSet::EMPTY;
    }

    /// Where the next line begins.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// The next complete line without its line end, if there is one.
    ///
    /// The length of the head is judged before the line end, so that a head which is too long is
    /// refused for the same reason whether its last line has arrived in full or not.
    #[inline]
    pub(crate) fn next_line(
        &mut self,
        input: &[u8],
        longest_head: u32,
    ) -> Result<Option<Range<usize>>, BadLine> {
        let unseen = input.get(self.searched..).unwrap_or_default();
        let Some(distance) = memchr::memchr(b'\n', unseen) else {
            self.searched = input.len();
            if input.len() > longest_head as usize {
                return Err(BadLine::HeadTooLong);
            }
            return Ok(None);
        };
        let feed = self.searched + distance;
        if feed >= longest_head as usize {
            return Err(BadLine::HeadTooLong);
        }
        if feed == self.at || input.get(feed - 1) != Some(&b'\r') {
            return Err(BadLine::BareLineFeed);
        }
        let line = self.at..feed - 1;
        self.at = feed + 1;
        self.searched = feed + 1;
        self.lines += 1;
        Ok(Some(line))
    }

    /// Reads field lines up to the empty one; says how long the head is once that is there.
    pub(crate) fn fields(
        &mut self,
        input: &[u8],
        limits: &LineLimits,
    ) -> Result<Option<usize>, BadLine> {
        while let Some(line) = self.next_line(input, limits.head)? {
            if line.is_empty() {
                self.check_controls(input)?;
                return Ok(Some(self.at));
            }
            self.field(input, line, limits)?;
        }
        Ok(None)
    }

    /// Splits one field line, which is not empty.
    fn field(
        &mut self,
        input: &[u8],
        line: Range<usize>,
        limits: &LineLimits,
    ) -> Result<(), BadLine> {
        if self.entries.len() >= limits.fields as usize {
            return Err(BadLine::TooManyFields);
        }
        let first = load_word(input, line.start);
        let colon = find_colon(input, &line, first).ok_or_else(|| without_colon(input, &line))?;
        let name_len = colon - line.start;
        let known = Known::at(input, line.start, name_len, first);
        if known == Known::Other {
            check_name(input.get(line.start..colon).unwrap_or_default())?;
        }
        if name_len > limits.field_name as usize {
            return Err(BadLine::FieldNameTooLong);
        }
        let value = trim(input, colon + 1..line.end);
        if value.len() > limits.field_value as usize {
            return Err(BadLine::FieldValueTooLong);
        }
        let plain = value.start == colon + 2
            && value.end == line.end
            && input.get(colon + 1) == Some(&b' ');
        self.entries.push(Entry {
            name: offset(line.start),
            value: offset(value.start),
            value_len: offset(value.len()),
            name_len: u16::try_from(name_len).unwrap_or(u16::MAX),
            known,
            plain,
        });
        self.present.insert(known);
        Ok(())
    }

    /// Compares the control bytes of the head with its line ends.
    fn check_controls(&self, input: &[u8]) -> Result<(), BadLine> {
        let head = input.get(..self.at).unwrap_or_default();
        if count_controls(head) == 2 * self.lines {
            Ok(())
        } else {
            Err(first_control(head))
        }
    }

    /// The fields that were read, in order, with their names' set.
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

/// Where the first colon of the line stands; `first` is the line's first word.
#[inline]
fn find_colon(input: &[u8], line: &Range<usize>, first: u64) -> Option<usize> {
    let mut at = line.start;
    let mut word = first;
    loop {
        if let Some(index) = find_in_word(word, b':') {
            return Some(at + index).filter(|&colon| colon < line.end);
        }
        at += 8;
        if at >= line.end {
            return None;
        }
        word = load_word(input, at);
    }
}

#[cold]
fn without_colon(input: &[u8], line: &Range<usize>) -> BadLine {
    match input.get(line.start) {
        Some(b' ' | b'\t') => BadLine::Folded,
        _ => BadLine::NoColon,
    }
}

/// Refuses a name that is not a token. A known name needs no such look.
fn check_name(name: &[u8]) -> Result<(), BadLine> {
    if is_token(name) {
        return Ok(());
    }
    match name.first() {
        Some(b' ' | b'\t') => Err(BadLine::Folded),
        _ => Err(BadLine::FieldName),
    }
}

/// The range without blanks at its edges.
#[inline]
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

/// Names the first control byte that is not part of a line end.
#[cold]
fn first_control(head: &[u8]) -> BadLine {
    let mut at = 0;
    while let Some(&byte) = head.get(at) {
        match byte {
            b'\r' if head.get(at + 1) == Some(&b'\n') => at += 1,
            b'\r' => return BadLine::BareCarriageReturn,
            _ if is_control(byte) => return BadLine::ControlByte,
            _ => {}
        }
        at += 1;
    }
    BadLine::ControlByte
}

/// An offset into a head. Heads are bounded far below 4 GiB.
#[inline]
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
