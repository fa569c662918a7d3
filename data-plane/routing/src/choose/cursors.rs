//! Where round robin stands in each pool.

use crate::PoolIndex;

/// The round-robin positions of one worker: one per pool, at a random start.
#[derive(Debug, Default)]
pub struct Cursors {
    /// By pool index; [`UNUSED`] until the worker first uses the pool.
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

    /// The position of the next request in a pool of `size` endpoints, not none; and moves on.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "positions lie below the size of a pool, which fits"
    )]
    pub(super) fn advance(&mut self, pool: PoolIndex, size: usize, random: u64) -> usize {
        let at = pool.0 as usize;
        if at >= self.positions.len() {
            self.positions.resize(at + 1, UNUSED);
        }
        let Some(cursor) = self.positions.get_mut(at) else {
            return 0;
        };
        let position = if *cursor == UNUSED {
            (random % size as u64) as usize
        } else {
            *cursor as usize % size
        };
        *cursor = ((position + 1) % size) as u32;
        position
    }
}
