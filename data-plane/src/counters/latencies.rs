//! How long the requests of each app took.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets, in microseconds: Gorouter's of 0.1 s to 25.6 s. One more bucket holds what is above.
const BOUNDS: [u64; 9] = [
    100_000, 200_000, 400_000, 800_000, 1_600_000, 3_200_000, 6_400_000, 12_800_000, 25_600_000,
];

/// How many apps have times of their own (L-39); those of further ones stand together.
const APPS: usize = 10_000;

/// Who the times of further apps are told of.
const OTHERS: &str = "other";

/// One worker's samples. Only the worker adds some, and whoever reads them does it seldom.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Mutex<HashMap<Box<str>, Times>>);

/// The times of one app.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    counts: [u64; BOUNDS.len() + 1],
    pub(super) micros: u64,
}

impl Latencies {
    /// Adds one sample.
    #[cold]
    pub(crate) fn observe(&self, source_id: &str, time: Duration) {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = apps.get_mut(source_id) {
            return times.add(time);
        }
        let name = if apps.len() < APPS { source_id } else { OTHERS };
        apps.entry(name.into()).or_default().add(time);
    }

    /// The samples of all workers, by app.
    pub(super) fn sum<'l>(all: impl Iterator<Item = &'l Self>) -> BTreeMap<Box<str>, Times> {
        let mut sums: BTreeMap<Box<str>, Times> = BTreeMap::new();
        for one in all {
            let apps = one.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, times) in apps.iter() {
                sums.entry(name.clone()).or_default().add_all(times);
            }
        }
        sums
    }
}

impl Times {
    fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| micros <= *bound);
        if let Some(count) = self.counts.get_mut(bucket.unwrap_or(BOUNDS.len())) {
            *count += 1;
        }
        self.micros = self.micros.saturating_add(micros);
    }

    fn add_all(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(other.counts) {
            *sum += count;
        }
        self.micros = self.micros.saturating_add(other.micros);
    }

    /// The upper bounds in seconds, and how many samples fell below each and above the one before.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = BOUNDS.iter().map(|bound| *bound as f64 / 1e6);
        bounds.chain([f64::INFINITY]).zip(self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(all: &[Latencies]) -> Vec<(String, u64)> {
        let sums = Latencies::sum(all.iter()).into_iter();
        sums.map(|(name, times)| (name.into(), times.counts.iter().sum()))
            .collect()
    }

    /// OB-099: times stand by app, those of all workers together.
    #[test]
    fn the_times_of_an_app_are_those_of_all_workers() {
        let workers = [Latencies::default(), Latencies::default()];
        for (worker, app) in [(0, "a"), (0, "a"), (0, "b"), (1, "a")] {
            workers[worker].observe(app, Duration::from_millis(150));
        }
        assert_eq!(sums(&workers), [("a".to_owned(), 3), ("b".to_owned(), 1)]);
        let all = Latencies::sum(workers.iter());
        let buckets: Vec<_> = all["a"].buckets().take(3).collect();
        assert_eq!(buckets, [(0.1, 0), (0.2, 3), (0.4, 0)]);
        assert_eq!(all["a"].micros, 450_000);
    }

    /// L-39: a family has at most 10,000 values of a label.
    #[test]
    fn apps_without_number_stand_together() {
        let worker = Latencies::default();
        for app in 0..APPS + 500 {
            worker.observe(&app.to_string(), Duration::ZERO);
        }
        worker.observe("3", Duration::ZERO);
        let sums = sums(&[worker]);
        assert_eq!(sums.len(), APPS + 1);
        assert!(sums.contains(&("other".to_owned(), 500)));
        assert!(sums.contains(&("3".to_owned(), 2)));
    }
}
