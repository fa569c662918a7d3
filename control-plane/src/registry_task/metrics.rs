//! What the registry counts. Names that Gorouter has are Gorouter's.

use std::fmt;
use std::time::Duration;

use foldhash::{HashMap, HashMapExt as _};
use pointsman_process::wall_clock;
use pointsman_registry::{
    Counts, Declared, Dropped, Expired, Lapsed, Put, Registered, Registration, Standing,
    Unregistered,
};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::overrides::{Effect, Override};
use super::replicas::Kept;

/// Values of the label `component`, which publishers choose (L-39).
const COMPONENTS: usize = 10_000;

/// The label of one component too many.
const OTHER: &str = "other";

/// What can become of a registered URI that is taken.
const ACTIONS: [&str; 4] = ["added", "updated", "refreshed", "unmodified"];

/// Where the buckets of a registration's latency end, in milliseconds.
const LATENCIES: [f64; 12] = [
    1.0, 2.0, 4.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 5_000.0, 30_000.0,
];

#[derive(Debug)]
pub(super) struct Metrics {
    registry_message: Family<Action, Counter>,
    unregistry_message: Family<Component, Counter>,
    /// What messages were about, as far as it has a label of its own, with the counters of `registry_message` by what
    /// became of it.
    components: HashMap<Box<str>, [Option<Counter>; ACTIONS.len()]>,
    heartbeats: Counter,
    dropped: Family<Reason, Counter>,
    other_segment: Counter,
    routes_pruned: Counter,
    fallen_silent: Counter,
    expiries_held: Counter,
    held: [Gauge; 5],
    latency: Histogram,
    /// Whom it is told as well.
    listener: Option<LatencyListener>,
    total_routes: Gauge,
    ms_since_last_registry_update: Gauge,
    endpoints: Gauge,
    addresses: Gauge,
    removals: Gauge,
    revision: Gauge,
    overrides: Family<Kind, Gauge>,
    ejected: Gauge,
    rolled_out: Gauge,
    roll_out_halted: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Action {
    component: String,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Component {
    component: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// Who is told how long each new endpoint took from its update to its registration, and must not wait.
pub(super) struct LatencyListener(Box<dyn Fn(Duration) + Send>);

impl fmt::Debug for LatencyListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LatencyListener(..)")
    }
}

impl Metrics {
    /// Tells how long each new endpoint took, beside counting it.
    pub(super) fn tell_latencies(&mut self, listen: impl Fn(Duration) + Send + 'static) {
        self.listener = Some(LatencyListener(Box::new(listen)));
    }

    pub(super) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            registry_message: Family::default(),
            unregistry_message: Family::default(),
            components: HashMap::new(),
            heartbeats: Counter::default(),
            dropped: Family::default(),
            other_segment: Counter::default(),
            routes_pruned: Counter::default(),
            fallen_silent: Counter::default(),
            expiries_held: Counter::default(),
            held: Default::default(),
            latency: Histogram::new(LATENCIES),
            listener: None,
            total_routes: Gauge::default(),
            ms_since_last_registry_update: Gauge::default(),
            endpoints: Gauge::default(),
            addresses: Gauge::default(),
            removals: Gauge::default(),
            revision: Gauge::default(),
            overrides: Family::default(),
            ejected: Gauge::default(),
            rolled_out: Gauge::default(),
            roll_out_halted: Gauge::default(),
        };
        metrics.register_families(registry);
        metrics.register_counters(registry);
        metrics.register_gauges(registry);
        metrics.register_held(registry);
        metrics.register_overrides(registry);
        metrics.register_roll_out(registry);
        metrics
    }

    fn register_overrides(&self, registry: &mut Registry) {
        for kind in Effect::KINDS {
            drop(self.overrides.get_or_create(&Kind { kind }));
        }
        registry.register(
            "pointsman_overrides",
            "What operators have put over the rules for a while, by kind",
            self.overrides.clone(),
        );
        registry.register(
            "pointsman_registry_ejected_endpoints",
            "Endpoints that are given to no data plane because an operator took them out",
            self.ejected.clone(),
        );
    }

    fn register_roll_out(&self, registry: &mut Registry) {
        for (name, help, gauge) in [
            (
                "pointsman_roll_out_routes",
                "Routes whose change is given to one part of the data planes after the other now",
                &self.rolled_out,
            ),
            (
                "pointsman_roll_out_halted",
                "1 while such a change goes no further by itself",
                &self.roll_out_halted,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
    }

    /// The roll-out that is under way; no routes where none is.
    pub(super) fn roll_out(&self, routes: usize, halted: bool) {
        self.rolled_out
            .set(i64::try_from(routes).unwrap_or(i64::MAX));
        self.roll_out_halted.set(halted.into());
    }

    pub(super) fn overrides(&self, standing: &[Override]) {
        for kind in Effect::KINDS {
            let count = standing
                .iter()
                .filter(|it| it.effect.kind() == kind)
                .count();
            let gauge = self.overrides.get_or_create(&Kind { kind });
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    pub(super) fn ejected(&self, endpoints: usize) {
        self.ejected
            .set(i64::try_from(endpoints).unwrap_or(i64::MAX));
    }

    fn register_families(&self, registry: &mut Registry) {
        registry.register(
            "registry_message",
            "Registered URIs, by the component tag and by what became of them",
            self.registry_message.clone(),
        );
        registry.register(
            "unregistry_message",
            "Unregistered URIs, by the component tag",
            self.unregistry_message.clone(),
        );
        registry.register(
            "pointsman_registry_dropped",
            "Registered URIs that were not taken, by reason",
            self.dropped.clone(),
        );
        registry.register(
            "route_registration_latency",
            "Milliseconds from the update of an endpoint to its registration",
            self.latency.clone(),
        );
    }

    fn register_counters(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            (
                "routes_pruned",
                "Endpoints that were pruned",
                &self.routes_pruned,
            ),
            (
                "pointsman_registry_heartbeats",
                "Registrations that were known by their fingerprint",
                &self.heartbeats,
            ),
            (
                "pointsman_registry_fallen_silent",
                "TLS endpoints that were not heard for their threshold, and are kept",
                &self.fallen_silent,
            ),
            (
                "pointsman_registry_expiries_held",
                "Endpoints that were not heard for their threshold, and were kept because that was too much at once",
                &self.expiries_held,
            ),
            (
                "pointsman_registry_unregistered_in_other_segment",
                "Endpoints that were registered in another segment than their unregistration named",
                &self.other_segment,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
    }

    fn register_gauges(&self, registry: &mut Registry) {
        for (name, help, gauge) in [
            ("total_routes", "Registered routes", &self.total_routes),
            (
                "ms_since_last_registry_update",
                "Milliseconds since the last registration, -1 before the first",
                &self.ms_since_last_registry_update,
            ),
            (
                "pointsman_registry_endpoints",
                "Registered endpoints, once for each route that they serve",
                &self.endpoints,
            ),
            (
                "pointsman_registry_addresses",
                "Different addresses",
                &self.addresses,
            ),
            (
                "pointsman_registry_removals",
                "Removals that are remembered",
                &self.removals,
            ),
            (
                "pointsman_registry_revision",
                "The revision of the latest change",
                &self.revision,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
    }

    fn register_held(&self, registry: &mut Registry) {
        let named = [
            (
                "pointsman_registry_held_expiries",
                "Endpoints that are kept until they are heard, unregistered or released",
            ),
            (
                "pointsman_replicas_held_removals",
                "Inferred removals that data planes hold back, as they report",
            ),
            (
                "pointsman_replicas_orphans",
                "Things that data planes keep though the complete table lacks them, as they report",
            ),
            (
                "pointsman_registry_open",
                "1 while the table is fit to fill an empty data plane",
            ),
            (
                "pointsman_registry_authoritative",
                "1 while what is not registered may be taken for gone",
            ),
        ];
        for ((name, help), gauge) in named.into_iter().zip(&self.held) {
            registry.register(name, help, gauge.clone());
        }
    }

    /// What is kept though it may be gone, and what the table is worth.
    pub(super) fn held(&self, expiries: u64, kept: Kept, standing: &Standing) {
        let figures = [
            expiries,
            kept.held_removals,
            kept.orphans,
            u64::from(standing.open),
            u64::from(standing.authoritative),
        ];
        for (gauge, figure) in self.held.iter().zip(figures) {
            gauge.set(i64::try_from(figure).unwrap_or(i64::MAX));
        }
    }

    /// The component of a message; `other` for one too many.
    fn component(&mut self, message: &Registration) -> String {
        let component = message.description.tag("component").unwrap_or_default();
        self.known(component).to_owned()
    }

    /// The label of a component.
    fn known<'a>(&mut self, component: &'a str) -> &'a str {
        if !self.components.contains_key(component) {
            if self.components.len() >= COMPONENTS {
                return OTHER;
            }
            self.components.insert(component.into(), Default::default());
        }
        component
    }

    /// Counts with a counter that is there; `false` where none is yet.
    fn count_again(&self, component: &str, action: usize) -> bool {
        let counters = self.components.get(component);
        let counter = counters.and_then(|counters| counters[action].as_ref());
        counter.is_some_and(|counter| {
            counter.inc();
            true
        })
    }

    #[cold]
    fn count_first(&mut self, component: &str, action: usize) {
        let component = self.known(component);
        if self.count_again(component, action) {
            return;
        }
        let labels = Action {
            component: component.to_owned(),
            action: ACTIONS[action],
        };
        let counter = self.registry_message.get_or_create(&labels).clone();
        counter.inc();
        if let Some(counters) = self.components.get_mut(component) {
            counters[action] = Some(counter);
        }
    }

    pub(super) fn registered(&mut self, message: &Registration, outcomes: &[Registered]) {
        let component = message.description.tag("component").unwrap_or_default();
        for outcome in outcomes {
            let action = match outcome.put {
                Put::Added => 0,
                Put::Updated => 1,
                Put::Refreshed => 2,
                Put::Unmodified => 3,
                Put::Dropped(dropped) => {
                    self.drop(dropped);
                    // It has its label even so.
                    self.known(component);
                    continue;
                }
            };
            if !self.count_again(component, action) {
                self.count_first(component, action);
            }
            if outcome.put == Put::Added {
                self.added(message.description.updated_at_ns());
            }
        }
    }

    /// A foreign shard is not counted (C-166), everything else that is not taken is.
    fn drop(&self, dropped: Dropped) {
        let reason = match dropped {
            Dropped::ForeignSegment => return,
            Dropped::TooManyEndpoints => "too_many_endpoints",
            Dropped::TooManyRoutes => "too_many_routes",
            Dropped::TooManySegments => "too_many_segments",
            Dropped::NoAddress => "no_address",
        };
        self.dropped.get_or_create(&Reason { reason }).inc();
    }

    /// Only what is new says how long it took, and only where it says since when.
    fn added(&self, updated_at_ns: i64) {
        if updated_at_ns <= 0 {
            return;
        }
        let took = wall_clock::now().as_nanosecond() - i128::from(updated_at_ns);
        // A publisher whose clock is ahead has taken no time.
        let took = Duration::from_nanos(u64::try_from(took).unwrap_or_default());
        self.latency.observe(took.as_secs_f64() * 1000.0);
        if let Some(LatencyListener(listen)) = &self.listener {
            listen(took);
        }
    }

    /// A route that is not taken counts as an endpoint that is not taken does.
    pub(super) fn declared(&self, declared: Declared) {
        match declared {
            Declared::Dropped(dropped) => self.drop(dropped),
            Declared::Taken => {
                let reason = "declared_by_another_source";
                self.dropped.get_or_create(&Reason { reason }).inc();
            }
            Declared::Born | Declared::Changed | Declared::Unchanged => {}
        }
    }

    pub(super) fn lapsed(&self, lapsed: &[Lapsed]) {
        let held = lapsed.iter().filter(|outcome| **outcome == Lapsed::Held);
        self.expiries_held.inc_by(held.count() as u64);
    }

    pub(super) fn heard(&self, messages: u64) {
        self.heartbeats.inc_by(messages);
    }

    pub(super) fn unregistered(&mut self, message: &Registration, outcomes: &[Unregistered]) {
        let component = Component {
            component: self.component(message),
        };
        for outcome in outcomes {
            if *outcome == Unregistered::ForeignSegment {
                continue;
            }
            self.unregistry_message.get_or_create(&component).inc();
            if matches!(
                outcome,
                Unregistered::Removed {
                    other_segment: true,
                    ..
                }
            ) {
                self.other_segment.inc();
            }
        }
    }

    pub(super) fn expired(&self, expired: &[Expired]) {
        for one in expired {
            match one {
                Expired::Endpoint { .. } => self.pruned(1),
                Expired::Silent { .. } => drop(self.fallen_silent.inc()),
                Expired::Held { .. } => drop(self.expiries_held.inc()),
                Expired::EmptyRoute { .. } => {}
            }
        }
    }

    pub(super) fn pruned(&self, endpoints: u64) {
        self.routes_pruned.inc_by(endpoints);
    }

    pub(super) fn figures(&self, counts: &Counts, revision: u64) {
        let since = counts.since_last_update.map(|since| since.as_millis());
        let since = since.map_or(-1, |since| i64::try_from(since).unwrap_or(i64::MAX));
        self.ms_since_last_registry_update.set(since);
        for (gauge, figure) in [
            (&self.total_routes, counts.routes as u64),
            (&self.endpoints, counts.endpoints as u64),
            (&self.addresses, counts.addresses as u64),
            (&self.removals, counts.removals as u64),
            (&self.revision, revision),
        ] {
            gauge.set(i64::try_from(figure).unwrap_or(i64::MAX));
        }
    }
}
