//! The single owner of the registry: events in order, age by the clock, reads in between.
//!
//! Sources, distribution and admin know nothing of each other: they meet at the [`Handle`] and the [`Source`]s of this
//! task. It is an ordinary task: each of its turns is bounded, so it needs no thread of its own, and it holds no lock,
//! since nobody else ever sees the registry but for the length of a look between two turns.

mod active_apps;
mod clock;
mod handle;
mod history;
mod log;
mod metrics;
mod orders;
mod overrides;
mod questions;
mod replicas;
mod roll_out;
mod staging;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use pointsman_registry::{Registry, Settings, SourceId, WhileAway};
use prometheus_client::registry::Registry as MetricsRegistry;
use tokio::sync::{mpsc, watch};

pub(crate) use active_apps::ActiveApps;
use clock::Clock;
use handle::Read;
pub use handle::{Batch, Ended, Event, Failing, Handle, Message, Otherwise, Source};
use history::Recorder;
pub use history::{History, Reach, Record, Subject, What, Why};
use metrics::Metrics;
use orders::Order;
pub use orders::Refused;
pub(crate) use orders::Release;
use overrides::Overrides;
pub use overrides::{Effect, NewOverride, Override, Target};
pub use questions::{Answer, HeldEndpoint, HeldRoute, Holding, Question, Unanswered};
pub(crate) use questions::{Ask, OPEN};
pub use replicas::{Counts, Gone, Nack, Rejected, Replica};
pub(crate) use replicas::{Place, Replicas};
pub use roll_out::{Halt, Settings as RollOutSettings, Stage, Traffic};
use staging::Stager;
pub use staging::{Cause, Rolling, Staging};
use turn::Timers;

/// Events that may wait for their turn, each of which may be a batch of messages.
const EVENTS: usize = 32;

/// Looks that may wait for their turn. Every session has at most one.
const READS: usize = 1024;

/// Reports of failing endpoints that may wait for their turn.
const FAILING: usize = 256;

/// Orders of operators that may wait for their turn.
const ORDERS: usize = 16;

/// The task, before it runs.
#[derive(Debug)]
pub struct RegistryTask {
    registry: Registry,
    clock: Clock,
    metrics: Metrics,
    recorder: Recorder,
    /// Kept for those who come later, so that the other end never closes.
    source: mpsc::Sender<(SourceId, Event)>,
    events: mpsc::Receiver<(SourceId, Event)>,
    reads: mpsc::Receiver<Read>,
    failing: mpsc::Receiver<Failing>,
    orders: mpsc::Receiver<Order>,
    release: watch::Sender<Option<Release>>,
    /// The guard holds something, and that was told.
    guard_told: bool,
    head: watch::Sender<u64>,
    standing: watch::Sender<pointsman_registry::Standing>,
    overrides: Overrides,
    stager: Stager,
    handle: Handle,
    timers: Timers,
}

impl RegistryTask {
    /// A task around an empty registry. `epoch` is random and not 0. `metrics` are those of the process.
    #[must_use]
    pub fn new(settings: Settings, epoch: u64, metrics: &mut MetricsRegistry) -> Self {
        let clock = Clock::start();
        let registry = Registry::new(settings, epoch);
        let (source, events) = mpsc::channel(EVENTS);
        let (reads_sender, reads) = mpsc::channel(READS);
        let (failing_sender, failing) = mpsc::channel(FAILING);
        let (orders_sender, orders) = mpsc::channel(ORDERS);
        let release = watch::Sender::new(None);
        let head = watch::Sender::new(registry.head());
        // Nobody has added a source yet, so nothing has been listened to.
        let standing = watch::Sender::new(pointsman_registry::Standing {
            open: false,
            authoritative: false,
            reason: "it has only just started".to_owned(),
        });
        let overrides = Overrides::default();
        let stager = Stager::default();
        let handle = Handle {
            overrides: overrides.shown(),
            staging: stager.shown(),
            reads: reads_sender,
            failing: failing_sender,
            orders: orders_sender,
            release: release.subscribe(),
            head: head.subscribe(),
            standing: standing.subscribe(),
            replicas: Arc::new(Replicas::default()),
            active_apps: Arc::default(),
            history: Arc::default(),
        };
        let recorder = Recorder::new(Arc::clone(&handle.history));
        let metrics = Metrics::new(metrics);
        let timers = Timers::new(clock);
        Self {
            registry,
            clock,
            metrics,
            recorder,
            source,
            events,
            reads,
            failing,
            orders,
            release,
            guard_told: false,
            head,
            standing,
            overrides,
            stager,
            handle,
            timers,
        }
    }

    /// Adds a source, which is away until it says that it is back.
    pub fn source(&mut self, name: &str, while_away: WhileAway) -> Source {
        let id = self.registry.add_source(name, while_away);
        self.recorder.name(id, name);
        Source {
            id,
            events: self.source.clone(),
        }
    }

    /// Adds a source that declares what it has, and is away until it has said all of it.
    pub fn declaring_source(&mut self, name: &str) -> Source {
        let id = self.registry.add_declaring_source(name);
        self.recorder.name(id, name);
        Source {
            id,
            events: self.source.clone(),
        }
    }

    /// Tells `listen` how long each new endpoint took from its update to its registration, where its publisher says when
    /// that was. It must not wait.
    pub fn tell_latencies(&mut self, listen: impl Fn(Duration) + Send + 'static) {
        self.metrics.tell_latencies(listen);
    }

    /// Everybody else's end.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

#[cfg(test)]
mod tests;
