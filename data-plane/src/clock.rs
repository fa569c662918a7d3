//! Wall time without asking the system for it: one reading a second, carried on by the monotonic
//! clock that a request reads anyway.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// One worker's idea of what time it is.
pub(crate) struct Clock {
    anchor: Cell<(Instant, u64)>,
}

impl Clock {
    /// Reads both clocks once.
    pub(crate) fn new() -> Self {
        Self {
            anchor: Cell::new(read()),
        }
    }

    /// Reads both clocks again, so that a change of the wall clock is noticed.
    pub(crate) fn refresh(&self) {
        self.anchor.set(read());
    }

    /// Nanoseconds of the Unix epoch at `instant`.
    #[inline]
    pub(crate) fn wall(&self, instant: Instant) -> u64 {
        let (anchor, nanos) = self.anchor.get();
        match instant.checked_duration_since(anchor) {
            Some(passed) => nanos.saturating_add(whole_nanos(passed)),
            None => nanos.saturating_sub(whole_nanos(anchor.duration_since(instant))),
        }
    }
}

/// A duration that fits: none here is near five hundred years.
fn whole_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or_default()
}

fn read() -> (Instant, u64) {
    let wall = jiff::Timestamp::now().as_nanosecond();
    (Instant::now(), u64::try_from(wall).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_follows_the_monotonic_clock_both_ways() {
        let clock = Clock {
            anchor: Cell::new((Instant::now(), 1_000_000_000)),
        };
        let (anchor, _) = clock.anchor.get();
        assert_eq!(clock.wall(anchor + Duration::from_nanos(7)), 1_000_000_007);
        assert_eq!(clock.wall(anchor - Duration::from_nanos(7)), 999_999_993);
    }
}
