//! An ordered list of fields over one buffer: the fields of a head, or a trailer section.

mod hop_by_hop;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::known::{Known, KnownSet};
use crate::name::Name;
use crate::out::{check_field, push_line};

/// A field that no writer may write, refused where it would enter a list or a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidField {
    /// The name is not a token.
    Name,
    /// The value has a control byte, or begins or ends with a blank.
    Value,
    /// The name is longer than 1 KiB, the value longer than 1 MiB, or the list full.
    TooLong,
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "field name is not a token",
            Self::Value => "field value has a control byte or a blank at its edge",
            Self::TooLong => "field is too long",
        })
    }
}

impl std::error::Error for InvalidField {}

/// Where a field stands in its list's buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// First byte of the name.
    pub(crate) name: u32,
    /// First byte of the value.
    pub(crate) value: u32,
    /// Bytes of the value, without blanks around it.
    pub(crate) value_len: u32,
    /// Bytes of the name.
    pub(crate) name_len: u16,
    /// Which name it is.
    pub(crate) known: Known,
    /// Whether the buffer holds exactly `name: value CRLF`, as a writer would write it.
    pub(crate) plain: bool,
}

/// One field, borrowed from its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, as it was received or pushed.
    pub name: Name<'a>,
    /// The value, without blanks around it and without control bytes. Bytes from 0x80 on may
    /// stand in it.
    pub value: &'a [u8],
}

/// Fields in the order of their arrival, over one buffer that is reused.
///
/// Every field in the list may be written as it is: names are tokens, values have no control
/// bytes. Names are compared without regard to case. The same name may stand in the list many
/// times. Removing is integer work; what was removed keeps its bytes until the list is cleared.
#[derive(Clone, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    present: KnownSet,
    /// Whether the buffer holds other bytes than the fields' lines, in order.
    mixed: bool,
}

impl Fields {
    /// An empty list, which has allocated nothing.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            entries: Vec::new(),
            present: KnownSet::EMPTY,
            mixed: false,
        }
    }

    /// Empties the list and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.present = KnownSet::EMPTY;
        self.mixed = false;
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All fields in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Field<'_>> + Clone {
        self.entries.iter().map(|entry| self.field(entry))
    }

    /// The known names that stand in the list.
    pub const fn present(&self) -> KnownSet {
        self.present
    }

    /// Whether there is a field of this name.
    #[inline]
    pub fn contains<'n>(&self, name: impl Into<Name<'n>>) -> bool {
        self.get(name).is_some()
    }

    /// The value of the first field of this name. For a known name that is absent this is one test
    /// of a bit.
    #[inline]
    pub fn get<'n>(&self, name: impl Into<Name<'n>>) -> Option<&[u8]> {
        let name = name.into();
        if name.known() != Known::Other && !self.present.contains(name.known()) {
            return None;
        }
        let entry = self
            .entries
            .iter()
            .find(|entry| self.is_named(entry, name))?;
        Some(self.value_of(entry))
    }

    /// The values of all fields of this name, in order.
    #[inline]
    pub fn get_all<'n>(&self, name: impl Into<Name<'n>>) -> impl Iterator<Item = &[u8]> {
        let name = name.into();
        let matching = self
            .entries
            .iter()
            .filter(move |entry| self.is_named(entry, name));
        matching.map(|entry| self.value_of(entry))
    }

    /// The members of a comma-separated list over all fields of this name, without blanks, empty
    /// ones left out (RFC 9110 §5.6.1). Commas in quoted strings are not told apart.
    pub fn list<'n>(&self, name: impl Into<Name<'n>>) -> impl Iterator<Item = &[u8]> {
        self.get_all(name).flat_map(members)
    }

    /// Appends a field.
    ///
    /// # Errors
    /// The field could not be written to a peer; the list is as before.
    pub fn push<'n>(
        &mut self,
        name: impl Into<Name<'n>>,
        value: &[u8],
    ) -> Result<(), InvalidField> {
        let name = name.into();
        check_field(name, value)?;
        let index = |at: usize| u32::try_from(at).map_err(|_| InvalidField::TooLong);
        let start = self.bytes.len();
        let value_at = start + name.as_bytes().len() + 2;
        index(value_at + value.len() + 2)?;
        let entry = Entry {
            name: index(start)?,
            value: index(value_at)?,
            value_len: index(value.len())?,
            name_len: u16::try_from(name.as_bytes().len()).map_err(|_| InvalidField::TooLong)?,
            known: name.known(),
            plain: true,
        };
        push_line(&mut self.bytes, name.as_bytes(), value);
        self.entries.push(entry);
        self.present.insert(name.known());
        Ok(())
    }

    /// Replaces all fields of this name by one, at the end of the list.
    ///
    /// # Errors
    /// The field could not be written to a peer; the list is as before.
    pub fn set<'n>(&mut self, name: impl Into<Name<'n>>, value: &[u8]) -> Result<(), InvalidField> {
        let name = name.into();
        check_field(name, value)?;
        self.remove(name);
        self.push(name, value)
    }

    /// Removes all fields of this name; says whether there were any.
    pub fn remove<'n>(&mut self, name: impl Into<Name<'n>>) -> bool {
        let name = name.into();
        let known = name.known();
        if known != Known::Other {
            let found = self.present.contains(known);
            self.remove_all(KnownSet::of(&[known]));
            return found;
        }
        self.mixed = true;
        let before = self.entries.len();
        let bytes = &self.bytes;
        self.entries.retain(|entry| {
            entry.known != Known::Other
                || !name_of(bytes, entry).eq_ignore_ascii_case(name.as_bytes())
        });
        before != self.entries.len()
    }

    /// Removes all fields whose known name is in `names`.
    pub fn remove_all(&mut self, names: KnownSet) {
        if self.present.intersects(names) {
            self.mixed = true;
            self.entries.retain(|entry| !names.contains(entry.known));
            self.present = self.present.without(names);
        }
    }

    /// Keeps only the fields for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(Field<'_>) -> bool) {
        self.mixed = true;
        let mut entries = std::mem::take(&mut self.entries);
        entries.retain(|entry| keep(self.field(entry)));
        self.entries = entries;
        self.present = KnownSet::EMPTY;
        for entry in &self.entries {
            self.present.insert(entry.known);
        }
    }

    /// The field at an entry of this list.
    #[inline]
    fn field(&self, entry: &Entry) -> Field<'_> {
        let name = Name::classified(entry.known, name_of(&self.bytes, entry));
        Field {
            name,
            value: self.value_of(entry),
        }
    }

    #[inline]
    fn value_of(&self, entry: &Entry) -> &[u8] {
        slice(&self.bytes, entry.value, entry.value_len)
    }

    #[inline]
    fn is_named(&self, entry: &Entry, name: Name<'_>) -> bool {
        entry.known == name.known()
            && (entry.known != Known::Other
                || name_of(&self.bytes, entry).eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// What parsers and writers of this crate do with a list.
impl Fields {
    /// Takes over a parsed head: its bytes, and the entries whose offsets count from its first
    /// byte. `entries` gets this list's old memory back, empty.
    pub(crate) fn adopt(&mut self, head: &[u8], entries: &mut Vec<Entry>, present: KnownSet) {
        self.bytes.clear();
        self.bytes.extend_from_slice(head);
        self.entries.clear();
        std::mem::swap(&mut self.entries, entries);
        self.present = present;
        self.mixed = true;
    }

    /// Appends bytes that belong to no field, such as a start line; they stay until the list is
    /// cleared.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.mixed = true;
        Span {
            start,
            end: self.bytes.len(),
        }
    }

    /// The bytes at `span`.
    #[inline]
    pub(crate) fn at(&self, span: Span) -> &[u8] {
        self.bytes.get(span.start..span.end).unwrap_or_default()
    }

    /// Appends all fields but those in `without` to `out`, as lines.
    ///
    /// Neighbours whose lines stand in the buffer as they would be written go in one copy.
    pub(crate) fn write(&self, out: &mut Vec<u8>, without: KnownSet) {
        if !self.mixed && !self.present.intersects(without) {
            out.extend_from_slice(&self.bytes);
            return;
        }
        let mut run = 0..0;
        for entry in &self.entries {
            if without.contains(entry.known) {
                continue;
            }
            let start = entry.name as usize;
            let end = entry.value as usize + entry.value_len as usize + 2;
            if entry.plain && run.end == start {
                run.end = end;
                continue;
            }
            out.extend_from_slice(self.bytes.get(run).unwrap_or_default());
            if entry.plain {
                run = start..end;
            } else {
                push_line(out, name_of(&self.bytes, entry), self.value_of(entry));
                run = 0..0;
            }
        }
        out.extend_from_slice(self.bytes.get(run).unwrap_or_default());
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.iter().map(|field| {
            (
                String::from_utf8_lossy(field.name.as_bytes()),
                String::from_utf8_lossy(field.value),
            )
        });
        f.debug_map().entries(pairs).finish()
    }
}

/// Two lists are equal if they have the same fields in the same order; the case of names does not
/// count.
impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other.iter()).all(|(ours, theirs)| {
                ours.name
                    .as_bytes()
                    .eq_ignore_ascii_case(theirs.name.as_bytes())
                    && ours.value == theirs.value
            })
    }
}

impl Eq for Fields {}

/// A range of a list's buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    /// No bytes.
    pub(crate) const EMPTY: Self = Self { start: 0, end: 0 };
}

/// The members of one comma-separated value.
pub(crate) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

#[inline]
fn slice(bytes: &[u8], start: u32, len: u32) -> &[u8] {
    let start = start as usize;
    bytes.get(start..start + len as usize).unwrap_or_default()
}

#[inline]
fn name_of<'a>(bytes: &'a [u8], entry: &Entry) -> &'a [u8] {
    slice(bytes, entry.name, u32::from(entry.name_len))
}
