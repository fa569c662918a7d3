//! The end of what was given: what is gone, and what is held now.

use crate::outcome::Sum;
use crate::registry::{Concern, Registry};
use crate::thing::Removal;

use super::merge::Merge;
use super::{Closing, LOOKS_PER_THING, Reader, Step, View, WEIGHT};

/// The removals of a part.
#[derive(Default)]
struct Part {
    removals: Vec<Removal>,
    weight: usize,
    /// There are no more of them.
    is_last: bool,
}

impl Reader {
    /// What is gone, or no longer granted, since the last closing step.
    pub(super) fn close(&mut self, registry: &Registry, limit: usize) -> Step {
        let part = self.removals(registry, limit);
        if !part.is_last && part.removals.is_empty() {
            return Step::Batch(Vec::new());
        }
        let complete = part.is_last && self.snapshot;
        if part.is_last {
            self.rest(registry);
        }
        Step::Closing(Closing {
            removals: part.removals,
            continues: !part.is_last,
            revision: if self.passing.any {
                self.base
            } else {
                registry.head()
            },
            complete,
            sum: if part.is_last {
                self.held(registry)
            } else {
                Sum::default()
            },
        })
    }

    /// The next removals.
    fn removals(&mut self, registry: &Registry, limit: usize) -> Part {
        let mut part = Part::default();
        let mut merge = Merge::new(registry, &self.view.filter, self.removed);
        let View {
            filter,
            capabilities,
        } = &self.view;
        for _ in 0..limit.saturating_mul(LOOKS_PER_THING) {
            let Some((segment, revision, entry)) = merge.next() else {
                part.is_last = true;
                return part;
            };
            if part.removals.len() >= limit || part.weight >= WEIGHT {
                return part;
            }
            self.removed = revision;
            if self.passing.concerns(registry, revision) {
                self.passing.any = true;
                continue;
            }
            let removal = match registry.concern((segment, revision, entry), *capabilities) {
                Concern::Grant(_) => None,
                Concern::Withhold(thing) => Some(registry.name(thing)),
                Concern::Removal(revision) => registry.removal(revision, filter, *capabilities),
            };
            part.weight += removal.as_ref().map_or(0, Removal::weight);
            self.gave_staged |= registry.has_staged_at(revision);
            part.removals.extend(removal);
        }
        part
    }

    /// Everything was given.
    fn rest(&mut self, registry: &Registry) {
        let head = registry.head();
        if !self.passing.any {
            self.base = head;
            self.passing.reaches(head);
        }
        self.walked = head;
        self.removed = head;
        self.snapshot = false;
        self.owes_answer = false;
        self.gave_staged = false;
    }
}
