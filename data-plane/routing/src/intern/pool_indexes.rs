//! The names of pools.

use crate::PoolIndex;

/// Gives out pool indexes, the smallest that are free.
#[derive(Debug, Default)]
pub(crate) struct PoolIndexes {
    next: u32,
    free: Vec<u32>,
}

impl PoolIndexes {
    /// An index that no pool has.
    pub(crate) fn take(&mut self) -> PoolIndex {
        PoolIndex(self.free.pop().unwrap_or_else(|| {
            let index = self.next;
            self.next = self.next.saturating_add(1);
            index
        }))
    }

    /// A pool is gone. A request may still have its route, and then moves the cursor of the next
    /// pool with this index: every position is a fair start.
    pub(crate) fn give_back(&mut self, index: PoolIndex) {
        self.free.push(index.0);
    }
}
