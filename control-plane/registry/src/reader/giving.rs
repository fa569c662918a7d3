//! Things to add or change: which of them go into a batch, and in which order.

use crate::registry::{Concern, Granted, Registry};
use crate::thing::Thing;

use super::merge::Merge;
use super::{LOOKS_PER_THING, Reader, View, WEIGHT};

/// A batch in the making.
pub(super) struct Batch {
    pub(super) things: Vec<Thing>,
    /// The attributes that are in it.
    attributes: Vec<Granted>,
    /// Some of them are staged.
    pub(super) has_staged: bool,
    weight: usize,
    limit: usize,
}

impl Batch {
    /// An empty one of at most about so many things.
    pub(super) fn of(limit: usize) -> Self {
        Self {
            things: Vec::new(),
            attributes: Vec::new(),
            has_staged: false,
            weight: 0,
            limit,
        }
    }

    fn is_full(&self) -> bool {
        self.things.len() >= self.limit || self.weight >= WEIGHT
    }

    fn push(&mut self, registry: &Registry, granted: Granted) {
        if let Granted::Route(..) = granted {
            if self.attributes.contains(&granted) {
                return;
            }
            self.attributes.push(granted);
        }
        self.has_staged |= registry.has_staged_at(registry.revision_of(granted));
        let thing = registry.thing(granted);
        self.weight += thing.weight();
        self.things.push(thing);
    }
}

impl Reader {
    /// What was refused, once more.
    pub(super) fn give_again(&mut self, registry: &Registry, batch: &mut Batch) {
        while !batch.is_full()
            && let Some(name) = self.again.pop_front()
        {
            let found = registry.find(&name);
            let View {
                filter,
                capabilities,
            } = &self.view;
            if let Some(thing) = found.filter(|it| registry.grants(*it, filter, *capabilities))
                && !self.passing.concerns(registry, registry.revision_of(thing))
            {
                self.give(registry, u64::MAX, thing, batch);
            }
        }
    }

    /// What changed, from the cursor on.
    pub(super) fn give_changes(&mut self, registry: &Registry, batch: &mut Batch) {
        let mut merge = Merge::new(registry, &self.view.filter, self.cursor);
        for _ in 0..batch.limit.saturating_mul(LOOKS_PER_THING) {
            if batch.is_full() {
                return;
            }
            let Some((segment, revision, entry)) = merge.next() else {
                self.cursor = registry.head();
                return;
            };
            let concern = registry.concern((segment, revision, entry), self.view.capabilities);
            if self.passing.concerns(registry, revision) {
                self.passing.any = true;
            } else if let Concern::Grant(thing) = concern {
                self.give(registry, revision, thing, batch);
            }
            self.cursor = revision;
        }
    }

    /// Gives a thing, and before an endpoint the attributes of its route where the other end may not have them: they
    /// changed after the endpoint, so their turn comes later, and no version of them was closed.
    fn give(&self, registry: &Registry, revision: u64, thing: Granted, batch: &mut Batch) {
        if let Granted::Endpoint(id) = thing {
            let (attributes, changed, needs_since) = registry.attributes_of(id);
            let later = changed > revision.min(self.cursor) && needs_since > self.base;
            if later && !self.passing.concerns(registry, changed) {
                batch.push(registry, attributes);
            }
        }
        batch.push(registry, thing);
    }
}
