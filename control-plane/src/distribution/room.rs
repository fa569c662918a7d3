//! Room for what is kept for others.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So many bytes, of which some are used.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    used: AtomicUsize,
}

impl Room {
    pub(super) const fn new(most: usize) -> Self {
        Self {
            most,
            used: AtomicUsize::new(0),
        }
    }

    /// How many bytes there are.
    pub(super) const fn most(&self) -> usize {
        self.most
    }

    /// Takes so many of them, if there are.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let more = |used: usize| {
            let used = used.saturating_add(bytes);
            (used <= self.most).then_some(used)
        };
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    /// Gives them back.
    pub(super) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// How many are used.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}
