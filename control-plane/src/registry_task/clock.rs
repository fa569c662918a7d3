//! The task's time and the registry's.

use std::time::Duration;

use pointsman_process::wall_clock;
use pointsman_registry::Time;
use tokio::time::Instant;

/// The registry's time counts from the start of the task, with a day before it, so that what was last heard before
/// the start still has a time.
const BEFORE: Duration = Duration::from_secs(24 * 3600);

/// Turns one time into the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(super) fn now(self) -> Time {
        self.time(Instant::now())
    }

    pub(super) fn time(self, instant: Instant) -> Time {
        let before = self.start.saturating_duration_since(instant);
        let after = instant.saturating_duration_since(self.start);
        Time::since_origin((BEFORE + after).saturating_sub(before))
    }

    pub(super) fn instant(self, time: Time) -> Instant {
        self.start + time.as_duration().saturating_sub(BEFORE)
    }
}

/// The wall time in milliseconds since 1970, for what people read: nothing is decided by it.
pub(super) fn wall_ms() -> u64 {
    u64::try_from(wall_clock::now().as_millisecond()).unwrap_or_default()
}
