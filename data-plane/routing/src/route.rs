//! A route: what it answers for, what it asks for, and its endpoints.

mod hashed_by;
mod held;
mod timeouts;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use pointsman_route_key::{Host, Path, RouteKey};
use smallvec::SmallVec;

pub use hashed_by::HashedBy;
pub(crate) use held::{Content, Held, Registered, Said, Stamp};
pub use timeouts::RouteTimeouts;

use crate::maglev::Slots;
use crate::{Algorithm, EmptyPool, Endpoint, Policy, Rules};

/// Names a pool among those of the process, small and dense, for tables that are indexed by it.
/// It is given out again after its route is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolIndex(pub(crate) u32);

impl PoolIndex {
    /// The place in a table.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What a route asks for, apart from where it leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// What a request gets while no endpoint is there. Absent: the session's.
    pub empty_pool: Option<EmptyPool>,
    /// How an endpoint is chosen. Absent: the session's default.
    pub algorithm: Option<Algorithm>,
    /// By what a request is led to an endpoint, where it has that.
    pub hashed_by: Option<HashedBy>,
    /// Who may call it; absent: everybody.
    pub policy: Option<Box<Policy>>,
    /// How long its requests may take, where that is not left to the data plane.
    pub timeouts: Option<Box<RouteTimeouts>>,
    /// The URL of the service that requests pass through before they reach an endpoint, where
    /// there is one. Nobody has looked whether it is a URL.
    pub route_service: Option<Box<str>>,
    /// The only group; empty for a route from NATS.
    pub group: Box<str>,
    /// What it does with its requests and responses, where that is anything.
    pub rules: Option<Arc<Rules>>,
}

/// Where the attributes of a route come from, of those that its isolation segments hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The isolation segment; empty for the shared one.
    pub segment: &'a str,
    /// Their latest change.
    pub revision: u64,
    /// The revision at which the route was born.
    pub birth: u64,
    /// Their digest.
    pub generation: u64,
}

/// One route of a table. It never changes: an update puts another one in its place.
#[derive(Clone, Debug)]
pub struct Route {
    pub(crate) key: RouteKey,
    pub(crate) index: PoolIndex,
    /// Whether the attributes that count have a route service: requests without one ask no further.
    has_service: bool,
    /// The attributes of each isolation segment that has some. Which of them counts is decided
    /// when they change; it comes first.
    held: SmallVec<[Held; 1]>,
    /// Ordered by address.
    endpoints: SmallVec<[Arc<Endpoint>; 2]>,
    /// Where keys lead, of a route that asks for that. The first request with a key makes it.
    slots: Option<Box<OnceLock<Slots>>>,
}

impl Route {
    /// A route that nothing is known of yet.
    pub(crate) fn new(key: RouteKey, index: PoolIndex) -> Self {
        Self {
            key,
            index,
            has_service: false,
            held: SmallVec::new(),
            endpoints: SmallVec::new(),
            slots: None,
        }
    }

    /// What it answers for.
    #[must_use]
    pub const fn key(&self) -> &RouteKey {
        &self.key
    }

    /// The host as it was first registered, case kept.
    #[must_use]
    pub fn host_as_registered(&self) -> Cow<'_, str> {
        let registered = self
            .content()
            .and_then(|content| content.registered.as_ref());
        match (registered, &self.key.host) {
            (Some(registered), _) => Cow::Borrowed(&registered.host),
            (None, Host::Exact(host)) => Cow::Borrowed(host),
            (None, host @ (Host::Suffix(_) | Host::Any)) => Cow::Owned(host.to_string()),
        }
    }

    /// The context path as it was first registered, case kept; `/` for none.
    #[must_use]
    pub fn path_as_registered(&self) -> &str {
        let registered = self
            .content()
            .and_then(|content| content.registered.as_ref());
        registered.map_or_else(|| self.canonical_path(), |registered| &registered.path)
    }

    /// The context path as its key spells it; `/` for none.
    pub(crate) fn canonical_path(&self) -> &str {
        match self.path() {
            "" => "/",
            path => path,
        }
    }

    /// What a request gets while no endpoint is there; absent where the session's settings decide.
    #[must_use]
    pub fn empty_pool(&self) -> Option<EmptyPool> {
        self.content()?.attributes.empty_pool
    }

    /// How an endpoint is chosen; absent where the session's settings decide.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.content()?.attributes.algorithm
    }

    /// How long its requests may take; absent where that is left to the data plane.
    #[must_use]
    pub fn timeouts(&self) -> Option<&RouteTimeouts> {
        self.content()?.attributes.timeouts.as_deref()
    }

    /// By what a request is led to an endpoint, where it has that and the route asks for it.
    #[must_use]
    pub fn hashed_by(&self) -> Option<&HashedBy> {
        // Few routes ask for it, and those have slots.
        self.slots.as_ref()?;
        self.content()?.attributes.hashed_by.as_ref()
    }

    /// Who may call it; absent: everybody.
    #[must_use]
    #[inline]
    pub fn policy(&self) -> Option<&Policy> {
        self.content()?.attributes.policy.as_deref()
    }

    /// Whether requests pass through a route service first.
    #[inline]
    #[must_use]
    pub const fn has_route_service(&self) -> bool {
        self.has_service
    }

    /// The URL of the service that requests pass through first, if there is one.
    #[must_use]
    pub fn route_service(&self) -> Option<&str> {
        self.content()?.attributes.route_service.as_deref()
    }

    /// Whether an endpoint may take one more request. `max_connections` is the bound of those that
    /// have none of their own; 0 for none (L-23).
    #[must_use]
    pub fn has_room(&self, max_connections: u32) -> bool {
        self.endpoints.iter().any(|endpoint| {
            let limit = match endpoint.max_connections() {
                0 => max_connections,
                own => own,
            };
            limit == 0 || endpoint.state().in_flight() < limit
        })
    }

    /// Where keys lead, and what led them.
    pub(crate) fn slots(&self) -> Option<(&Slots, &HashedBy)> {
        let slots = self.slots.as_ref()?.get_or_init(|| {
            let ids = self.endpoints.iter().map(|each| match each.instance_id() {
                "" => each.address().as_str(),
                id => id,
            });
            Slots::new(ids)
        });
        Some((slots, self.hashed_by()?))
    }

    /// Forgets where keys lead, after a change.
    fn forget_slots(&mut self) {
        let has_service = |content: &Content| content.attributes.route_service.is_some();
        self.has_service = self.content().is_some_and(has_service);
        let is_hashed = |content: &Content| content.attributes.hashed_by.is_some();
        self.slots = self
            .content()
            .is_some_and(is_hashed)
            .then(Box::<OnceLock<Slots>>::default);
    }

    /// What it does with its requests and responses, where that is anything.
    #[inline]
    #[must_use]
    pub fn rules(&self) -> Option<&Arc<Rules>> {
        self.content()?.attributes.rules.as_ref()
    }

    /// The only group of endpoints; empty for a route from NATS.
    #[must_use]
    pub fn group(&self) -> &str {
        self.content()
            .map_or("", |content| &content.attributes.group)
    }

    /// Where the attributes that count come from.
    #[must_use]
    pub fn origin(&self) -> Origin<'_> {
        self.held
            .first()
            .map_or_else(Origin::default, |held| Origin {
                segment: held.segment(),
                revision: held.stamp().revision,
                birth: held.birth(),
                generation: held.generation,
            })
    }

    /// The name of its pool in the process.
    #[must_use]
    pub const fn pool_index(&self) -> PoolIndex {
        self.index
    }

    /// Its endpoints, ordered by address.
    #[must_use]
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    /// The path prefix, canonical.
    pub(crate) fn path(&self) -> &str {
        match &self.key.path {
            Path::Prefix(path) | Path::Exact(path) | Path::Template(path) => path,
        }
    }

    /// What counts among the attributes of all segments; `None` where that was rejected, or none
    /// are held.
    pub(crate) fn content(&self) -> Option<&Content> {
        self.held.first()?.content()
    }

    /// Whether nothing at all is known of it.
    pub(crate) fn is_void(&self) -> bool {
        self.held.is_empty() && self.endpoints.is_empty()
    }

    /// The attributes of all segments, those that count first.
    pub(crate) fn all_held(&self) -> &[Held] {
        &self.held
    }

    /// The attributes of one segment.
    pub(crate) fn held(&self, segment: &str) -> Option<&Held> {
        self.held.iter().find(|held| held.segment() == segment)
    }

    /// Whether the attributes that come first still are the latest.
    pub(crate) fn is_ordered(&self) -> bool {
        self.held
            .split_first()
            .is_none_or(|(first, rest)| rest.iter().all(|held| held.stamp() <= first.stamp()))
    }

    /// Puts the latest attributes first.
    pub(crate) fn order(&mut self) {
        self.held
            .sort_by_key(|held| std::cmp::Reverse(held.stamp()));
        self.forget_slots();
    }

    /// Puts the attributes of one segment in the place of the earlier ones.
    pub(crate) fn put_held(&mut self, held: Held) {
        self.remove_held(held.segment());
        self.held.push(held);
        self.order();
        self.held.shrink_to_fit();
    }

    /// Takes the attributes of one segment out.
    pub(crate) fn remove_held(&mut self, segment: &str) -> Option<Held> {
        let at = self
            .held
            .iter()
            .position(|held| held.segment() == segment)?;
        let held = self.held.remove(at);
        self.forget_slots();
        Some(held)
    }

    /// The endpoint at `address`.
    pub(crate) fn endpoint(&self, address: &str) -> Option<&Arc<Endpoint>> {
        let at = self.find_endpoint(address).ok()?;
        self.endpoints.get(at)
    }

    /// Puts an endpoint in the place of the one with its address, which it returns.
    pub(crate) fn put_endpoint(&mut self, endpoint: Arc<Endpoint>) -> Option<Arc<Endpoint>> {
        self.forget_slots();
        match self.find_endpoint(endpoint.address().as_str()) {
            Ok(at) => self
                .endpoints
                .get_mut(at)
                .map(|old| std::mem::replace(old, endpoint)),
            Err(at) => {
                self.endpoints.insert(at, endpoint);
                None
            }
        }
    }

    /// Takes the endpoint at `address` out.
    pub(crate) fn remove_endpoint(&mut self, address: &str) -> Option<Arc<Endpoint>> {
        let at = self.find_endpoint(address).ok()?;
        self.forget_slots();
        Some(self.endpoints.remove(at))
    }

    fn find_endpoint(&self, address: &str) -> Result<usize, usize> {
        self.endpoints
            .binary_search_by(|endpoint| endpoint.address().as_str().cmp(address))
    }
}
