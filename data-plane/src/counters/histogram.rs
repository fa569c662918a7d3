//! How long requests took, in buckets.

use std::time::Duration;

use super::Counter;

/// Upper bounds of the buckets, in microseconds; one more bucket holds what is above the last.
pub(super) const BOUNDS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// One worker's samples.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    pub(super) buckets: [Counter; BOUNDS.len() + 1],
    pub(super) micros: Counter,
}

impl Histogram {
    /// Adds one sample.
    #[inline]
    pub(crate) fn observe(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS
            .iter()
            .position(|&bound| micros <= bound)
            .unwrap_or(BOUNDS.len());
        self.buckets[bucket].increment();
        self.micros.add(micros);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_falls_into_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [0, 500, 501, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let counts: Vec<_> = histogram.buckets.iter().map(Counter::get).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(histogram.micros.get(), 20_001_002);
    }
}
