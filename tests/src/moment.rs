//! Instants that several processes agree on.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// An instant of the machine's monotonic clock, which all processes read alike.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Moment(u64);

impl Moment {
    /// This instant.
    #[must_use]
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        // The clock counts from the start of the machine: neither part is negative.
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or_default();
        Self(seconds * 1_000_000_000 + nanoseconds)
    }

    /// The instant that [`nanoseconds`](Self::nanoseconds) stood for.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the start of the machine.
    #[must_use]
    pub const fn nanoseconds(self) -> u64 {
        self.0
    }

    /// The instant this much later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(wait))
    }

    /// How much later this is; nothing, where it is earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Moment;

    #[test]
    fn goes_on_and_can_be_sent() {
        let start = Moment::now();
        let sent = Moment::from_nanoseconds(start.nanoseconds());
        assert_eq!(sent, start);
        let later = start.after(Duration::from_millis(3));
        assert_eq!(later.since(start), Duration::from_millis(3));
        assert_eq!(start.since(later), Duration::ZERO);
        assert!(Moment::now() >= start);
    }
}
