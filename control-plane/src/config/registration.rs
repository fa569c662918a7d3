//! The section `registration`.

use std::collections::BTreeSet;
use std::time::Duration;

use pointsman_process::configuration::{Check, Interval, Size, Validate};
use pointsman_registry::Algorithm;
use serde::Deserialize;

use crate::distribution::Effective;
use crate::sources::message;

/// Which registrations count, and for how long.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Registration {
    /// How often publishers are asked to repeat themselves.
    pub interval: Interval,
    /// How long a registration counts that names no shorter time.
    pub stale_threshold: Interval,
    /// How long is listened before the table may fill an empty data plane.
    pub start_delay: Interval,
    /// How long a silent TLS endpoint stays; absent: until it fails.
    pub prune_stale_tls_endpoints: Option<Interval>,
    /// Whether endpoints on loopback addresses are registered: for trying things out on one machine.
    pub allow_loopback: bool,
    /// Top-level domains under which `*.DOMAIN` may be registered.
    pub top_level_wildcards: BTreeSet<String>,
    /// Whether endpoints may speak HTTP/2.
    pub enable_http2: bool,
    /// How an endpoint is chosen where its route does not say.
    pub default_algorithm: DefaultAlgorithm,
    /// Which endpoint decides about the attributes of its route.
    pub effective_values: EffectiveValues,
    /// What becomes of a route without endpoints.
    pub empty_pool: EmptyPool,
    /// How much may be registered.
    pub limits: Limits,
    /// How much may go by age at once.
    pub guard: Guard,
}

/// How much may go by age at once; the rest is held until it is heard again, unregistered, or released by an operator.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Guard {
    /// The share of the routes, in percent; 100 for all of them.
    pub percent: u8,
    /// So many routes may go in any case.
    pub at_least: usize,
    /// What at once means.
    pub window: Interval,
}

impl Default for Guard {
    fn default() -> Self {
        let guard = pointsman_registry::Settings::default().guard;
        Self {
            percent: guard.percent,
            at_least: guard.at_least,
            window: Interval(guard.window),
        }
    }
}

/// How an endpoint is chosen where its route does not say. The hash of a header is for single routes only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefaultAlgorithm {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest requests in flight.
    LeastConnection,
}

/// Which endpoint decides about the attributes of its route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectiveValues {
    /// The one that was changed last, as it says itself: the same on every control plane.
    #[default]
    FunctionOfState,
    /// The one that was heard last, as Gorouter has it.
    LastWriter,
}

/// What becomes of a route without endpoints.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct EmptyPool {
    /// What a request gets: 404 or 503.
    pub status: u16,
    /// How long the route is kept for 503; for 404 it goes at once.
    pub timeout: Interval,
}

/// How much may be registered.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of a message that are decoded (L-30).
    pub message: Size,
    /// URIs of one message (L-31).
    pub uris_per_message: usize,
    /// Endpoints of one route (L-33).
    pub endpoints_per_route: usize,
    /// Routes (L-33).
    pub routes: usize,
}

impl Default for Registration {
    fn default() -> Self {
        let registry = pointsman_registry::Settings::default();
        Self {
            interval: Interval(registry.registration_interval),
            stale_threshold: Interval(registry.stale_threshold),
            start_delay: Interval(registry.start_delay),
            prune_stale_tls_endpoints: None,
            allow_loopback: false,
            top_level_wildcards: BTreeSet::new(),
            enable_http2: true,
            default_algorithm: DefaultAlgorithm::default(),
            effective_values: EffectiveValues::default(),
            empty_pool: EmptyPool::default(),
            limits: Limits::default(),
            guard: Guard::default(),
        }
    }
}

impl Default for EmptyPool {
    fn default() -> Self {
        Self {
            status: 404,
            timeout: Interval(Duration::ZERO),
        }
    }
}

impl EmptyPool {
    /// How long a route without endpoints is kept: only where it then answers 503. One that is as good as none would keep
    /// requests from a wildcard above it (C-266).
    fn kept(self) -> Duration {
        if self.status == 503 {
            self.timeout.0
        } else {
            Duration::ZERO
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let message = message::Limits::default();
        let table = pointsman_registry::Settings::default().limits;
        Self {
            message: Size(message.message_bytes as u64),
            uris_per_message: message.uris,
            endpoints_per_route: table.endpoints_per_route,
            routes: table.routes,
        }
    }
}

impl Validate for Registration {
    fn validate(&self, check: &mut Check<'_>) {
        let second = Interval(Duration::from_secs(1));
        if self.interval < second {
            check.refuse(
                "interval",
                "is shorter than publishers can be told",
                "write 1s or more",
            );
        }
        if self.stale_threshold < second {
            check.refuse(
                "stale_threshold",
                "is too short",
                "write 1s or more, such as 120s",
            );
        }
        if self.interval.0.saturating_mul(2) > self.stale_threshold.0 {
            check.refuse(
                "stale_threshold",
                "is shorter than two intervals: one lost message would remove an endpoint",
                "write at least twice the interval",
            );
        }
        if ![404, 503].contains(&self.empty_pool.status) {
            check.refuse(
                "empty_pool.status",
                "is none that a router gives",
                "write 404 or 503",
            );
        } else if self.empty_pool.timeout.0 != self.empty_pool.kept() {
            check.warn(
                "empty_pool.timeout",
                "does nothing: a route that answers 404 goes with its last endpoint; write status: 503 to keep it",
            );
        }
        for name in &self.top_level_wildcards {
            if name.is_empty() || name.contains(['.', '*']) || *name != name.to_ascii_lowercase() {
                let what = format!("holds `{name}`, which is no top-level domain");
                check.refuse(
                    "top_level_wildcards",
                    what,
                    "write names without dots, in lower case",
                );
            }
        }
        if self.guard.percent > 100 {
            check.refuse("guard.percent", "is more than everything", "write 0 to 100");
        }
        if self.guard.window < second {
            check.refuse("guard.window", "is too short", "write 1s or more");
        }
        self.validate_limits(check);
    }
}

impl Registration {
    fn validate_limits(&self, check: &mut Check<'_>) {
        let Limits {
            message,
            uris_per_message,
            endpoints_per_route,
            routes,
        } = self.limits;
        if !(Size(1024)..=Size(1 << 20)).contains(&message) {
            check.refuse("limits.message", "is out of bounds", "write 1KiB to 1MiB");
        }
        for (key, given) in [
            ("limits.uris_per_message", uris_per_message),
            ("limits.endpoints_per_route", endpoints_per_route),
            ("limits.routes", routes),
        ] {
            if given == 0 {
                check.refuse(
                    key,
                    "is 0, so nothing would be registered",
                    "write 1 or more",
                );
            }
        }
    }

    /// What a message may say.
    pub(super) fn messages(&self) -> message::Policy {
        message::Policy {
            limits: message::Limits {
                message_bytes: usize::try_from(self.limits.message.0).unwrap_or(usize::MAX),
                uris: self.limits.uris_per_message,
            },
            allow_loopback: self.allow_loopback,
            top_level_wildcards: message::TopLevelWildcards::Listed(
                self.top_level_wildcards.clone(),
            ),
            enable_http2: self.enable_http2,
        }
    }

    /// The settings of the registry.
    pub(super) fn registry(&self) -> pointsman_registry::Settings {
        pointsman_registry::Settings {
            stale_threshold: self.stale_threshold.0,
            registration_interval: self.interval.0,
            start_delay: self.start_delay.0,
            prune_stale_tls: self.prune_stale_tls_endpoints.map(|Interval(given)| given),
            empty_pool_timeout: self.empty_pool.kept(),
            effective_values: match self.effective_values {
                EffectiveValues::FunctionOfState => {
                    pointsman_registry::EffectiveValues::FunctionOfState
                }
                EffectiveValues::LastWriter => pointsman_registry::EffectiveValues::LastWriter,
            },
            limits: pointsman_registry::Limits {
                endpoints_per_route: self.limits.endpoints_per_route,
                routes: self.limits.routes,
            },
            guard: pointsman_registry::Guard {
                percent: self.guard.percent,
                at_least: self.guard.at_least,
                window: self.guard.window.0,
            },
            ..pointsman_registry::Settings::default()
        }
    }

    /// What every data plane uses alike. An endpoint that failed is passed over for a quarter of the threshold, as
    /// Gorouter has it (C-131 to C-158).
    pub(super) fn effective(&self) -> Effective {
        Effective {
            mark_time: self.stale_threshold.0 / 4,
            empty_pool_status: self.empty_pool.status,
            empty_pool_timeout: self.empty_pool.kept(),
            default_algorithm: match self.default_algorithm {
                DefaultAlgorithm::RoundRobin => Algorithm::RoundRobin,
                DefaultAlgorithm::LeastConnection => Algorithm::LeastConnection,
            },
            registration_interval: self.interval.0,
        }
    }
}
