//! The latest changes of the registry, each with its time and its reason, for people.
//!
//! The registry's owner writes, everybody reads. It is bounded by number and by weight, and a change costs some reference
//! counts; a repetition that changes nothing costs nothing here. Neither writing nor reading waits for the other for
//! longer than some hundred entries take.

mod recorder;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pointsman_registry::{Now, Removal, Thing};
use pointsman_route_key::RouteKey;

pub(super) use recorder::Recorder;

/// The most records, and about how many bytes of words they may hold: of what is registered they hold nothing that the
/// registry does not hold as well.
const RECORDS: usize = 65_536;
const WEIGHT: usize = 32 * 1024 * 1024;

/// What happened to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was not there before.
    Added,
    /// It was there, and is different now.
    Changed,
    /// It is gone.
    Removed,
    /// It was not heard for its threshold, and is chosen last.
    Silent,
    /// It was not heard for its threshold, and is kept, because that was true of too much at once. No change.
    Held,
    /// A message about it did not count. No change.
    Refused,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody registered it.
    Registered,
    /// Somebody unregistered it.
    Unregistered,
    /// It was not heard for its threshold.
    Expired,
    /// The same, and an operator let it go.
    Released,
    /// The route had no endpoint for as long as such a one is kept.
    Empty,
    /// A source declares it.
    Declared,
    /// Its source declares it no longer.
    Withdrawn,
    /// It was silent, and a data plane could not reach it.
    Failing,
    /// An operator has taken it out of service.
    Ejected,
    /// An operator has it in service again, or what took it out is over.
    Reinstated,
    /// What is there carries a newer modification tag.
    OlderTag,
    /// What is there belongs to another source, which declares it.
    OtherSource,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// Something, as it is since then.
    Is(Thing),
    /// The name of something.
    Named(Removal),
}

/// One entry of the history.
#[derive(Clone, Debug)]
pub struct Record {
    /// The revision of the change; of what is no change, the latest one at the time.
    pub revision: u64,
    /// The wall time, in milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    pub what: What,
    /// Why.
    pub why: Why,
    /// The source that said so.
    pub source: Option<Arc<str>>,
    /// What it is about.
    pub subject: Subject,
}

/// The latest changes.
#[derive(Debug)]
pub struct History {
    most: usize,
    heaviest: usize,
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    /// The number of the first record that is kept.
    first: u64,
    /// With their weights. They lie one behind the other, so that the oldest are cheap to come by when they go.
    records: VecDeque<(Record, usize)>,
    weight: usize,
    /// Every change above this revision is kept.
    complete_above: u64,
}

impl Ring {
    /// Whether there was one.
    fn forget_oldest(&mut self) -> bool {
        let Some((oldest, weight)) = self.records.pop_front() else {
            return false;
        };
        self.first += 1;
        self.weight -= weight;
        self.complete_above = oldest.revision;
        true
    }
}

/// How far a history reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The number of the first record that is kept.
    pub first: u64,
    /// The number of the next record.
    pub end: u64,
    /// Every change above this revision is kept.
    pub complete_above: u64,
}

impl What {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Silent => "silent",
            Self::Held => "held",
            Self::Refused => "refused",
        }
    }
}

impl Why {
    /// The words for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Unregistered => "unregistered",
            Self::Expired => "expired",
            Self::Released => "released",
            Self::Empty => "empty",
            Self::Declared => "declared",
            Self::Withdrawn => "withdrawn",
            Self::Failing => "failing",
            Self::Ejected => "ejected",
            Self::Reinstated => "reinstated",
            Self::OlderTag => "older-tag",
            Self::OtherSource => "other-source",
        }
    }
}

impl Record {
    /// Whether something is different since then.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        !matches!(self.what, What::Held | What::Refused)
    }

    /// The route.
    #[must_use]
    pub fn route(&self) -> &Arc<RouteKey> {
        match &self.subject {
            Subject::Is(Thing::Route(route)) => &route.key,
            Subject::Is(Thing::Endpoint(endpoint)) => &endpoint.route,
            Subject::Named(name) => &name.route,
        }
    }

    /// The address of the endpoint; empty where the attributes of the route are meant.
    #[must_use]
    pub fn address(&self) -> &str {
        match &self.subject {
            Subject::Is(Thing::Route(_)) => "",
            Subject::Is(Thing::Endpoint(endpoint)) => &endpoint.address,
            Subject::Named(name) => &name.address,
        }
    }

    /// The isolation segment; empty for the shared one.
    #[must_use]
    pub fn segment(&self) -> &str {
        match &self.subject {
            Subject::Is(Thing::Route(route)) => &route.segment,
            Subject::Is(Thing::Endpoint(endpoint)) => &endpoint.segment,
            Subject::Named(name) => &name.segment,
        }
    }
}

impl From<Now> for Subject {
    fn from(now: Now) -> Self {
        match now {
            Now::Is(thing) => Self::Is(thing),
            Now::Gone(name) => Self::Named(name),
        }
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new(RECORDS, WEIGHT)
    }
}

impl History {
    /// An empty one that keeps at most so many records and about so many bytes.
    pub(super) fn new(most: usize, heaviest: usize) -> Self {
        Self {
            most,
            heaviest,
            ring: Mutex::default(),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // No writer can leave it half changed.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds records with their weights, in the order of their revisions.
    fn push(&self, records: impl IntoIterator<Item = (Record, usize)>) {
        let mut ring = self.ring();
        for (record, weight) in records {
            // Room first: a full ring that is pushed to would be given twice its size.
            if ring.records.len() >= self.most {
                ring.forget_oldest();
            }
            ring.weight += weight;
            ring.records.push_back((record, weight));
            while ring.weight > self.heaviest && ring.forget_oldest() {}
        }
    }

    /// How far it reaches.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let ring = self.ring();
        Reach {
            first: ring.first,
            end: ring.first + ring.records.len() as u64,
            complete_above: ring.complete_above,
        }
    }

    /// The number of the first record above a revision; `None` where some of what changed since is forgotten.
    #[must_use]
    pub fn after(&self, revision: u64) -> Option<u64> {
        let ring = self.ring();
        let known = revision >= ring.complete_above;
        let before = || {
            ring.records
                .partition_point(|(record, _)| record.revision <= revision)
        };
        known.then(|| ring.first + before() as u64)
    }

    /// The records from a number on, at most so many; `None` where the first of them is forgotten.
    #[must_use]
    pub fn read(&self, from: u64, most: usize) -> Option<Vec<Record>> {
        let ring = self.ring();
        let skip = usize::try_from(from.checked_sub(ring.first)?).ok()?;
        let records = ring.records.iter().skip(skip).take(most);
        Some(records.map(|(record, _)| record.clone()).collect())
    }
}

#[cfg(test)]
mod tests;
