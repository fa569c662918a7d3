//! Values that are kept once.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use foldhash::fast::FixedState;

/// Values of one type, each kept once while somebody uses it.
#[derive(Debug)]
pub(super) struct Shared<T: ?Sized + Eq + Hash> {
    values: HashSet<Arc<T>, FixedState>,
    /// How many values were put in since those that nobody uses were let go.
    since_sweep: usize,
}

/// So many values may come before a sweep, however few there are.
const LEAST_SWEPT: usize = 1024;

impl<T: ?Sized + Eq + Hash> Shared<T> {
    /// Keeps nothing yet. `seed` keys the hash: draw it at random.
    pub(super) fn with_seed(seed: u64) -> Self {
        Self {
            values: HashSet::with_hasher(FixedState::with_seed(seed)),
            since_sweep: 0,
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
        // A sweep costs each of the values that came since a constant share.
        if self.since_sweep >= LEAST_SWEPT.max(self.values.len() / 8) {
            self.sweep();
        }
        self.since_sweep += 1;
        self.values.insert(Arc::clone(&value));
        value
    }

    /// So many values may have lost the last one who used them: that makes a walk worth as much as values that came.
    pub(super) fn lost(&mut self, values: usize) {
        self.since_sweep = self.since_sweep.saturating_add(values);
    }

    /// Lets go of the values that nobody uses, where enough came or were lost to make it worth a walk through
    /// all.
    pub(super) fn tidy(&mut self) {
        if self.since_sweep > self.values.len() / 64 {
            self.sweep();
        }
    }

    fn sweep(&mut self) {
        self.values.retain(|value| Arc::strong_count(value) > 1);
        self.since_sweep = 0;
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
        for n in 0..10 * LEAST_SWEPT {
            let text = n.to_string();
            drop(shared.get(&text, || Arc::from(text.as_str())));
        }
        assert!(shared.values.len() <= LEAST_SWEPT + 1);
        shared.tidy();
        assert_eq!(shared.values.len(), 1);
        assert!(Arc::ptr_eq(&one, &shared.get("one", || Arc::from("two"))));
    }
}
