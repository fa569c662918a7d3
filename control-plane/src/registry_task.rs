//! The single owner of the registry: events in order, age by the clock, reads in between.
//!
//! Sources, distribution and admin know nothing of each other: they meet at the [`Handle`] and the [`Source`]s of this
//! task.

mod handle;
mod replicas;

use std::sync::Arc;

use pointsman_registry::{Registry, Settings, SourceId, Standing, WhileAway};
use tokio::sync::{mpsc, watch};

pub use handle::{Ended, Event, Failing, Handle, Source};
pub(crate) use replicas::{Place, Replicas};
pub use replicas::{Rejected, Replica};

/// The task, before it runs.
#[derive(Debug)]
pub struct RegistryTask {
    registry: Registry,
    events: (
        mpsc::Sender<(SourceId, Event)>,
        mpsc::Receiver<(SourceId, Event)>,
    ),
    handle: Handle,
}

impl RegistryTask {
    /// A task around an empty registry. `epoch` is random and not 0. `metrics` are those of the process.
    #[must_use]
    pub fn new(
        settings: Settings,
        epoch: u64,
        metrics: &mut prometheus_client::registry::Registry,
    ) -> Self {
        let _ = metrics;
        let _: (Option<Arc<Replicas>>, Option<watch::Sender<Standing>>) = (None, None);
        todo!("{settings:?} {epoch}")
    }

    /// Adds a source, which is away until it says that it is back.
    pub fn source(&mut self, name: &str, while_away: WhileAway) -> Source {
        let id = self.registry.add_source(name, while_away);
        Source {
            id,
            events: self.events.0.clone(),
        }
    }

    /// Everybody else's end.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs until `end` resolves.
    pub async fn run(self, end: impl Future<Output = ()>) {
        end.await;
    }
}
