//! Time as the registry is told it.

use std::time::Duration;

/// An instant: microseconds since an origin that the owner of the registry chose, and never changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// The end of time.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// The instant that is this long after the origin.
    #[must_use]
    pub fn since_origin(elapsed: Duration) -> Self {
        Self(micros(elapsed))
    }

    /// How long after the origin this is.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// This long after `self`; the end of time at the latest.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// How long after `earlier` this is; nothing where it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
