//! The attributes of a route as one isolation segment holds them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Attributes;
use crate::evidence::{Evidence, EvidenceCell};

/// When attributes last changed: revisions compare only within one epoch, and of two epochs the
/// one that was followed later counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    /// Which epoch of this process, counted.
    pub(crate) epoch: u64,
    pub(crate) revision: u64,
}

/// The attributes of one segment.
///
/// What stands in atomics is read and written by the writer alone. It stands there so that
/// attributes that are sent again unchanged, as all are by a new control plane, cost no new table.
#[derive(Debug)]
pub(crate) struct Held {
    said: Arc<Said>,
    pub(crate) generation: u64,
    epoch: AtomicU64,
    revision: AtomicU64,
    birth: AtomicU64,
    /// What speaks for them.
    pub(crate) evidence: EvidenceCell,
}

/// What a segment says about a route, apart from when. All routes of which the same is said share
/// one of these, and that is nearly all of a segment.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Said {
    pub(crate) segment: Arc<str>,
    /// `None`: the attributes were rejected.
    pub(crate) content: Option<Content>,
}

/// What the attributes say.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Content {
    pub(crate) attributes: Attributes,
    /// The spelling at registration, where it is not the canonical one.
    pub(crate) registered: Option<Registered>,
}

/// How a route was spelled.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Registered {
    pub(crate) host: Box<str>,
    pub(crate) path: Box<str>,
}

impl Held {
    /// Attributes that arrived at `stamp`.
    pub(crate) const fn new(
        said: Arc<Said>,
        generation: u64,
        (stamp, birth): (Stamp, u64),
        evidence: Evidence,
    ) -> Self {
        Self {
            said,
            generation,
            epoch: AtomicU64::new(stamp.epoch),
            revision: AtomicU64::new(stamp.revision),
            birth: AtomicU64::new(birth),
            evidence: EvidenceCell::new(evidence),
        }
    }

    /// The isolation segment.
    pub(crate) fn segment(&self) -> &str {
        &self.said.segment
    }

    /// What they say; `None` where they were rejected.
    pub(crate) fn content(&self) -> Option<&Content> {
        self.said.content.as_ref()
    }

    /// When they last changed.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp {
            epoch: self.epoch.load(Ordering::Relaxed),
            revision: self.revision.load(Ordering::Relaxed),
        }
    }

    /// The revision at which the route was born, in the epoch of the stamp.
    pub(crate) fn birth(&self) -> u64 {
        self.birth.load(Ordering::Relaxed)
    }

    /// The same attributes arrived again.
    pub(crate) fn renew(&self, stamp: Stamp, birth: u64) {
        self.epoch.store(stamp.epoch, Ordering::Relaxed);
        self.revision.store(stamp.revision, Ordering::Relaxed);
        self.birth.store(birth, Ordering::Relaxed);
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Self::new(
            Arc::clone(&self.said),
            self.generation,
            (self.stamp(), self.birth()),
            self.evidence.get(),
        )
    }
}
