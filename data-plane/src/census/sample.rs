//! A sample of what was measured that forgets: of all values ever the later ones are in it with a greater chance, so that
//! its percentiles are those of the last minutes.
//!
//! It is the sample of Gorouter's library (Cormode and others, Forward Decay, 2009), with one difference: the weights are
//! kept as logarithms, so that they need not be made smaller from time to time, and samples of several threads can be
//! put together.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

/// How many values it has.
const SIZE: usize = 1028;

/// How fast it forgets, per second: half of its weight is that of the last 46 seconds.
const DECAY: f64 = 0.015;

/// Which percentiles are told.
const PERCENTILES: [f64; 5] = [0.5, 0.75, 0.9, 0.95, 0.99];

/// The sample.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample(BinaryHeap<Drawn>);

/// A value with its ticket: those with the highest tickets are in the sample.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    ticket: f64,
    nanos: u64,
}

impl Sample {
    /// A value that was measured `now`, with luck that is a random number.
    pub(super) fn add(&mut self, value: Duration, now: Duration, luck: u64) {
        let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        let ticket = DECAY * now.as_secs_f64() - fraction(luck).ln();
        self.put(Drawn { ticket, nanos });
    }

    fn put(&mut self, drawn: Drawn) {
        if self.0.len() < SIZE {
            self.0.push(drawn);
        } else if let Some(mut lowest) = self.0.peek_mut()
            && lowest.ticket < drawn.ticket
        {
            *lowest = drawn;
        }
    }

    /// Puts another sample to this one.
    pub(super) fn add_all(&mut self, other: &Self) {
        for drawn in &other.0 {
            self.put(*drawn);
        }
    }

    /// Half, three quarters, 90, 95 and 99 of a hundred values are at most so many seconds.
    pub(super) fn percentiles(&self) -> [f64; 5] {
        let mut values: Vec<_> = self.0.iter().map(|drawn| drawn.nanos).collect();
        values.sort_unstable();
        PERCENTILES.map(|part| percentile(&values, part) / 1e9)
    }
}

/// Above 0, at most 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn fraction(luck: u64) -> f64 {
    ((luck >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// Between two values it is on the line from one to the other.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places are few and not negative, and times need not be exact"
)]
fn percentile(sorted: &[u64], part: f64) -> f64 {
    let place = part * (sorted.len() + 1) as f64;
    let at = |place: usize| sorted.get(place).map(|nanos| *nanos as f64);
    let (Some(first), Some(last)) = (at(0), at(sorted.len().wrapping_sub(1))) else {
        return 0.0;
    };
    if place < 1.0 {
        return first;
    }
    let below = place as usize;
    match (at(below - 1), at(below)) {
        (Some(lower), Some(upper)) => lower + place.fract() * (upper - lower),
        _ => last,
    }
}

impl Ord for Drawn {
    /// The lowest ticket is the greatest, which a heap shows first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.ticket.total_cmp(&self.ticket)
    }
}

impl PartialOrd for Drawn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Drawn {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Drawn {}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn close(given: [f64; 5], expected: [f64; 5]) {
        for (given, expected) in given.into_iter().zip(expected) {
            assert!(
                (given - expected).abs() < 1e-9,
                "{given} and not {expected}"
            );
        }
    }

    #[test]
    fn percentiles_are_those_of_gorouters_library() {
        let mut sample = Sample::default();
        close(sample.percentiles(), [0.0; 5]);
        for value in 1..=100 {
            sample.add(millis(value), Duration::ZERO, value);
        }
        close(
            sample.percentiles(),
            [0.0505, 0.07575, 0.0909, 0.09595, 0.09999],
        );
    }

    #[test]
    fn later_values_take_the_place_of_earlier_ones() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut sample = Sample::default();
        for _ in 0..10_000 {
            sample.add(millis(1000), Duration::ZERO, rng.u64(..));
        }
        assert_eq!(sample.0.len(), SIZE);
        for _ in 0..10_000 {
            sample.add(millis(1), Duration::from_secs(900), rng.u64(..));
        }
        let old = sample.0.iter().filter(|drawn| drawn.nanos > 1_000_000);
        assert_eq!(old.count(), 0, "a quarter of an hour is long ago");
    }

    #[test]
    fn samples_of_two_threads_are_one() {
        let mut rng = fastrand::Rng::with_seed(7);
        let (mut one, mut other) = (Sample::default(), Sample::default());
        for _ in 0..5000 {
            one.add(millis(1), Duration::ZERO, rng.u64(..));
            other.add(millis(3), Duration::ZERO, rng.u64(..));
        }
        one.add_all(&other);
        assert_eq!(one.0.len(), SIZE);
        let threes = one.0.iter().filter(|drawn| drawn.nanos == 3_000_000);
        let threes = threes.count();
        assert!((400..630).contains(&threes), "{threes} of {SIZE}");
    }
}
