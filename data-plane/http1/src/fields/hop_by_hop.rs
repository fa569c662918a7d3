//! Fields that end at this hop (RFC 9110 §7.6.1, R-021, R-022).

use std::cmp::Ordering;

use super::{Fields, members, name_of};
use crate::known::{Known, KnownSet};
use crate::name::Name;

impl KnownSet {
    /// The fields that never pass a hop by themselves, whether `Connection` names them or not.
    pub const HOP_BY_HOP: Self = Self::of(&[
        Known::Connection,
        Known::KeepAlive,
        Known::ProxyConnection,
        Known::ProxyAuthenticate,
        Known::ProxyAuthorization,
        Known::Te,
        Known::Trailer,
        Known::TransferEncoding,
        Known::Upgrade,
    ]);
}

impl Fields {
    /// Removes [`KnownSet::HOP_BY_HOP`] and every field that `Connection` names, except those for
    /// which `protected` says that a peer may not remove them so. Names that the router sets have
    /// to be set after this call.
    pub fn strip_hop_by_hop(&mut self, protected: impl Fn(Name<'_>) -> bool) {
        if self.present.contains(Known::Connection) {
            self.remove_named_by_connection(protected);
        }
        self.remove_all(KnownSet::HOP_BY_HOP);
    }

    fn remove_named_by_connection(&mut self, protected: impl Fn(Name<'_>) -> bool) {
        let mut known = KnownSet::EMPTY;
        let mut others = None;
        for value in self
            .get_all(Known::Connection)
            .filter(|value| !names_no_field(value))
        {
            for name in members(value)
                .map(Name::from)
                .filter(|name| !protected(*name))
            {
                match name.known() {
                    Known::Other => {
                        let others = others.get_or_insert_with(|| Others::of(self));
                        others.mark(self, name.as_bytes());
                    }
                    field => known.insert(field),
                }
            }
        }
        if let Some(Others { marked, .. }) = others {
            let mut marks = marked.into_iter();
            self.mixed = true;
            self.entries.retain(|_| !marks.next().unwrap_or(false));
        }
        self.remove_all(known);
    }
}

/// Whether a `Connection` value names no field, as nearly all do.
fn names_no_field(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"keep-alive") || value.eq_ignore_ascii_case(b"close")
}

/// The fields without a known name in the order of their names. A peer may name thousands of
/// fields; with this, each costs a binary search and not a walk.
struct Others {
    order: Vec<usize>,
    marked: Vec<bool>,
}

impl Others {
    fn of(fields: &Fields) -> Self {
        let entries = fields.entries.iter().enumerate();
        let mut order: Vec<usize> = entries
            .filter(|(_, entry)| entry.known == Known::Other)
            .map(|(index, _)| index)
            .collect();
        order.sort_by(|&one, &other| compare(name_at(fields, one), name_at(fields, other)));
        Self {
            order,
            marked: vec![false; fields.entries.len()],
        }
    }

    /// Marks all fields of this name.
    fn mark(&mut self, fields: &Fields, name: &[u8]) {
        let start = self
            .order
            .partition_point(|&index| compare(name_at(fields, index), name) == Ordering::Less);
        for &index in self.order.get(start..).unwrap_or_default() {
            match self.marked.get_mut(index) {
                Some(marked) if !*marked && name_at(fields, index).eq_ignore_ascii_case(name) => {
                    *marked = true;
                }
                _ => break,
            }
        }
    }
}

fn name_at(fields: &Fields, index: usize) -> &[u8] {
    fields
        .entries
        .get(index)
        .map(|entry| name_of(&fields.bytes, entry))
        .unwrap_or_default()
}

fn compare(one: &[u8], other: &[u8]) -> Ordering {
    one.iter()
        .map(u8::to_ascii_lowercase)
        .cmp(other.iter().map(u8::to_ascii_lowercase))
}
