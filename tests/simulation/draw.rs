//! Chance, under a seed.

use std::ops::Range;

/// The `SplitMix64` generator.
#[derive(Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// One of a range that is not empty.
    pub(crate) fn of(&mut self, range: Range<usize>) -> usize {
        let offset = self.number() % (range.len() as u64);
        range.start + usize::try_from(offset).expect("an offset below a length fits")
    }

    /// Whether something of this many in a hundred happens.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.number() % 100 < chance
    }
}
