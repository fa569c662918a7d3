//! The latest editions of one view.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Edition;

/// What a session may be behind before it reads for itself: a data plane that has stopped may hold on to that much.
const BYTES: usize = 64 * 1024;

/// How many editions are kept for those who are a little late.
const EDITIONS: usize = 32;

/// Editions that follow one on the other without a gap.
pub(super) struct Ring {
    editions: VecDeque<Arc<Edition>>,
    bytes: usize,
    /// Where the latest of them ends, or the next one begins.
    reach: u64,
}

/// What there is for somebody who rests at a revision.
pub(in crate::distribution) enum Since {
    /// Nothing that it has not.
    Nothing,
    /// These, up to the latest one.
    Editions(Vec<Arc<Edition>>),
    /// It has to read for itself.
    TooFar,
}

impl Ring {
    /// Nothing; the next edition begins at a revision.
    pub(super) fn new(reach: u64) -> Self {
        Self {
            editions: VecDeque::new(),
            bytes: 0,
            reach,
        }
    }

    pub(super) fn add(&mut self, edition: Edition) {
        self.reach = edition.to;
        self.bytes += edition.size();
        self.editions.push_back(Arc::new(edition));
        while self.editions.len() > 1
            && (self.editions.len() > EDITIONS || self.bytes > BYTES)
            && let Some(oldest) = self.editions.pop_front()
        {
            self.bytes -= oldest.size();
        }
    }

    /// Goes on from a later revision: nothing is kept of what lies between.
    pub(super) fn skip_to(&mut self, revision: u64) {
        if revision > self.reach {
            *self = Self::new(revision);
        }
    }

    pub(super) fn reach(&self) -> u64 {
        self.reach
    }

    pub(super) fn since(&self, revision: u64) -> Since {
        if revision >= self.reach {
            return Since::Nothing;
        }
        let first = self.editions.partition_point(|it| it.to <= revision);
        match self.editions.get(first) {
            Some(it) if it.from <= revision => {
                Since::Editions(self.editions.range(first..).cloned().collect())
            }
            _ => Since::TooFar,
        }
    }
}

#[cfg(test)]
mod tests {
    use pointsman_registry::{Closing, Sum};

    use super::{BYTES, EDITIONS, Edition, Ring, Since};

    fn edition(from: u64, to: u64) -> Edition {
        let closing = Closing {
            removals: Vec::new(),
            continues: false,
            revision: to,
            complete: false,
            sum: Sum::default(),
        };
        Edition::new(from, &[], closing, Vec::new())
    }

    /// The bounds of the editions for a revision; `None` where it has to read for itself.
    fn since(ring: &Ring, revision: u64) -> Option<Vec<(u64, u64)>> {
        match ring.since(revision) {
            Since::Nothing => Some(Vec::new()),
            Since::Editions(editions) => Some(editions.iter().map(|it| (it.from, it.to)).collect()),
            Since::TooFar => None,
        }
    }

    #[test]
    fn who_is_behind_gets_what_covers_it_up_to_the_latest() {
        let mut ring = Ring::new(10);
        assert_eq!(since(&ring, 9), None);
        assert_eq!(since(&ring, 10), Some(vec![]));
        ring.add(edition(10, 13));
        ring.add(edition(13, 14));
        assert_eq!(since(&ring, 9), None);
        for within in 10..13 {
            assert_eq!(since(&ring, within), Some(vec![(10, 13), (13, 14)]));
        }
        assert_eq!(since(&ring, 13), Some(vec![(13, 14)]));
        // Who read for itself may be ahead.
        for ahead in 14..16 {
            assert_eq!(since(&ring, ahead), Some(vec![]));
        }
    }

    #[test]
    fn over_a_gap_everybody_reads_for_itself() {
        let mut ring = Ring::new(1);
        ring.add(edition(1, 2));
        ring.skip_to(2);
        assert_eq!(since(&ring, 1), Some(vec![(1, 2)]));
        ring.skip_to(1000);
        assert_eq!((since(&ring, 1), since(&ring, 999)), (None, None));
        ring.add(edition(1000, 1001));
        assert_eq!(since(&ring, 999), None);
        assert_eq!(since(&ring, 1000), Some(vec![(1000, 1001)]));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut ring = Ring::new(0);
        for revision in 0..10_000 {
            ring.add(edition(revision, revision + 1));
        }
        assert!(ring.bytes <= BYTES && ring.editions.len() <= EDITIONS);
        let sizes = ring.editions.iter().map(|it| it.size());
        assert_eq!(ring.bytes, sizes.sum::<usize>());
    }
}
