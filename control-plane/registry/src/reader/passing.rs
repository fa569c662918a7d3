//! What a reader passes over of what is staged.

use crate::capability::Capabilities;
use crate::outcome::Sum;
use crate::registry::{Difference, Registry};

use super::Reader;

/// What a reader passes over.
#[derive(Clone, Debug)]
pub(super) struct Passing {
    /// It does: what is staged behind `reach` is not given.
    over: bool,
    /// Everything up to here that may be given was closed when that began.
    reach: u64,
    may: Capabilities,
    /// Something was passed over, so the other end does not hold everything beyond the base.
    pub(super) any: bool,
    /// How often everything had been given to everybody when that began.
    ends: u64,
    /// By what the sum of the other end differs for that.
    difference: Difference,
}

impl Passing {
    /// What passes over nothing.
    pub(super) const NOTHING: Self = Self {
        over: false,
        reach: 0,
        may: Capabilities::NONE,
        any: false,
        ends: 0,
        difference: Difference::beyond(0),
    };

    /// Whether what stands at a revision is passed over.
    pub(super) fn concerns(&self, registry: &Registry, revision: u64) -> bool {
        self.over && registry.is_staged(revision, (self.reach, self.may))
    }

    /// Everything up to here was closed, and nothing was passed over.
    pub(super) fn reaches(&mut self, revision: u64) {
        self.reach = revision;
        self.difference = Difference::beyond(revision);
    }
}

impl Reader {
    fn passes_over(&self, registry: &Registry) -> bool {
        let waits = registry.staged_part() > self.admitted;
        let may_begin = self.passing.over || !self.gave_staged;
        waits && may_begin && !self.snapshot && self.base > 0
    }

    /// Whether what is passed over now is part of what was when that began.
    pub(super) fn passes_as_before(&self, registry: &Registry) -> bool {
        let over = self.passes_over(registry);
        over == self.passing.over && (!over || self.passing.ends == registry.staged_ends())
    }

    /// Begins to pass over what is staged, or goes back to where it began to.
    pub(super) fn look_at_staged(&mut self, registry: &Registry) {
        if self.passes_as_before(registry) {
            return;
        }
        if self.passing.any {
            self.cursor = self.base;
            self.removed = self.base;
            self.walked = self.base;
        }
        self.passing = Passing {
            over: self.passes_over(registry),
            reach: self.base,
            may: self.view.capabilities,
            any: false,
            ends: registry.staged_ends(),
            difference: Difference::beyond(self.base),
        };
    }

    /// Counts what is passed over, of at most so many things. Whether all of it is counted.
    pub(super) fn count_staged(&mut self, registry: &Registry, most: usize) -> bool {
        let view = (&self.view.filter, self.view.capabilities);
        let difference = &mut self.passing.difference;
        !self.passing.over || registry.count_staged(difference, view, most)
    }

    /// What is held when everything was given but what is passed over.
    pub(super) fn held(&self, registry: &Registry) -> Sum {
        let all = self.sums(registry).0;
        if self.passing.any {
            self.passing.difference.of(all)
        } else {
            all
        }
    }
}
