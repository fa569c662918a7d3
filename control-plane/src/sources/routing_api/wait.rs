//! How long to wait before the next try.

use std::time::Duration;

/// The bound of the first wait.
const FIRST: Duration = Duration::from_secs(1);

/// Waits that are a random share of a bound, which doubles up to a greatest one (L-37): those that lost the same server do
/// not come back as a herd.
#[derive(Debug)]
pub(super) struct Waits {
    most: Duration,
    failures: u32,
}

impl Waits {
    pub(super) fn new(most: Duration) -> Self {
        Self { most, failures: 0 }
    }

    /// The next wait; `share` is a random number from 0 to 1.
    pub(super) fn next(&mut self, share: f64) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        bound.min(self.most).mul_f64(share)
    }

    /// It went well: the next wait is a first one.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_up_to_the_greatest_and_begin_anew() {
        let mut waits = Waits::new(Duration::from_secs(30));
        let bounds: Vec<_> = (0..7).map(|_| waits.next(1.0).as_secs()).collect();
        assert_eq!(bounds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(waits.next(0.5), Duration::from_secs(15), "a share of it");
        waits.reset();
        assert_eq!(waits.next(1.0), Duration::from_secs(1));
        let mut many = Waits::new(Duration::from_secs(30));
        assert!((0..1000).all(|_| many.next(1.0) <= Duration::from_secs(30)));
    }
}
