//! Time as the table counts it.

use std::time::Duration;

/// Milliseconds since an origin that the process chose once, such as its start.
///
/// It fits an atomic, and is never zero, so that zero can mean "never".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

impl Time {
    /// The time `since_origin` after the origin, at a resolution of one millisecond.
    #[must_use]
    pub fn since_origin(since_origin: Duration) -> Self {
        let millis = u64::try_from(since_origin.as_millis()).unwrap_or(u64::MAX - 1);
        Self(millis.saturating_add(1))
    }

    /// How long `earlier` is ago; zero where it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The time `wait` later.
    pub(crate) fn after(self, wait: Duration) -> Self {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// The first full second that is not earlier.
    pub(crate) const fn next_second(self) -> Self {
        let over = (self.0 - 1) % 1_000;
        Self(if over == 0 {
            self.0
        } else {
            self.0.saturating_add(1_000 - over)
        })
    }

    /// As stored in an atomic; never zero.
    pub(crate) const fn to_stored(self) -> u64 {
        self.0
    }

    /// The stored time, or nothing where zero was stored.
    pub(crate) const fn from_stored(stored: u64) -> Option<Self> {
        if stored == 0 {
            None
        } else {
            Some(Self(stored))
        }
    }
}
