//! What changed since a reader rested, in one go.

use crate::registry::Registry;
use crate::thing::Thing;

use super::{Closing, Reader, Step};

impl Reader {
    /// Everything since the last closing step, and the next one, where that is one step of each kind; the reader rests at
    /// the head of the registry afterwards in any case. What one reader is given from a revision on is right for any
    /// other with the same view that rests there or later, up to that closing step.
    pub fn delta(&mut self, registry: &Registry, limit: usize) -> Option<(Vec<Thing>, Closing)> {
        let delta = self.short_delta(registry, limit);
        if delta.is_none() {
            *self = Self::resting(self.view.clone(), registry.head());
        }
        delta
    }

    fn short_delta(&mut self, registry: &Registry, limit: usize) -> Option<(Vec<Thing>, Closing)> {
        if self.rests_at()? < registry.horizon() {
            return None;
        }
        let (closing, things) = match self.next(registry, limit) {
            Step::Batch(things) => (self.next(registry, limit), things),
            step => (step, Vec::new()),
        };
        match closing {
            Step::Closing(closing) if !closing.continues => Some((things, closing)),
            _ => None,
        }
    }
}
