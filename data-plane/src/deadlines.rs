//! Deadlines of connections without a timer for each: every connection owns one slot, setting a
//! deadline is one store, and a sweep wakes whoever is due.
//!
//! A request passes through half a dozen waits, nearly all of which end long before their time.
//! Registering and cancelling a timer for each would cost more than the waits' bookkeeping.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

/// How exact deadlines are: one sweep, and one step of a [`Tick`].
pub(crate) const STEP: Duration = Duration::from_millis(50);

/// Steps of a second.
const PER_SECOND: u32 = 1_000_000_000 / STEP.subsec_nanos();

/// A point in a worker's life, in steps since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u32);

impl Tick {
    /// The start of the worker.
    pub(crate) const START: Self = Self(0);

    /// Later than everything.
    pub(crate) const NEVER: Self = Self(u32::MAX);

    /// The first tick at which at least `wait` has passed, however late in its step it is now.
    #[inline]
    pub(crate) fn after(self, wait: Duration) -> Self {
        // In two parts of 32 bits: a request sets half a dozen deadlines, and a division of 128 bits is a long one.
        let whole = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
        let rest = wait.subsec_nanos().div_ceil(STEP.subsec_nanos());
        let steps = whole.saturating_mul(PER_SECOND).saturating_add(rest + 1);
        Self(self.0.saturating_add(steps))
    }

    /// The time from `earlier` to here, to the step; zero where `earlier` is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        STEP * self.0.saturating_sub(earlier.0)
    }
}

struct Slot {
    due: Cell<Tick>,
    waker: Option<Waker>,
}

/// All deadlines of one worker.
pub(crate) struct Deadlines {
    started: Instant,
    now: Cell<Tick>,
    slots: RefCell<Vec<Slot>>,
    free: RefCell<Vec<usize>>,
}

impl Deadlines {
    /// None yet; ticks count from `now`.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            started: now,
            now: Cell::new(Tick::START),
            slots: RefCell::default(),
            free: RefCell::default(),
        }
    }

    /// The tick of the last sweep.
    #[inline]
    pub(crate) fn now(&self) -> Tick {
        self.now.get()
    }

    /// Moves the time forward to `now` and wakes every owner whose deadline has come.
    pub(crate) fn sweep(&self, now: Instant) {
        let steps = now.saturating_duration_since(self.started).as_millis() / STEP.as_millis();
        let tick = Tick(u32::try_from(steps).unwrap_or(u32::MAX - 1));
        self.now.set(tick);
        for slot in self
            .slots
            .borrow()
            .iter()
            .filter(|slot| slot.due.get() <= tick)
        {
            if let Some(waker) = &slot.waker {
                waker.wake_by_ref();
            }
        }
    }

    /// Wakes every owner, due or not: something else has changed.
    pub(crate) fn wake_all(&self) {
        for waker in self
            .slots
            .borrow()
            .iter()
            .filter_map(|slot| slot.waker.as_ref())
        {
            waker.wake_by_ref();
        }
    }

    /// A deadline that wakes the task of `waker`. It never comes until it is set.
    pub(crate) fn register(self: &Rc<Self>, waker: Waker) -> Deadline {
        let slot = Slot {
            due: Cell::new(Tick::NEVER),
            waker: Some(waker),
        };
        let mut slots = self.slots.borrow_mut();
        let index = match self.free.borrow_mut().pop() {
            Some(index) => {
                slots[index] = slot;
                index
            }
            None => {
                slots.push(slot);
                slots.len() - 1
            }
        };
        Deadline {
            all: Rc::clone(self),
            index,
        }
    }
}

/// One task's deadline.
pub(crate) struct Deadline {
    all: Rc<Deadlines>,
    index: usize,
}

impl Deadline {
    /// Sets when it comes; the task is woken then, and again at each sweep until it is set anew.
    #[inline]
    pub(crate) fn set(&self, due: Tick) {
        self.all.slots.borrow()[self.index].due.set(due);
    }

    /// Sets it to `wait` from now.
    #[inline]
    pub(crate) fn set_after(&self, wait: Duration) {
        self.set(self.now().after(wait));
    }

    /// No deadline.
    #[inline]
    pub(crate) fn clear(&self) {
        self.set(Tick::NEVER);
    }

    /// Whether it has come.
    #[inline]
    pub(crate) fn passed(&self) -> bool {
        self.all.slots.borrow()[self.index].due.get() <= self.now()
    }

    /// The tick of the last sweep.
    #[inline]
    pub(crate) fn now(&self) -> Tick {
        self.all.now()
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let mut slots = self.all.slots.borrow_mut();
        slots[self.index] = Slot {
            due: Cell::new(Tick::NEVER),
            waker: None,
        };
        self.all.free.borrow_mut().push(self.index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_comes_after_at_least_its_wait_and_within_two_steps() {
        let start = Instant::now();
        let all = Rc::new(Deadlines::new(start));
        let deadline = all.register(Waker::noop().clone());
        all.sweep(start + Duration::from_millis(149));
        deadline.set_after(Duration::from_millis(100));
        all.sweep(start + Duration::from_millis(249));
        assert!(
            !deadline.passed(),
            "one step of 149 ms is 100 ms: 249 ms may be too early"
        );
        all.sweep(start + Duration::from_millis(250));
        assert!(deadline.passed());
        deadline.clear();
        assert!(!deadline.passed());
    }

    #[test]
    fn slots_are_used_again_and_start_without_a_deadline() {
        let start = Instant::now();
        let all = Rc::new(Deadlines::new(start));
        let first = all.register(Waker::noop().clone());
        first.set_after(Duration::ZERO);
        drop(first);
        all.sweep(start + Duration::from_secs(1));
        let second = all.register(Waker::noop().clone());
        assert!(!second.passed());
        assert_eq!(all.slots.borrow().len(), 1);
    }

    #[test]
    fn a_wait_beyond_all_ticks_never_comes() {
        let tick = Tick(5).after(Duration::MAX);
        assert_eq!(tick, Tick::NEVER);
        assert_eq!(Tick(5).since(Tick(9)), Duration::ZERO);
        assert_eq!(Tick(9).since(Tick(5)), Duration::from_millis(200));
    }
}
