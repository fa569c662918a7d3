//! The segments that a reader sees, as one index.

use std::iter::Peekable;

use crate::registry::{After, Entry, Registry};
use crate::segment::SegmentFilter;

/// The entries after a revision, in the order of their revisions, from whichever segment.
pub(super) struct Merge<'a> {
    segments: Vec<(u16, Peekable<After<'a>>)>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(registry: &'a Registry, filter: &'a SegmentFilter, after: u64) -> Self {
        let segments = registry
            .seen(filter)
            .map(|(id, segment)| (id, segment.index.after(after).peekable()));
        Self {
            segments: segments.collect(),
        }
    }
}

impl Iterator for Merge<'_> {
    type Item = (u16, u64, Entry);

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.segments.iter_mut().filter_map(|(id, entries)| {
            let (revision, _) = *entries.peek()?;
            Some((revision, *id, entries))
        });
        let (_, id, entries) = first.min_by_key(|(revision, ..)| *revision)?;
        let (revision, entry) = entries.next()?;
        Some((id, revision, entry))
    }
}
