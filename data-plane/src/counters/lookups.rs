//! How long it took to find routes.

use std::time::Duration;

use super::Counter;

/// Upper bounds of the buckets, in nanoseconds: Gorouter's. One more bucket holds what is above.
pub(super) const BOUNDS: [u64; 10] = [
    10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000, 90_000, 100_000,
];

/// One worker's samples.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    pub(super) buckets: [Counter; BOUNDS.len() + 1],
    pub(super) nanos: Counter,
}

impl Lookups {
    /// Adds one sample.
    #[cold]
    pub(crate) fn observe(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|&bound| nanos <= bound);
        if let Some(count) = self.buckets.get(bucket.unwrap_or(BOUNDS.len())) {
            count.increment();
        }
        self.nanos.add(nanos);
    }
}
