//! What an operator decides about a registry.

use std::time::Duration;

use crate::segment::SegmentFilter;

/// The settings of a registry. The default is that of the split planes.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How long a registration counts that names no threshold of its own, and the most that one may name.
    pub stale_threshold: Duration,
    /// How long an endpoint stays that was stale from the start; `None`: nothing is ever pruned, at any age.
    pub prune_interval: Option<Duration>,
    /// How often publishers repeat themselves.
    pub registration_interval: Duration,
    /// How long a source is listened to before the table may fill an empty data plane.
    pub start_delay: Duration,
    /// How long a silent TLS endpoint stays; `None`: until it is also reported as failing.
    pub prune_stale_tls: Option<Duration>,
    /// How long a route without endpoints is kept; zero: it is deleted with its last endpoint.
    pub empty_pool_timeout: Duration,
    /// Where the attributes of a route come from.
    pub effective_values: EffectiveValues,
    /// The segments that are registered at all.
    pub accepted: SegmentFilter,
    /// How much may be registered.
    pub limits: Limits,
    /// How long removals are remembered.
    pub memory: Memory,
    /// How much may go by age at once.
    pub guard: Guard,
}

/// How much may go by age at once; the rest is held (R-134, L-35). A route counts once in a window, however many of its
/// endpoints are not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The share of the routes, in percent; 100 for all of them.
    pub percent: u8,
    /// So many routes may go in any case.
    pub at_least: usize,
    /// What at once means.
    pub window: Duration,
}

/// Which of the endpoints of a route decides about its route service, balancing and policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectiveValues {
    /// The one with the greatest update time, then modification tag, then digest: the same on every control plane.
    FunctionOfState,
    /// The one that was added or changed last, as Gorouter has it.
    LastWriter,
}

/// How much may be registered (L-33).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Endpoints of one route.
    pub endpoints_per_route: usize,
    /// Routes.
    pub routes: usize,
}

/// How long removals are remembered, for readers that were away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// No longer than this.
    pub age: Duration,
    /// No more than this, or a quarter of what is registered where that is more.
    pub removals: usize,
}

impl Settings {
    /// How long every source is listened to before what was not heard may be taken for gone.
    #[must_use]
    pub fn authoritative_after(&self) -> Duration {
        self.stale_threshold.max(self.start_delay)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stale_threshold: Duration::from_secs(120),
            prune_interval: Some(Duration::from_secs(30)),
            registration_interval: Duration::from_secs(20),
            start_delay: Duration::from_secs(20),
            prune_stale_tls: None,
            empty_pool_timeout: Duration::ZERO,
            effective_values: EffectiveValues::FunctionOfState,
            accepted: SegmentFilter::All,
            limits: Limits {
                endpoints_per_route: 2_000,
                routes: 1_000_000,
            },
            memory: Memory {
                age: Duration::from_secs(3600),
                removals: 100_000,
            },
            guard: Guard {
                percent: 20,
                at_least: 50,
                window: Duration::from_secs(60),
            },
        }
    }
}
