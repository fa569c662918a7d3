//! What stands at which revision.

use std::collections::{VecDeque, vec_deque};
use std::slice;

use super::records::Entry;

/// Entries in the order of their revisions: added behind all others, taken out anywhere, read from any revision on.
///
/// They lie in chunks. What is taken out leaves a gap; a chunk with more gaps than entries is packed, and joined to the
/// one in front of it where both are small, so that no change costs more than a chunk and readers skip little.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// None of them is without entries.
    chunks: VecDeque<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    /// No revision in it is lower, and none in those before it is as high.
    first: u64,
    places: Vec<Place>,
    /// How many places are no gaps.
    entries: usize,
}

type Place = (u64, Option<Entry>);

/// Places of a chunk.
const CHUNK: usize = 512;

/// Two chunks that hold no more than this are one.
const SMALL: usize = CHUNK / 2;

impl Chunk {
    fn pack(&mut self) {
        self.places.retain(|(_, entry)| entry.is_some());
        self.places.shrink_to_fit();
    }
}

impl Index {
    /// Adds an entry at a revision above all that were ever added.
    pub(crate) fn push(&mut self, revision: u64, entry: Entry) {
        debug_assert!(self.latest(revision - 1).next().is_none());
        let place = (revision, Some(entry));
        match self.chunks.back_mut() {
            Some(chunk) if chunk.places.len() < CHUNK => {
                chunk.places.push(place);
                chunk.entries += 1;
            }
            last => {
                // What is small stays small.
                let room = if last.is_some() { CHUNK } else { 1 };
                let mut places = Vec::with_capacity(room);
                places.push(place);
                self.chunks.push_back(Chunk {
                    first: revision,
                    places,
                    entries: 1,
                });
            }
        }
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, revision: u64) -> Option<Entry> {
        let at = self.chunk_of(revision)?;
        let chunk = &mut self.chunks[at];
        let found = chunk.places.binary_search_by_key(&revision, |(it, _)| *it);
        let entry = chunk.places[found.ok()?].1.take()?;
        chunk.entries -= 1;
        if chunk.entries == 0 {
            self.chunks.remove(at);
        } else if chunk.entries < chunk.places.len() / 2 {
            chunk.pack();
            self.join(at + 1);
            self.join(at);
        }
        Some(entry)
    }

    /// The chunk that holds a revision, if any does.
    fn chunk_of(&self, revision: u64) -> Option<usize> {
        let behind = self.chunks.partition_point(|it| it.first <= revision);
        behind.checked_sub(1)
    }

    /// Joins a chunk, if there is one at this place, to the one in front of it where both are small.
    fn join(&mut self, at: usize) {
        let entries = |at: usize| self.chunks.get(at).map(|chunk| chunk.entries);
        let Some(before) = at.checked_sub(1) else {
            return;
        };
        if !matches!((entries(before), entries(at)), (Some(one), Some(two)) if one + two <= SMALL) {
            return;
        }
        if let Some(mut chunk) = self.chunks.remove(at) {
            chunk.pack();
            let before = &mut self.chunks[before];
            before.pack();
            before.places.extend(chunk.places);
            before.entries += chunk.entries;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The entries above a revision, in the order of their revisions.
    pub(crate) fn after(&self, revision: u64) -> After<'_> {
        let mut chunks = self
            .chunks
            .range(self.chunk_of(revision).unwrap_or_default()..);
        let places = chunks.next().map_or(&[][..], |chunk| &chunk.places);
        let from = places.partition_point(|(it, _)| *it <= revision);
        After {
            chunks,
            places: places[from..].iter(),
        }
    }

    /// The entries above a revision, from the latest on: for somebody who lacks few.
    pub(crate) fn latest(&self, above: u64) -> impl Iterator<Item = (u64, Entry)> {
        let places = self.latest_places(above);
        places.filter_map(|(revision, entry)| Some((*revision, (*entry)?)))
    }

    /// A gap ends it as well as an entry, so that nobody walks over those below.
    fn latest_places(&self, above: u64) -> impl Iterator<Item = &Place> {
        let chunks = self.chunks.iter().rev();
        let places = chunks.flat_map(|chunk| chunk.places.iter().rev());
        places.take_while(move |(revision, _)| *revision > above)
    }
}

/// The entries above a revision.
pub(crate) struct After<'a> {
    chunks: vec_deque::Iter<'a, Chunk>,
    places: slice::Iter<'a, Place>,
}

impl Iterator for After<'_> {
    type Item = (u64, Entry);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            for (revision, entry) in self.places.by_ref() {
                if let Some(entry) = entry {
                    return Some((*revision, *entry));
                }
            }
            self.places = self.chunks.next()?.places.iter();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Index {
        pub(in crate::registry) fn get(&self, revision: u64) -> Option<Entry> {
            let (at, entry) = self.after(revision - 1).next()?;
            (at == revision).then_some(entry)
        }

        fn check(&self, wanted: &BTreeMap<u64, Entry>) {
            let wanted = wanted.iter().map(|(revision, entry)| (*revision, *entry));
            assert!(self.after(0).eq(wanted.clone()));
            assert!(self.latest(0).eq(wanted.rev()));
            for chunk in &self.chunks {
                let entries = chunk.places.iter().filter(|(_, entry)| entry.is_some());
                assert_eq!(entries.count(), chunk.entries);
                assert!(chunk.entries > 0 && chunk.entries >= chunk.places.len() / 2);
                assert!(chunk.first <= chunk.places[0].0);
            }
        }
    }

    /// Entries at every third revision.
    fn filled(entries: u32) -> (Index, BTreeMap<u64, Entry>) {
        let (mut index, mut wanted) = (Index::default(), BTreeMap::new());
        for number in 0..entries {
            let (revision, entry) = (3 * u64::from(number) + 3, Entry::Endpoint(number));
            index.push(revision, entry);
            wanted.insert(revision, entry);
        }
        (index, wanted)
    }

    proptest! {
        #[test]
        fn it_says_what_a_map_says(
            entries in 0_u32..3_000, removed in prop::collection::vec(0_u64..9_100, 0..3_000), after in 0_u64..9_100,
        ) {
            let (mut index, mut wanted) = filled(entries);
            for revision in removed {
                prop_assert_eq!(index.remove(revision), wanted.remove(&revision));
            }
            index.check(&wanted);
            let later = wanted.range(after + 1..).map(|(revision, entry)| (*revision, *entry));
            prop_assert!(index.after(after).eq(later.clone()));
            prop_assert!(index.latest(after).eq(later.rev()));
            prop_assert_eq!(index.is_empty(), wanted.is_empty());
            index.push(10_000, Entry::Removal);
            wanted.insert(10_000, Entry::Removal);
            index.check(&wanted);
        }
    }

    /// All but every hundredth of them are removed, in this order.
    fn thinned(revisions: impl Iterator<Item = u64>) -> Index {
        let (mut index, mut wanted) = filled(100_000);
        for revision in revisions.filter(|revision| revision % 300 != 0) {
            assert_eq!(index.remove(revision), wanted.remove(&revision));
        }
        index.check(&wanted);
        index
    }

    #[test]
    fn few_entries_lie_in_few_chunks() {
        let revisions = || (1..=100_000).map(|number| 3 * number);
        let ends = || revisions().zip(revisions().rev()).take(50_000);
        for index in [
            thinned(revisions()),
            thinned(revisions().rev()),
            thinned(ends().flat_map(|(first, last)| [first, last])),
        ] {
            // 1,000 are left; any two neighbours hold more than a small one.
            let chunks = index.chunks.len();
            assert!(chunks <= 2 * 1_000 / SMALL + 1, "{chunks}");
            let rooms = index.chunks.iter().map(|chunk| chunk.places.capacity());
            let room: usize = rooms.sum();
            assert!(room <= 4 * 1_000, "{room}");
        }
    }

    #[test]
    fn whoever_lacks_little_walks_over_no_gaps() {
        let (mut index, _) = filled(512);
        for number in 257..=512 {
            index.remove(3 * number);
        }
        assert_eq!(index.latest_places(0).count(), 512);
        assert_eq!(index.latest_places(3 * 511).count(), 1);
        assert_eq!(index.latest_places(3 * 512).count(), 0);
        let latest = index.latest(3 * 255);
        assert!(latest.eq([(3 * 256, Entry::Endpoint(256 - 1))]));
    }
}
