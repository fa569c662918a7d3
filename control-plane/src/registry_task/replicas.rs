//! The data planes that follow this control plane, as they show themselves.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pointsman_registry::{Capabilities, SegmentFilter, Sum};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::questions::{Answer, Ask, Asking, Question, Unanswered};
use super::roll_out::{Seen, Traffic};

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
    /// Things that another control plane, or another life of this one, gave it, as it said in its hello; none once it was
    /// told everything by a control plane whose word it takes.
    pub of_others: u64,
    /// Some of the things that it does not hold because it rejected them.
    pub rejected: Vec<Rejected>,
    /// How many that are.
    pub rejections: usize,
    /// How many things are kept from it, by the capabilities that it would need.
    pub withheld: Vec<(Capabilities, u64)>,
    /// The last time that it rejected something that it had not rejected before.
    pub last_nack: Option<Nack>,
    /// Why something else is not as it was configured, for people; empty where it is.
    pub degraded: Box<str>,
    /// How often its table differed from what it should have been at the same revision.
    pub digest_mismatches: u64,
    /// When it was last heard.
    pub last_heard: Instant,
    /// Removals that it holds back until they are confirmed.
    pub held_removals: u64,
    /// Things that it keeps though the complete table lacks them.
    pub orphans: u64,
    /// How long ago a control plane confirmed its table, when it reported last.
    pub table_age: Option<Duration>,
    /// It is draining.
    pub draining: bool,
    /// What an operator has put over its rules, at the data plane itself.
    pub overrides: Vec<Box<str>>,
    /// It holds what it receives, and serves something else: an operator wants that there.
    pub frozen: bool,
    /// The revision of the last closing step that it received, as it reported.
    pub received_revision: u64,
    /// How many requests it had since it started.
    pub requests: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Client connections that are open.
    pub connections: u64,
    /// What it has counted since it started.
    pub counts: Counts,
    /// What it had counted when it reported, lately, the latest last.
    pub traffic: VecDeque<Traffic>,
}

/// Reports whose counts are kept: a minute of them.
const REPORTS: usize = 12;

/// What a data plane has counted since it started, or several of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attempts at endpoints.
    pub attempts: u64,
    /// Requests without a host or a route.
    pub rejected_requests: u64,
    /// Answers of 502 made by the data plane.
    pub bad_gateways: u64,
    /// Responses of status 2xx, 3xx, 4xx, 5xx, and others.
    pub responses: [u64; 5],
}

impl Counts {
    fn plus(mut self, other: &Self) -> Self {
        self.attempts = self.attempts.saturating_add(other.attempts);
        self.rejected_requests = self
            .rejected_requests
            .saturating_add(other.rejected_requests);
        self.bad_gateways = self.bad_gateways.saturating_add(other.bad_gateways);
        for (sum, count) in self.responses.iter_mut().zip(other.responses) {
            *sum = sum.saturating_add(count);
        }
        self
    }
}

/// A data plane rejects things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nack {
    /// When.
    pub at: Instant,
    /// The revision that it acked with that.
    pub revision: u64,
    /// Some of what it had not rejected before.
    pub rejected: Vec<Rejected>,
}

/// A data plane that has left.
#[derive(Clone, Debug)]
pub struct Gone {
    /// When.
    pub at: Instant,
    /// How it stood then.
    pub replica: Replica,
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
        self.rejections == 0 && self.acked_revision >= wanted_revision
    }

    /// Takes what it reports that it has counted.
    pub(crate) fn count(&mut self, counts: Counts, at: Instant) {
        self.counts = counts;
        if self.traffic.len() >= REPORTS {
            self.traffic.pop_front();
        }
        let [_, _, _, failed, _] = counts.responses;
        self.traffic.push_back(Traffic {
            at,
            requests: counts
                .responses
                .iter()
                .fold(0, |sum, it| sum.saturating_add(*it)),
            failed: failed.saturating_add(counts.rejected_requests),
        });
    }

    /// What an order of data planes has to know of it.
    fn seen(&self) -> Seen {
        let ends = self.traffic.front().zip(self.traffic.back());
        Seen {
            id: self.id.clone(),
            name: self.name.clone(),
            group: self.filter.digest(),
            acked: self.acked_revision,
            nacked_at: self.last_nack.as_ref().map(|nack| nack.at),
            fit: !self.draining && !self.frozen,
            traffic: ends.map(|(first, last)| (*first, *last)),
        }
    }

    /// Whether it serves anything that is known of.
    fn holds_things(&self) -> bool {
        [
            self.held.things,
            self.of_others,
            self.held_removals,
            self.orphans,
        ]
        .iter()
        .any(|things| *things > 0)
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Replicas {
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    last: u64,
    entered: BTreeMap<u64, Session>,
    /// Those who left lately, the latest last.
    gone: VecDeque<Gone>,
}

#[derive(Debug)]
struct Session {
    replica: Replica,
    replaced: CancellationToken,
    asking: Asking,
}

/// What the fleet keeps that the table lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) held_removals: u64,
    pub(super) orphans: u64,
}

/// The most sessions at once.
const MAX_SESSIONS: usize = 4096;

/// For how long a data plane is shown that has left, and how many of them are.
const GONE: Duration = Duration::from_secs(600);
const MAX_GONE: usize = 256;

/// There are as many sessions as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {MAX_SESSIONS} sessions already")]
pub(crate) struct Full;

/// A session's place among the others. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    replicas: Arc<Replicas>,
    number: u64,
    replaced: CancellationToken,
}

impl Replicas {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // No update can leave a session half changed.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session. It takes the place of an older one of the same process, which cannot be alive any more.
    pub(crate) fn enter(
        self: &Arc<Self>,
        replica: Replica,
    ) -> Result<(Place, mpsc::Receiver<Ask>), Full> {
        let mut sessions = self.sessions();
        if sessions.entered.len() >= MAX_SESSIONS {
            return Err(Full);
        }
        for other in sessions.entered.values() {
            if other.replica.id == replica.id {
                other.replaced.cancel();
            }
        }
        // Under its name it is back, whichever life of it this is.
        sessions
            .gone
            .retain(|gone| gone.replica.name != replica.name);
        sessions.last += 1;
        let (number, replaced) = (sessions.last, CancellationToken::new());
        let (asking, asks) = Asking::new();
        let session = Session {
            replica,
            replaced: replaced.clone(),
            asking,
        };
        sessions.entered.insert(number, session);
        drop(sessions);
        let place = Place {
            replicas: Arc::clone(self),
            number,
            replaced,
        };
        Ok((place, asks))
    }

    pub(crate) fn list(&self) -> Vec<Replica> {
        let sessions = self.sessions();
        let mut replicas: Vec<_> = sessions
            .entered
            .values()
            .map(|session| session.replica.clone())
            .collect();
        drop(sessions);
        replicas.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        replicas
    }

    /// Those who left lately and have not come back, the latest first.
    pub(crate) fn gone(&self) -> Vec<Gone> {
        let now = Instant::now();
        let sessions = self.sessions();
        let lately = sessions.gone.iter().rev();
        lately
            .filter(|gone| now.saturating_duration_since(gone.at) < GONE)
            .cloned()
            .collect()
    }

    /// Whether any data plane says that it holds something.
    pub(crate) fn hold_things(&self) -> bool {
        self.sessions()
            .entered
            .values()
            .any(|session| session.replica.holds_things())
    }

    /// Each data plane once, by its latest session.
    fn latest(&self) -> BTreeMap<Box<str>, Seen> {
        let sessions = self.sessions();
        let all = sessions.entered.values();
        all.map(|it| (it.replica.id.clone(), it.replica.seen()))
            .collect()
    }

    /// The data planes, for who decides about their order.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.latest().into_values().collect()
    }

    /// Whether more than one data plane follows.
    pub(super) fn are_several(&self) -> bool {
        self.latest().len() > 1
    }

    /// How many removals each holds back, and how many things it holds with them.
    pub(super) fn held_removals(&self) -> Vec<(u64, u64)> {
        let sessions = self.sessions();
        let all = sessions.entered.values().map(|it| &it.replica);
        all.map(|it| {
            let things = it.held.things.saturating_add(it.held_removals);
            (it.held_removals, things)
        })
        .collect()
    }

    /// What all of them together keep.
    pub(super) fn kept(&self) -> Kept {
        let sessions = self.sessions();
        let all = sessions.entered.values();
        all.fold(Kept::default(), |sum, Session { replica, .. }| Kept {
            held_removals: sum.held_removals.saturating_add(replica.held_removals),
            orphans: sum.orphans.saturating_add(replica.orphans),
        })
    }

    /// What all of them together have counted; each data plane once.
    pub(super) fn counts(&self) -> Counts {
        let sessions = self.sessions();
        let all = sessions.entered.values();
        let latest: BTreeMap<&str, &Counts> = all
            .map(|Session { replica, .. }| (&*replica.id, &replica.counts))
            .collect();
        let latest = latest.into_values();
        latest.fold(Counts::default(), Counts::plus)
    }

    /// Hands a question to the latest session of a data plane.
    pub(super) fn ask(
        &self,
        id: &str,
        question: Question,
    ) -> Result<oneshot::Receiver<Answer>, Unanswered> {
        let mut sessions = self.sessions();
        let mut latest = sessions.entered.values_mut().rev();
        let session = latest.find(|session| *session.replica.id == *id);
        let session = session.ok_or_else(|| Unanswered::Unknown(id.to_owned()))?;
        session.asking.ask(question)
    }
}

impl Place {
    /// Changes what is shown of the session.
    pub(crate) fn update<Answer>(
        &self,
        change: impl FnOnce(&mut Replica) -> Answer,
    ) -> Option<Answer> {
        self.replicas
            .sessions()
            .entered
            .get_mut(&self.number)
            .map(|session| change(&mut session.replica))
    }

    /// Cancelled when a newer session of the same process has begun.
    pub(crate) fn replaced(&self) -> &CancellationToken {
        &self.replaced
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut sessions = self.replicas.sessions();
        let Some(Session { replica, .. }) = sessions.entered.remove(&self.number) else {
            return;
        };
        let mut others = sessions.entered.values();
        if others.any(|other| other.replica.name == replica.name) {
            return;
        }
        sessions
            .gone
            .retain(|gone| gone.replica.name != replica.name);
        if sessions.gone.len() >= MAX_GONE {
            sessions.gone.pop_front();
        }
        let at = Instant::now();
        sessions.gone.push_back(Gone { at, replica });
    }
}
