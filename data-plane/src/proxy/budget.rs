//! How many further attempts a route may have (R-096, L-27): a fifth of its requests in flight,
//! and ten a second, whatever is in flight. So an outage of all endpoints does not multiply the
//! requests that reach them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use pointsman_routing::{Route, Time};

/// One of so many requests in flight may be at a further attempt: a fifth of the others.
const SHARE: u32 = 6;

/// What is allowed beside the share, and how much of it may come at once.
const INTERVAL: u64 = 100;
const AT_ONCE: u64 = 10;

/// Routes whose numbers differ by a multiple of this share a budget.
const SLOTS: usize = 4096;

/// The budgets of all routes, for the whole process. Only further attempts touch them.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    slots: Box<[Slot]>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Requests that are at a further attempt now.
    retrying: AtomicU32,
    /// When all that was allowed beside the share is paid for, in milliseconds.
    paid_at: AtomicU64,
}

/// A further attempt, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Retry {
    budget: Arc<RetryBudget>,
    slot: usize,
}

impl RetryBudget {
    /// Nothing spent.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
        })
    }

    /// One more attempt at a request for `route`, if the budget has one.
    pub(super) fn take(self: &Arc<Self>, route: &Route, now: Time) -> Option<Retry> {
        let in_flight = route.endpoints().iter().fold(0u32, |sum, endpoint| {
            sum.saturating_add(endpoint.state().in_flight())
        });
        let slot = route.pool_index().number() as usize % SLOTS;
        self.slots.get(slot)?.take(in_flight, now).then(|| Retry {
            budget: Arc::clone(self),
            slot,
        })
    }
}

impl Slot {
    fn take(&self, in_flight: u32, now: Time) -> bool {
        let retrying = self.retrying.fetch_add(1, Ordering::Relaxed);
        let allowed = retrying < in_flight / SHARE || self.pay(now);
        if !allowed {
            self.retrying.fetch_sub(1, Ordering::Relaxed);
        }
        allowed
    }

    /// Takes one of those that are allowed beside the share.
    fn pay(&self, now: Time) -> bool {
        let origin = Time::since_origin(Duration::ZERO);
        let now = u64::try_from(now.since(origin).as_millis()).unwrap_or(u64::MAX / 2);
        let paid = |at: u64| {
            let at = at.max(now) + INTERVAL;
            (at <= now + AT_ONCE * INTERVAL).then_some(at)
        };
        self.paid_at
            .try_update(Ordering::Relaxed, Ordering::Relaxed, paid)
            .is_ok()
    }
}

impl Drop for Retry {
    fn drop(&mut self) {
        if let Some(slot) = self.budget.slots.get(self.slot) {
            slot.retrying.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::since_origin(Duration::from_millis(millis))
    }

    /// beside the share, ten at once and ten a second
    #[test]
    fn ten_a_second_are_allowed_whatever_is_in_flight() {
        let slot = Slot::default();
        let taken = |from: u64, to: u64| (from..to).filter(|&now| slot.take(0, at(now))).count();
        assert_eq!(taken(1_000, 1_001), 1);
        assert_eq!((0..100).filter(|_| slot.take(0, at(1_001))).count(), 9);
        assert_eq!(taken(1_002, 4_002), 30);
    }

    /// L-27: further attempts are at most a fifth of the other requests in flight
    #[test]
    fn a_fifth_of_the_requests_in_flight_is_allowed() {
        let slot = Slot::default();
        while slot.pay(at(1)) {}
        let allowed = (0..100).filter(|_| slot.take(60, at(1))).count();
        assert_eq!(allowed, 10, "of 60 in flight 10 are further attempts");
        slot.retrying.fetch_sub(1, Ordering::Relaxed);
        assert!(slot.take(60, at(1)), "one has ended");
        assert!(!slot.take(60, at(1)));
    }
}
