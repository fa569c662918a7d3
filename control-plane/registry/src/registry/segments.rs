//! The isolation segments that hold anything, under small numbers.

use std::sync::Arc;

use foldhash::HashMap;

use super::records::{SegmentId, SegmentRecord};

/// The most segments that may hold something at once.
const MAX_SEGMENTS: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Segments {
    records: Vec<Option<SegmentRecord>>,
    by_name: HashMap<Arc<str>, SegmentId>,
}

impl Segments {
    /// The number of a segment, which may be new; `None` where there are too many.
    pub(super) fn enter(&mut self, name: &Arc<str>) -> Option<SegmentId> {
        if let Some(id) = self.by_name.get(name) {
            return Some(*id);
        }
        let free = self
            .records
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.records.len());
        let id = SegmentId::try_from(free)
            .ok()
            .filter(|_| free < MAX_SEGMENTS)?;
        let record = Some(SegmentRecord::new(Arc::clone(name)));
        match self.records.get_mut(free) {
            Some(slot) => *slot = record,
            None => self.records.push(record),
        }
        self.by_name.insert(Arc::clone(name), id);
        Some(id)
    }

    /// The number of a segment that holds something.
    pub(super) fn find(&self, name: &str) -> Option<SegmentId> {
        self.by_name.get(name).copied()
    }

    /// Forgets a segment that holds nothing and remembers no removal.
    pub(super) fn leave_if_empty(&mut self, id: SegmentId) {
        let Some(slot) = self.records.get_mut(usize::from(id)) else {
            return;
        };
        if let Some(record) = slot.take_if(|record| record.index.is_empty()) {
            self.by_name.remove(&record.name);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.by_name.len() >= MAX_SEGMENTS
    }

    /// Whether any remembers removals, and holds nothing.
    pub(super) fn has_lifeless(&self) -> bool {
        let mut records = self.records.iter().flatten();
        records.any(|record| record.sums.is_empty())
    }

    pub(super) fn numbered(&self) -> impl Iterator<Item = (SegmentId, &SegmentRecord)> {
        (0..)
            .zip(&self.records)
            .filter_map(|(id, record)| Some((id, record.as_ref()?)))
    }
}

/// The record of a number that things or removals still refer to.
impl std::ops::Index<SegmentId> for Segments {
    type Output = SegmentRecord;

    fn index(&self, id: SegmentId) -> &SegmentRecord {
        let record = self.records.get(usize::from(id)).and_then(Option::as_ref);
        record.expect("a segment stays while something refers to it")
    }
}

impl std::ops::IndexMut<SegmentId> for Segments {
    fn index_mut(&mut self, id: SegmentId) -> &mut SegmentRecord {
        let record = self
            .records
            .get_mut(usize::from(id))
            .and_then(Option::as_mut);
        record.expect("a segment stays while something refers to it")
    }
}
