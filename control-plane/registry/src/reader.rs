//! Following a registry: deltas and snapshots in one shape.

use crate::capability::Capabilities;
use crate::outcome::Sum;
use crate::registry::Registry;
use crate::segment::SegmentFilter;
use crate::thing::{Removal, Thing};

/// What somebody is to see.
#[derive(Clone, Debug)]
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
    /// Another part follows. A thing that is given again before the last part is not gone.
    pub continues: bool,
    /// Everything whose latest change is at or below this is given.
    pub revision: u64,
    /// Everything was given since the start of a snapshot.
    pub complete: bool,
    /// What is held now.
    pub sum: Sum,
}

/// A place in a registry, from which somebody reads on. Costs the same however far behind it is.
#[derive(Clone, Debug)]
pub struct Reader {
    view: View,
}

impl Reader {
    /// A reader that goes on from what is held, and how it will.
    #[must_use]
    pub fn new(registry: &Registry, view: View, held: Held) -> (Self, Transfer) {
        todo!("{registry:p} {held:?} {view:?}")
    }

    /// The next step, of at most `limit` things.
    pub fn next(&mut self, registry: &Registry, limit: usize) -> Step {
        todo!("{registry:p} {limit}")
    }

    /// Gives everything again.
    pub fn restart(&mut self, registry: &Registry) {
        todo!("{registry:p}")
    }

    /// What the reader may see of the registry now, and what is withheld from it.
    #[must_use]
    pub fn sums(&self, registry: &Registry) -> (Sum, Sum) {
        todo!("{registry:p} {:?}", self.view)
    }
}
