//! Rows that nearly always have one entry, which then needs no allocation.

use std::ops::{Deref, DerefMut};
use std::slice;

/// A row of entries, kept in place where it is one.
#[derive(Debug)]
pub(super) enum Few<T> {
    One(T),
    /// Any number but one, or what is left of more.
    Many(Vec<T>),
}

impl<T> Few<T> {
    pub(super) const fn new() -> Self {
        Self::Many(Vec::new())
    }

    pub(super) fn push(&mut self, entry: T) {
        self.insert(self.len(), entry);
    }

    /// Puts an entry in front of the one at this place, which is at most the length.
    pub(super) fn insert(&mut self, at: usize, entry: T) {
        match std::mem::replace(self, Self::new()) {
            Self::Many(row) if row.is_empty() => *self = Self::One(entry),
            Self::Many(mut row) => {
                row.insert(at, entry);
                *self = Self::Many(row);
            }
            Self::One(other) if at == 0 => *self = Self::Many(vec![entry, other]),
            Self::One(other) => *self = Self::Many(vec![other, entry]),
        }
    }

    /// Takes the entry at this place out, which has to be there; those behind it move up.
    pub(super) fn remove(&mut self, at: usize) -> T {
        match std::mem::replace(self, Self::new()) {
            Self::One(entry) => entry,
            Self::Many(mut row) => {
                let entry = row.remove(at);
                *self = match <[T; 1]>::try_from(row) {
                    Ok([last]) => Self::One(last),
                    Err(row) => Self::Many(row),
                };
                entry
            }
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::One(entry) => slice::from_ref(entry),
            Self::Many(row) => row,
        }
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::One(entry) => slice::from_mut(entry),
            Self::Many(row) => row,
        }
    }
}

impl<T: Copy> From<&[T]> for Few<T> {
    fn from(row: &[T]) -> Self {
        match row {
            [entry] => Self::One(*entry),
            _ => Self::Many(row.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_row(steps in prop::collection::vec((any::<bool>(), 0_usize..8, any::<u8>()), 0..40)) {
            let (mut few, mut row) = (Few::new(), Vec::new());
            for (adds, at, entry) in steps {
                if adds {
                    let at = at.min(row.len());
                    few.insert(at, entry);
                    row.insert(at, entry);
                } else if at < row.len() {
                    prop_assert_eq!(few.remove(at), row.remove(at));
                }
                prop_assert_eq!(&*few, &*row);
                prop_assert_eq!(matches!(few, Few::One(_)), row.len() == 1);
            }
            prop_assert_eq!(&*Few::from(&*row), &*row);
        }
    }
}
