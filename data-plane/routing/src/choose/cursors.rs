//! Where round robin stands in each pool.

use crate::PoolIndex;

/// The round-robin turns of one worker: one per pool, at a random start.
#[derive(Debug, Default)]
pub struct Cursors {
    /// By pool index; [`UNUSED`] until the worker first uses the pool.
    turns: Vec<u32>,
}

const UNUSED: u32 = u32::MAX;

impl Cursors {
    /// No pool used yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { turns: Vec::new() }
    }

    /// The turn of the next request in a pool; and moves on. A turn is counted, and stands for a
    /// place in whatever list it is taken in, by its remainder.
    pub(super) fn advance(&mut self, pool: PoolIndex, random: u64) -> usize {
        let at = pool.0 as usize;
        if at >= self.turns.len() {
            self.turns.resize(at + 1, UNUSED);
        }
        let Some(cursor) = self.turns.get_mut(at) else {
            return 0;
        };
        if *cursor == UNUSED {
            *cursor = any_turn(random);
        }
        let turn = *cursor;
        *cursor = turn.wrapping_add(1);
        turn as usize
    }
}

/// A turn for whoever has none yet.
pub(super) const fn any_turn(random: u64) -> u32 {
    (random >> 33) as u32
}
