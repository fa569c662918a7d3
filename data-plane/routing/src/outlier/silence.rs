//! Since when an endpoint has said nothing though it was asked.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{JUDGED_EVERY, UNANSWERED};
use crate::Time;

/// The lower bits count attempts, the others are the time from which they prove something: 20 bits
/// are more than there are requests in flight, 44 bits of milliseconds last for five centuries.
const COUNT_BITS: u32 = 20;
const MOST: u64 = (1 << COUNT_BITS) - 1;

/// The attempts that were made since the last answer, and when there were as many as prove
/// something: a single one may be a long poll, after which nobody asked anything for a while.
#[derive(Debug, Default)]
pub(super) struct Silence(AtomicU64);

impl Silence {
    /// One more attempt.
    #[inline]
    pub(super) fn ask(&self, now: Time) {
        let asked = |packed: u64| match packed {
            few if few & MOST < UNANSWERED => {
                Some((now.to_stored() << COUNT_BITS) | ((few & MOST) + 1))
            }
            full if full & MOST == MOST => None,
            packed => Some(packed + 1),
        };
        // A count that is full says enough.
        let _full = self
            .0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, asked);
    }

    /// It has answered.
    #[inline]
    pub(super) fn end(&self) {
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::Relaxed);
        }
    }

    /// An attempt that was made at `asked` says nothing, neither way; and nobody knows any more
    /// since when the others that were made before it are without an answer. It is not known
    /// either whether it was made before the last answer, and did not count.
    pub(super) fn forget(&self, asked: Time) {
        let forgotten = |packed: u64| {
            let (since, count) = (packed >> COUNT_BITS, packed & MOST);
            match count {
                0 => None,
                1 => Some(0),
                _ => Some((since.max(asked.to_stored()) << COUNT_BITS) | (count - 1)),
            }
        };
        let _gone = self
            .0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, forgotten);
    }

    /// The silence counts from now on only; the attempts remain.
    pub(super) fn begin_again(&self, now: Time) {
        let again = |packed: u64| {
            let since = Time::from_stored(packed >> COUNT_BITS)?;
            // Whoever finds it full says so, but it need not be that precise.
            (now.since(since) >= JUDGED_EVERY)
                .then(|| (now.to_stored() << COUNT_BITS) | (packed & MOST))
        };
        let _recent = self
            .0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, again);
    }

    /// Since when, and how many attempts; the time is that of the latest one where they are too few.
    pub(super) fn since(&self) -> Option<(Time, u64)> {
        let packed = self.0.load(Ordering::Relaxed);
        let since = Time::from_stored(packed >> COUNT_BITS)?;
        Some((since, packed & MOST))
    }
}
