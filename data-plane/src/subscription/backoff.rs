//! How long to wait before the next try (L-37).

use std::time::Duration;

/// Waits that double from 100 ms to 30 s, each drawn anew between nothing and its bound (full
/// jitter), so that data planes which lost the same control plane do not come back together.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);

impl Backoff {
    /// The wait after one more failure; `draw` is random, from 0 up to and without 1.
    pub(super) fn next(&mut self, draw: f64) -> Duration {
        let bound = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures += 1;
        bound.mul_f64(draw.clamp(0.0, 1.0))
    }

    /// A try succeeded.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L-37: reconnecting backs off with full jitter from 100 ms to 30 s
    #[test]
    fn waits_double_up_to_the_bound_and_are_drawn_in_full() {
        let mut backoff = Backoff::default();
        let bounds: Vec<u64> = (0..11)
            .map(|_| u64::try_from(backoff.next(1.0).as_millis()).unwrap())
            .collect();
        assert_eq!(
            bounds,
            [
                100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000
            ]
        );
        assert_eq!(backoff.next(0.0), Duration::ZERO);
        assert_eq!(backoff.next(0.5), Duration::from_secs(15));
        backoff.reset();
        assert_eq!(backoff.next(1.0), Duration::from_millis(100));
    }
}
