//! A route: what it answers for, what it asks for, and its endpoints.

use std::sync::Arc;

use pointsman_route_key::RouteKey;

use crate::{Algorithm, EmptyPool, Endpoint};

/// Names a pool among those of the process, small and dense, for tables that are indexed by it.
/// It is given out again after its route is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolIndex(pub(crate) u32);

/// What a route asks for, apart from where it leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The host as it was first registered, case kept.
    pub host_as_registered: String,
    /// The context path as it was first registered, case kept; `/` for none.
    pub path_as_registered: String,
    /// What a request gets while no endpoint is there. Absent: the session's.
    pub empty_pool: Option<EmptyPool>,
    /// How an endpoint is chosen. Absent: the session's default.
    pub algorithm: Option<Algorithm>,
    /// The only group; empty for a route from NATS.
    pub group: String,
}

/// One route of a table. It never changes: an update puts another one in its place.
#[derive(Clone, Debug)]
pub struct Route {
    pub(crate) key: RouteKey,
    pub(crate) index: PoolIndex,
    pub(crate) attributes: Arc<Attributes>,
    /// Ordered by address.
    pub(crate) endpoints: Vec<Arc<Endpoint>>,
}

impl Route {
    /// What it answers for.
    #[must_use]
    pub const fn key(&self) -> &RouteKey {
        &self.key
    }

    /// What it asks for.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
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
}
