//! What changed since a revision, for a history that tells people of it.

use crate::thing::{Removal, Thing};

use super::Registry;
use super::read::Granted;
use super::records::Entry;

/// One change: what it concerns, as that is since then.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its revision.
    pub revision: u64,
    /// What is so since then.
    pub now: Now,
}

/// What is so since a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Now {
    /// It is registered like this.
    Is(Thing),
    /// It is gone.
    Gone(Removal),
}

impl Change {
    /// About how many bytes it holds, what it shares with the registry included.
    #[must_use]
    pub fn weight(&self) -> usize {
        match &self.now {
            Now::Is(thing) => thing.weight(),
            Now::Gone(removal) => removal.weight(),
        }
    }
}

/// Room for this many changes is made at once: more than those of nearly every event.
const USUAL: usize = 64;

impl Registry {
    /// Everything that changed after a revision, in the order of the revisions: each thing once, at its latest change. It
    /// costs what it gives; whoever asks after each event gets everything that happened, and nothing where nothing did.
    #[must_use]
    pub fn changes_since(&self, revision: u64) -> Vec<Change> {
        if revision >= self.head {
            return Vec::new();
        }
        let most = usize::try_from(self.head - revision).unwrap_or(usize::MAX);
        let mut changes = Vec::with_capacity(most.min(USUAL));
        for (segment, record) in self.segments.numbered() {
            // The latest ones stand at the end, which is nearer than any other place.
            for (at, entry) in record.index.latest(revision) {
                let now = match entry {
                    Entry::Route(route) => Now::Is(self.thing(Granted::Route(route, segment))),
                    Entry::Endpoint(id) => Now::Is(self.thing(Granted::Endpoint(id))),
                    Entry::Removal => {
                        let Some(grave) = self.removals.get(at) else {
                            continue;
                        };
                        Now::Gone(Removal {
                            route: grave.route.clone(),
                            address: grave.address.clone(),
                            segment: record.name.clone(),
                        })
                    }
                };
                changes.push(Change { revision: at, now });
            }
        }
        changes.sort_unstable_by_key(|change| change.revision);
        changes
    }
}
