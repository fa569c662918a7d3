//! The data planes that follow this control plane, as they show themselves.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use pointsman_registry::{SegmentFilter, Sum};
use tokio::time::Instant;

/// One session of one data plane: what it serves, and how far behind it is.
#[derive(Clone, Debug)]
pub struct Replica {
    /// One life of one process.
    pub id: Box<str>,
    /// Its name among people.
    pub name: Box<str>,
    /// Its software version.
    pub version: Box<str>,
    /// Its availability zone.
    pub availability_zone: Box<str>,
    /// Where it called from; `None` within the process.
    pub address: Option<SocketAddr>,
    /// The segments that it sees.
    pub filter: SegmentFilter,
    /// When the session began.
    pub since: Instant,
    /// The revision of the last closing step that was sent.
    pub sent_revision: u64,
    /// The revision of the last closing step that it acked.
    pub acked_revision: u64,
    /// When it acked that.
    pub acked_at: Option<Instant>,
    /// Since when it has not held what it should; `None` where it does.
    pub behind_since: Option<Instant>,
    /// What it said that it holds.
    pub held: Sum,
    /// Things that it does not hold because it rejected them.
    pub rejected: Vec<Rejected>,
    /// How many things are kept from it because it lacks a capability.
    pub withheld: u64,
    /// Why something else is not as it was configured, for people; empty where it is.
    pub degraded: Box<str>,
    /// How often its table differed from what it should have been at the same revision.
    pub digest_mismatches: u64,
    /// When it was last heard.
    pub last_heard: Instant,
    /// It is draining.
    pub draining: bool,
    /// How many requests it had since it started.
    pub requests: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Client connections that are open.
    pub connections: u64,
}

/// A thing that a data plane rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The route, as Gorouter's `/routes` spells it.
    pub route: String,
    /// The address; empty where the attributes of the route are meant.
    pub address: Box<str>,
    /// The isolation segment.
    pub segment: Box<str>,
    /// What was wrong.
    pub reason: Box<str>,
}

impl Replica {
    /// Whether it holds everything that it should at this revision.
    #[must_use]
    pub fn has_converged(&self, wanted_revision: u64) -> bool {
        self.rejected.is_empty() && self.acked_revision >= wanted_revision
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Replicas {
    sessions: Mutex<(u64, BTreeMap<u64, Replica>)>,
}

/// A session's place among the others. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    replicas: Arc<Replicas>,
    number: u64,
}

impl Replicas {
    pub(crate) fn enter(self: &Arc<Self>, replica: Replica) -> Place {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.0 += 1;
        let number = sessions.0;
        sessions.1.insert(number, replica);
        Place {
            replicas: Arc::clone(self),
            number,
        }
    }

    pub(crate) fn list(&self) -> Vec<Replica> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut replicas: Vec<_> = sessions.1.values().cloned().collect();
        replicas.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        replicas
    }

    /// Whether any data plane says that it holds something.
    pub(crate) fn hold_things(&self) -> bool {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.1.values().any(|replica| replica.held.things > 0)
    }
}

impl Place {
    pub(crate) fn update<Answer>(
        &self,
        change: impl FnOnce(&mut Replica) -> Answer,
    ) -> Option<Answer> {
        let mut sessions = self
            .replicas
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        sessions.1.get_mut(&self.number).map(change)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut sessions = self
            .replicas
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        sessions.1.remove(&self.number);
    }
}
