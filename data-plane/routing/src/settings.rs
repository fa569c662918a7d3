//! Effective values that the control plane decides, the same for every data plane.

use std::time::Duration;

/// How an endpoint of a pool is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// One after the other.
    RoundRobin,
    /// The one with the fewest requests in flight.
    LeastConnection,
}

/// What a request gets while a route has no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmptyPool {
    /// 404, as if the route did not exist.
    NotFound,
    /// 503, no endpoints.
    Unavailable,
}

/// The settings of the session that filled the table. They are part of the table: a request sees
/// both from one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long an endpoint that failed is passed over.
    pub mark_time: Duration,
    /// What a request gets where its route does not say.
    pub empty_pool: EmptyPool,
    /// How an endpoint is chosen where its pool does not say.
    pub default_algorithm: Algorithm,
    /// How often publishers repeat themselves; an endpoint whose identity failed is readmitted
    /// after one such interval.
    pub registration_interval: Duration,
}

/// What an empty table says before a control plane was heard: Gorouter's defaults.
impl Default for Settings {
    fn default() -> Self {
        Self {
            mark_time: Duration::from_secs(30),
            empty_pool: EmptyPool::NotFound,
            default_algorithm: Algorithm::RoundRobin,
            registration_interval: Duration::from_secs(20),
        }
    }
}
