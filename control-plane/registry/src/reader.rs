//! Following a registry: deltas and snapshots in one shape.

mod closing;
mod delta;
mod giving;
mod merge;
mod pages;
mod passing;

use std::collections::{BTreeMap, VecDeque};

use crate::capability::Capabilities;
use crate::outcome::Sum;
use crate::registry::Registry;
use crate::segment::SegmentFilter;
use crate::thing::{Removal, Thing};

use giving::Batch;
pub use pages::Page;
use passing::Passing;

/// What somebody is to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The segments.
    pub filter: SegmentFilter,
    /// What may be given. What needs more is withheld.
    pub capabilities: Capabilities,
}

/// What somebody has already.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// The registry's life that it came from; 0 for none.
    pub epoch: u64,
    /// The revision of the last closing step that was applied.
    pub revision: u64,
    /// The digest of the filter that it was filled under.
    pub filter_digest: u64,
    /// How many things it has, whoever sent them.
    pub things: u64,
    /// It may come to have more that somebody else sent.
    pub may_hold_more: bool,
    /// The names of what was refused, to be given again. The address is empty where a route is meant.
    pub rejected: Vec<Removal>,
}

/// How the first closing step is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// By what changed since.
    Delta,
    /// By everything.
    Snapshot,
}

/// One step of a reader.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Things to add or change. Empty where a bounded look found nothing to give yet.
    Batch(Vec<Thing>),
    /// The end of what was given since the last one.
    Closing(Closing),
    /// Everything was given.
    Idle,
}

/// The end of what was given since the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// What is gone.
    pub removals: Vec<Removal>,
    /// Another part follows, perhaps after more batches. A thing that is given again after a part that names it is
    /// not gone.
    pub continues: bool,
    /// Everything whose latest change is at or below this is given.
    pub revision: u64,
    /// Everything was given since the last closing step: what was not given is not registered.
    pub complete: bool,
    /// What is held now. Means something in the last part only.
    pub sum: Sum,
}

/// A place in a registry, from which somebody reads on. It costs the same however far behind it is.
///
/// Upserts are given up to the head of the registry; then what is gone. Whatever changes while one of them is under
/// way is given before the end of it, so a closing step always tells the state of one instant.
#[derive(Clone, Debug)]
pub struct Reader {
    view: View,
    /// Everything at or below this was closed before, or is given again by the snapshot that is under way.
    base: u64,
    /// Upserts were given up to this.
    cursor: u64,
    /// Removals were given up to this. At least the base.
    removed: u64,
    /// A snapshot is under way.
    snapshot: bool,
    /// Nothing was closed yet, and an answer always comes.
    owes_answer: bool,
    /// What was refused, and is given once more.
    again: VecDeque<Removal>,
    /// Up to here everything was closed, but for what is staged and passed over.
    walked: u64,
    /// The head of the registry when the latest of what was given was read.
    as_of: u64,
    /// What is staged is given up to this part.
    admitted: u64,
    /// Something that is staged was given since the last closing step: only at the end of that is it known what is held,
    /// and something else can be passed over.
    gave_staged: bool,
    passing: Passing,
}

/// How many entries of the index a step looks at for each thing that it may give, before it lets others look.
const LOOKS_PER_THING: usize = 8;

/// About how many bytes a step gives: a few of them lie between a reader and a peer that has stopped.
const WEIGHT: usize = 32 * 1024;

impl Reader {
    /// A reader that goes on from what is held, and how it will: by a delta where that was left by this life of the
    /// registry, under this filter, and not so long ago that removals since then are forgotten.
    #[must_use]
    pub fn new(registry: &Registry, view: View, held: Held) -> (Self, Transfer) {
        let resumes = held.epoch == registry.epoch()
            && held.filter_digest == view.filter.digest()
            && (1..=registry.head()).contains(&held.revision)
            && held.revision >= registry.horizon();
        let base = if resumes { held.revision } else { 0 };
        let mut reader = Self {
            view,
            base,
            cursor: base,
            removed: base,
            snapshot: false,
            owes_answer: true,
            again: VecDeque::new(),
            walked: base,
            // Whoever has something of this life may have it as of then.
            as_of: if held.epoch == registry.epoch() {
                held.revision
            } else {
                0
            },
            admitted: 0,
            gave_staged: false,
            passing: Passing::NOTHING,
        };
        if resumes {
            reader.again = held.rejected.into();
            return (reader, Transfer::Delta);
        }
        // What another life sent may stay until this one has heard everybody, unless it is told what was removed here.
        // Whoever names this life may still have some of that: a snapshot that was cut did not get to its removals. And
        // whoever names no life may have a table that was written down.
        reader.removed = if held.epoch == 0 && held.things == 0 && !held.may_hold_more {
            registry.head()
        } else {
            registry.horizon()
        };
        reader.snapshot = true;
        (reader, Transfer::Snapshot)
    }

    /// A reader to which everything up to a revision was given, and closed.
    #[must_use]
    pub fn resting(view: View, revision: u64) -> Self {
        Self {
            view,
            base: revision,
            cursor: revision,
            removed: revision,
            snapshot: false,
            owes_answer: false,
            again: VecDeque::new(),
            walked: revision,
            as_of: revision,
            // What it gives is for those who are admitted to everything.
            admitted: u64::MAX,
            gave_staged: false,
            passing: Passing::NOTHING,
        }
    }

    /// The revision of the last closing step, where nothing was given since then and nothing else is owed.
    #[must_use]
    pub fn rests_at(&self) -> Option<u64> {
        let rests = !self.snapshot
            && !self.owes_answer
            && self.again.is_empty()
            && self.cursor == self.base
            && self.removed == self.base
            && !self.passing.any;
        rests.then_some(self.base)
    }

    /// Goes on from a later closing step. Whoever has this view was given what another reader with the same view gave
    /// between an earlier one, or this, and that.
    pub fn rest_at(&mut self, revision: u64) {
        self.base = revision;
        self.cursor = revision;
        self.removed = revision;
        self.walked = revision;
        self.as_of = self.as_of.max(revision);
        self.gave_staged = false;
        self.passing = Passing::NOTHING;
    }

    /// Gives everything again, and tells at the end of it that this was everything.
    pub fn restart(&mut self, registry: &Registry) {
        // What was given since the last closing step counts as given to the other end, so the removals since then are
        // told all the same. Those that are forgotten show in the digest, and the next snapshot puts them right.
        self.removed = self.removed.max(registry.horizon());
        self.base = 0;
        self.cursor = 0;
        self.walked = 0;
        self.passing = Passing::NOTHING;
        self.snapshot = true;
        self.owes_answer = true;
        self.again.clear();
    }

    /// The same, and everything that was removed here as far as that is known: the other end has got things from elsewhere,
    /// which this registry never gave it.
    pub fn start_anew(&mut self, registry: &Registry) {
        self.restart(registry);
        self.removed = registry.horizon();
    }

    /// What the reader may have of the registry as it is now, and what is withheld from it.
    #[must_use]
    pub fn sums(&self, registry: &Registry) -> (Sum, Sum) {
        let seen = registry.seen(&self.view.filter);
        seen.fold(
            Default::default(),
            |(granted, withheld): (Sum, Sum), (_, segment)| {
                let (more, less) = segment.sums(self.view.capabilities);
                (granted.plus(more), withheld.plus(less))
            },
        )
    }

    /// What is withheld from the reader, by what it would need for that.
    #[must_use]
    pub fn withheld(&self, registry: &Registry) -> Vec<(Capabilities, u64)> {
        let mut withheld = BTreeMap::new();
        for (_, segment) in registry.seen(&self.view.filter) {
            for (needs, things) in segment.needs() {
                if !self.view.capabilities.cover(needs) {
                    *withheld.entry(needs).or_default() += things;
                }
            }
        }
        withheld.into_iter().collect()
    }

    /// Whether a snapshot is under way.
    #[must_use]
    pub fn is_snapshot(&self) -> bool {
        self.snapshot
    }

    /// Whether everything was given.
    #[must_use]
    pub fn is_idle(&self, registry: &Registry) -> bool {
        self.passes_as_before(registry)
            && !self.owes_answer
            && self.again.is_empty()
            && self.walked == registry.head()
    }

    /// Gives what is staged up to this part; what is staged after it is passed over until it is given as well, or nothing
    /// is staged any more. Who has nothing yet is given everything.
    pub fn admit(&mut self, part: u64) {
        self.admitted = part;
    }

    /// The next step: of at most about `limit` things, and about 32 KiB of them.
    pub fn next(&mut self, registry: &Registry, limit: usize) -> Step {
        self.look_at_staged(registry);
        if self.removed < registry.horizon() {
            self.restart(registry);
        }
        if self.is_idle(registry) {
            return Step::Idle;
        }
        self.as_of = registry.head();
        let mut batch = Batch::of(limit);
        self.give_again(registry, &mut batch);
        self.give_changes(registry, &mut batch);
        self.gave_staged |= batch.has_staged;
        let at_head = self.again.is_empty() && self.cursor == registry.head();
        if at_head && batch.things.is_empty() {
            if !self.count_staged(registry, limit.saturating_mul(LOOKS_PER_THING)) {
                return Step::Batch(Vec::new());
            }
            return self.close(registry, limit);
        }
        Step::Batch(batch.things)
    }
}

#[cfg(test)]
mod tests;
