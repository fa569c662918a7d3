//! What an endpoint has lived through, apart from how it is registered.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::identity::Identity;
use crate::outlier::Conduct;
use crate::{Address, Protocol, Time};

/// Names an endpoint state among all of the process.
///
/// The slot is small and dense, for tables that are indexed by it. It is given out again after the
/// endpoint is gone, with another `life`: whoever keeps something under a slot compares the whole
/// index before using it, so that a connection never serves another endpoint than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointIndex {
    /// The place in a table.
    pub slot: u32,
    /// Which user of that place.
    pub life: u32,
}

/// Counters and marks of one address under one identity and protocol, shared by all its routes.
///
/// It survives every update that leaves these three as they are, however the routes around it
/// change. What workers share of it fills one cache line together with the reference counts in
/// front of it: whoever counts a request in flight has the rest at hand. What is needed only to
/// connect, by an endpoint beside others, or by one that has failed, stands elsewhere.
#[derive(Debug)]
#[repr(align(16))]
pub struct EndpointState {
    index: EndpointIndex,
    in_flight: AtomicU32,
    /// How many endpoints stand on it in what is held. Only the writer counts it.
    registrations: AtomicU32,
    /// When somebody first had the choice of it and asked for its age, as [`Time::to_stored`]; 0
    /// for never.
    first_seen_at: AtomicU64,
    conduct: OnceLock<Box<Conduct>>,
    place: Box<Place>,
}

/// What it is the state of.
#[derive(Debug)]
struct Place {
    address: Address,
    identity: Identity,
    /// Requests that its limit does not count any more, though they have not ended.
    beyond: AtomicU32,
}

const _: () = assert!(
    size_of::<EndpointState>() + 2 * size_of::<usize>() == 64,
    "a state and its reference counts are as large as a cache line, on which allocators put them"
);

impl EndpointState {
    pub(crate) fn new(index: EndpointIndex, address: Address, identity: Identity) -> Self {
        Self {
            index,
            in_flight: AtomicU32::new(0),
            registrations: AtomicU32::new(0),
            first_seen_at: AtomicU64::new(0),
            conduct: OnceLock::new(),
            place: Box::new(Place {
                address,
                identity,
                beyond: AtomicU32::new(0),
            }),
        }
    }

    /// The name of this state in the process.
    #[must_use]
    pub const fn index(&self) -> EndpointIndex {
        self.index
    }

    /// Where to connect.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.place.address
    }

    /// How the endpoint proves itself over TLS: the name that must stand in its certificate, or
    /// the empty text for any name under the trusted authorities. `None`: clear text.
    #[must_use]
    pub fn tls(&self) -> Option<&str> {
        self.place.identity.name()
    }

    /// What is spoken to it.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.place.identity.protocol()
    }

    /// How many requests hold a [`Lease`](crate::Lease) on it that its limit counts.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How many requests hold a [`Lease`](crate::Lease) on it, those included that its limit does not count any more.
    #[must_use]
    pub fn requests(&self) -> u32 {
        let beyond = self.place.beyond.load(Ordering::Relaxed);
        self.in_flight().saturating_add(beyond)
    }

    /// For how long there was a choice of it. The first who asks begins that time: until then it has
    /// served nobody who cares.
    pub(crate) fn age(&self, now: Time) -> Duration {
        match Time::from_stored(self.first_seen_at.load(Ordering::Relaxed)) {
            Some(first) => now.since(first),
            None => {
                let (at, order) = (now.to_stored(), Ordering::Relaxed);
                // Who was faster has seen it at the same time.
                let _ = self.first_seen_at.compare_exchange(0, at, order, order);
                Duration::ZERO
            }
        }
    }

    /// How it behaves, for an endpoint that is compared with others.
    pub fn conduct(&self) -> &Conduct {
        self.conduct.get_or_init(Box::default)
    }

    /// How it behaves, if anybody has looked.
    pub(crate) fn known_conduct(&self) -> Option<&Conduct> {
        self.conduct.get().map(|conduct| &**conduct)
    }

    /// Whether the outlier detector has taken it out of the choice.
    #[must_use]
    pub fn is_ejected(&self) -> bool {
        self.known_conduct().is_some_and(Conduct::is_ejected)
    }

    /// Notes a failure: the endpoint is passed over for the mark time, as long as there is another.
    pub fn mark_failed(&self, now: Time) {
        self.conduct().mark(now);
    }

    /// Whether it failed within the mark time.
    #[must_use]
    pub fn is_marked(&self, now: Time, mark_time: Duration) -> bool {
        self.known_conduct()
            .and_then(Conduct::marked_at)
            .is_some_and(|failed| now.since(failed) <= mark_time)
    }

    /// Forgets the failure.
    pub(crate) fn clear_mark(&self) {
        if let Some(conduct) = self.known_conduct() {
            conduct.clear_mark();
        }
    }

    /// Counts one more request unless `limit` (0: none) is reached: reserved first and checked
    /// afterwards, so that two workers never take the last place both.
    pub(crate) fn try_reserve(&self, limit: u32) -> bool {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        if limit != 0 && before >= limit {
            self.release();
            return false;
        }
        true
    }

    pub(crate) fn release(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// The limit does not count one of its requests any more.
    pub(crate) fn pass_head(&self) {
        self.place.beyond.fetch_add(1, Ordering::Relaxed);
        self.release();
    }

    /// One that the limit did not count has ended.
    pub(crate) fn release_beyond(&self) {
        self.place.beyond.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts one more endpoint that stands on it.
    pub(crate) fn register(&self) {
        self.registrations.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one endpoint less, and says whether none is left.
    pub(crate) fn unregister(&self) -> bool {
        self.registrations.fetch_sub(1, Ordering::Relaxed) == 1
    }

    /// Whether an endpoint stands on it: otherwise only requests that began earlier know it.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.registrations.load(Ordering::Relaxed) != 0
    }

    /// The same state under another name.
    pub(crate) const fn with_index(mut self, index: EndpointIndex) -> Self {
        self.index = index;
        self
    }
}

/// States are told apart by what they are the state of.
impl PartialEq for EndpointState {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
            && self.tls() == other.tls()
            && self.protocol() == other.protocol()
    }
}

impl Eq for EndpointState {}

impl Hash for EndpointState {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
        self.tls().hash(state);
        self.protocol().hash(state);
    }
}
