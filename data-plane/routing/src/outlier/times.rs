//! Response times of the last seconds, in a few buckets.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::LEAST_BOUND;
use crate::Time;

/// The upper bound of the first bucket; each further one reaches twice as far, the last one
/// without end.
const FIRST: Duration = Duration::from_millis(64);
const BUCKETS: usize = 12;
const LAST: u8 = 11;

/// How long samples count in full; then in half, and so on.
const HALVED_EVERY: Duration = Duration::from_secs(10);

/// How many buckets four times as long is.
const FOUR_TIMES: usize = 2;

/// Which bucket a time falls into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bucket(u8);

impl Bucket {
    pub(super) fn of(time: Duration) -> Self {
        let steps = time.as_millis() / FIRST.as_millis();
        let doublings = u128::BITS - steps.leading_zeros();
        Self(u8::try_from(doublings).map_or(LAST, |at| at.min(LAST)))
    }

    /// Where it ends.
    pub(super) fn bound(self) -> Duration {
        FIRST * (1 << self.0)
    }

    fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Response times of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Times {
    counts: [AtomicU32; BUCKETS],
    halved_at: AtomicU64,
}

impl Times {
    /// One more, in the place of an earlier estimate of the same one.
    #[inline]
    pub(super) fn put(&self, bucket: Bucket, earlier: Option<Bucket>, now: Time) {
        if earlier == Some(bucket) {
            return;
        }
        if let Some(count) = self.counts.get(bucket.index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(count) = earlier.and_then(|earlier| self.counts.get(earlier.index())) {
            let less = |count: u32| count.checked_sub(1);
            // It may have been halved away.
            let _none = count.try_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
        let stored = self.halved_at.load(Ordering::Relaxed);
        let due = Time::from_stored(stored).is_none_or(|last| now.since(last) >= HALVED_EVERY);
        if due {
            self.halve(stored, now);
        }
    }

    #[cold]
    fn halve(&self, before: u64, now: Time) {
        let mine = self.halved_at.compare_exchange(
            before,
            now.to_stored(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if mine.is_ok() && before != 0 {
            for count in &self.counts {
                // A sample that is added in between may be lost.
                count.store(count.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
            }
        }
    }

    /// The counts of this moment.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        counts.add(self);
        counts
    }
}

/// Response times of one endpoint or several.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts([u32; BUCKETS]);

impl Counts {
    pub(super) fn add(&mut self, times: &Times) {
        for (sum, count) in self.0.iter_mut().zip(&times.counts) {
            *sum = sum.saturating_add(count.load(Ordering::Relaxed));
        }
    }

    pub(super) fn total(&self) -> u32 {
        self.0
            .iter()
            .fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// How many lie above `bucket`.
    pub(super) fn above(&self, bucket: Bucket) -> u32 {
        let above = self.0.get(bucket.index() + 1..).unwrap_or_default();
        above
            .iter()
            .fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// The bucket that ends at four times what 19 of 20 take, or at the least bound. `None` where
    /// nothing could lie above it.
    pub(super) fn limit(&self) -> Option<Bucket> {
        let least = Bucket::of(LEAST_BOUND).index() - 1;
        let slow = self.total() / 20;
        let within = (0..BUCKETS).find(|&at| {
            let above = self.0.get(at + 1..).unwrap_or_default();
            above
                .iter()
                .fold(0u32, |sum, &count| sum.saturating_add(count))
                <= slow
        })?;
        let limit = (within + FOUR_TIMES).max(least);
        let limit = u8::try_from(limit).ok()?;
        (usize::from(limit) + 1 < BUCKETS).then_some(Bucket(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    fn times(samples: &[(u64, u32)]) -> Times {
        let times = Times::default();
        for &(millis, count) in samples {
            for _ in 0..count {
                times.put(Bucket::of(Duration::from_millis(millis)), None, at(1));
            }
        }
        times
    }

    #[test]
    fn a_time_falls_below_the_bound_of_its_bucket() {
        for (millis, bound) in [(0, 64), (63, 64), (64, 128), (511, 512), (512, 1024)] {
            let bucket = Bucket::of(Duration::from_millis(millis));
            assert_eq!(bucket.bound(), Duration::from_millis(bound), "{millis} ms");
        }
        let last = Bucket::of(Duration::MAX);
        assert_eq!(last.index(), BUCKETS - 1);
    }

    #[test]
    fn the_limit_is_four_times_what_nineteen_of_twenty_take_and_never_below_the_least_bound() {
        for (samples, limit) in [
            (&[(1, 100)][..], 512),
            (&[(1, 96), (5_000, 4)], 512),
            (&[(1, 90), (5_000, 10)], 4 * 8_192),
            (&[(200, 100)], 1_024),
        ] {
            let limit = Duration::from_millis(limit);
            let counts = times(samples).counts();
            assert_eq!(
                counts.limit().map(Bucket::bound),
                Some(limit),
                "{samples:?}"
            );
        }
        assert!(times(&[(60_000, 100)]).counts().limit().is_none());
    }

    #[test]
    fn an_estimate_is_replaced_and_old_samples_fade() {
        let times = times(&[(1, 8)]);
        let aged = Bucket::of(Duration::from_millis(600));
        times.put(aged, None, at(2));
        let final_one = Bucket::of(Duration::from_millis(3_000));
        times.put(final_one, Some(aged), at(3));
        assert_eq!(times.counts().total(), 9);
        assert_eq!(times.counts().above(aged), 1);
        times.put(final_one, Some(final_one), at(4));
        assert_eq!(times.counts().total(), 9);
        times.put(Bucket(0), None, at(20_000));
        assert_eq!(times.counts().total(), 4, "nine and one, halved by bucket");
    }
}
