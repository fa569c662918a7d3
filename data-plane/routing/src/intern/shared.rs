//! Values that are kept once.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use foldhash::fast::FixedState;

/// Values of one type, each kept once while somebody uses it.
#[derive(Debug)]
pub(super) struct Shared<T: ?Sized + Eq + Hash> {
    values: HashSet<Arc<T>, FixedState>,
    /// How many values there may be before those that nobody uses are let go.
    sweep_at: usize,
}

const FIRST_SWEEP: usize = 1024;

impl<T: ?Sized + Eq + Hash> Shared<T> {
    /// Keeps nothing yet. `seed` keys the hash: draw it at random.
    pub(super) fn with_seed(seed: u64) -> Self {
        Self {
            values: HashSet::with_hasher(FixedState::with_seed(seed)),
            sweep_at: FIRST_SWEEP,
        }
    }

    /// The shared form of a value, which `make` makes where it is not known.
    pub(super) fn get(&mut self, value: &T, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
        match self.find(value) {
            Some(known) => known,
            None => self.keep(make()),
        }
    }

    pub(super) fn find(&self, value: &T) -> Option<Arc<T>> {
        self.values.get(value).map(Arc::clone)
    }

    /// Keeps a value that is not known.
    pub(super) fn keep(&mut self, value: Arc<T>) -> Arc<T> {
        if self.values.len() >= self.sweep_at {
            // Sweeping whenever the number has doubled costs each value a constant share.
            self.values.retain(|value| Arc::strong_count(value) > 1);
            self.sweep_at = FIRST_SWEEP.max(self.values.len() * 2);
        }
        self.values.insert(Arc::clone(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_and_unused_ones_go() {
        let mut shared = Shared::<str>::with_seed(7);
        let one = shared.get("one", || Arc::from("one"));
        assert!(Arc::ptr_eq(&one, &shared.get("one", || Arc::from("one"))));
        for n in 0..10 * FIRST_SWEEP {
            let text = n.to_string();
            drop(shared.get(&text, || Arc::from(text.as_str())));
        }
        assert!(shared.values.len() <= FIRST_SWEEP);
        assert!(Arc::ptr_eq(&one, &shared.get("one", || Arc::from("two"))));
    }
}
