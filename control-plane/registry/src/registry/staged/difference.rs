//! By what the sum of somebody who passes over what is staged differs from that of the whole table.
//!
//! It is counted as far as it has not been yet: each staged thing once by each reader, in steps of a bounded size, and what
//! is not staged any more is taken back by what is remembered of it. So a look costs what has happened since the last
//! one, however much is staged.

use std::ops::Bound;

use crate::capability::Capabilities;
use crate::outcome::Sum;
use crate::registry::Registry;
use crate::registry::records::SegmentId;
use crate::segment::SegmentFilter;

use super::{Entry, Staged};

/// So many things that are not staged any more are remembered in any case; otherwise as many as are staged.
const UNDONE: usize = 1_000;

/// What the sum of somebody lacks, and what is too much in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Difference {
    /// Everything that is staged and stands behind this is held as it was.
    reach: u64,
    /// What is staged was counted up to this revision.
    counted: u64,
    /// So much of what was not staged any more was taken back.
    undone: u64,
    /// The segments that were seen when the last of it was counted, in their order.
    seen: Vec<SegmentId>,
    lacks: Sum,
    exceeds: Sum,
}

impl Difference {
    /// What nobody has counted yet, for somebody who has everything up to `reach`.
    pub(crate) const fn beyond(reach: u64) -> Self {
        let none = Sum {
            things: 0,
            digest: 0,
        };
        Self {
            reach,
            counted: reach,
            undone: 0,
            seen: Vec::new(),
            lacks: none,
            exceeds: none,
        }
    }

    /// What is held of what is `all`.
    pub(crate) fn of(&self, all: Sum) -> Sum {
        all.plus(self.lacks).minus(self.exceeds)
    }

    fn count(&mut self, entry: &Entry, may: Capabilities) {
        let (held, is) = self.shares(entry, may);
        held.into_iter().for_each(|it| self.lacks.add(it));
        is.into_iter().for_each(|it| self.exceeds.add(it));
    }

    fn take_back(&mut self, entry: &Entry, may: Capabilities) {
        let (held, is) = self.shares(entry, may);
        held.into_iter().for_each(|it| self.lacks.subtract(it));
        is.into_iter().for_each(|it| self.exceeds.subtract(it));
    }

    /// The digest of what is held instead of a staged thing, and of what the thing is.
    fn shares(&self, entry: &Entry, may: Capabilities) -> (Option<u64>, Option<u64>) {
        let Some(held) = entry.at(self.reach, may) else {
            return (None, None);
        };
        if self.seen.binary_search(&entry.segment).is_err() {
            return (None, None);
        }
        let is = entry.share.filter(|it| may.cover(it.needs));
        let held = entry.here(held);
        (held.map(|it| it.digest), is.map(|it| it.digest))
    }
}

impl Staged {
    /// How much was ever undone since something was staged.
    fn undone(&self) -> u64 {
        self.forgotten + self.undone.len() as u64
    }

    /// Something is not staged any more.
    pub(super) fn undo(&mut self, revision: u64, entry: Entry) {
        self.undone.push_back((revision, entry));
        while self.undone.len() > self.entries.len().max(UNDONE) {
            self.undone.pop_front();
            self.forgotten += 1;
        }
    }
}

impl Registry {
    /// Counts on, of at most so many things. Whether everything is counted.
    pub(crate) fn count_staged(
        &self,
        difference: &mut Difference,
        (filter, may): (&SegmentFilter, Capabilities),
        most: usize,
    ) -> bool {
        let staged = &self.staged;
        if difference.counted == difference.reach || difference.undone < staged.forgotten {
            *difference = Difference::beyond(difference.reach);
            difference.undone = staged.undone();
        }
        let known = usize::try_from(difference.undone - staged.forgotten).unwrap_or(usize::MAX);
        let mut left = most;
        for (revision, entry) in staged.undone.iter().skip(known).take(most) {
            if (difference.reach + 1..=difference.counted).contains(revision) {
                difference.take_back(entry, may);
            }
            difference.undone += 1;
            left -= 1;
        }
        if difference.undone < staged.undone() {
            return false;
        }
        // A segment that is gone meanwhile had nothing left that was counted.
        difference.seen = self.seen(filter).map(|(id, _)| id).collect();
        let from = Bound::Excluded(difference.counted);
        let mut entries = staged.entries.range((from, Bound::Unbounded));
        for (revision, entry) in entries.by_ref().take(left) {
            difference.count(entry, may);
            difference.counted = *revision;
        }
        let done = entries.next().is_none();
        if done {
            difference.counted = self.head;
        }
        done
    }
}

#[cfg(test)]
mod tests;
