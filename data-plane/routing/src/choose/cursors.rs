//! Where round robin stands in each pool.

use crate::PoolIndex;

/// The round-robin positions of one worker: one per pool, at a random start.
#[derive(Debug, Default)]
pub struct Cursors {
    /// By pool index; `UNUSED` until the worker first uses the pool.
    positions: Vec<u32>,
}

const UNUSED: u32 = u32::MAX;

impl Cursors {
    /// No pool used yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            positions: Vec::new(),
        }
    }

    /// The position of the next request in a pool of `size` (not 0) endpoints, and moves on.
    pub(crate) fn advance(&mut self, pool: PoolIndex, size: u32, random: u64) -> u32 {
        let at = pool.0 as usize;
        if at >= self.positions.len() {
            self.positions.resize(at + 1, UNUSED);
        }
        let Some(cursor) = self.positions.get_mut(at) else {
            return 0;
        };
        let position = if *cursor == UNUSED {
            u32::try_from(random % u64::from(size)).unwrap_or_default()
        } else {
            *cursor % size
        };
        *cursor = (position + 1) % size;
        position
    }
}
