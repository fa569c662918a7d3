//! Hands the table to data planes: one gRPC stream each.
//!
//! A session keeps no queue: a [`Reader`](pointsman_registry::Reader) remembers how far it came, and goes on when the
//! stream has room. So a slow data plane costs as much memory as a fast one, and skips what was overwritten meanwhile.

pub mod batch;
mod borrowed;
mod bounds;
mod connections;
mod editions;
mod from_proto;
pub mod hello;
mod metrics;
mod room;
mod service;
mod session;
pub mod to_proto;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use pointsman_registry::{Algorithm, Standing};
use prometheus_client::registry::Registry as MetricsRegistry;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::server::Connected;

use crate::registry_task::Handle;
use borrowed::Borrowed;
use editions::{Editions, Press};
use metrics::Metrics;
use room::Room;
use service::Service;
use wire::Rpc;

/// Things of one look at the registry.
const LOOK: usize = 512;

/// What an operator decides about distribution.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This control plane's name among people.
    pub name: String,
    /// How often either side shows a sign of life; three missed ones end a session.
    pub heartbeat: Duration,
    /// How long changes are gathered after one went out.
    pub gather: Duration,
    /// About how long a session lasts, give or take a fifth, so that a control plane that came back gets its share of
    /// them; `None`: for ever, for who has nobody else to go to.
    pub max_age: Option<Duration>,
    /// How many data planes get a snapshot at once; the others wait in their order. At least 1.
    pub snapshots: usize,
    /// How many bytes of snapshots are kept for a few seconds, for others that need the same; 0: none.
    pub snapshot_cache: usize,
    /// How many bytes of the tables of data planes are borrowed while this control plane has not heard everything, so that
    /// those that come with nothing can be lent them; 0: none.
    pub borrow_tables: usize,
    /// Who may see which segments.
    pub segments: SegmentBounds,
    /// What every data plane uses alike.
    pub effective: Effective,
}

/// Who may see which segments.
#[derive(Clone, Debug)]
pub enum SegmentBounds {
    /// Everybody sees what it asks for: no certificates are asked, which only loopback and pipes may do.
    Open,
    /// The certificate says: by URI names `pointsman://segments/NAME` (`pointsman://segments/` is the shared one,
    /// `pointsman://segments/*` all of them), or by this mapping from a DNS or URI name in it to segments.
    Certificate {
        /// Segments by name in the certificate; `*` for all of them.
        mapping: BTreeMap<String, Vec<String>>,
    },
}

/// Values that every data plane uses alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    /// How long an endpoint that failed is passed over.
    pub mark_time: Duration,
    /// What a request gets while no endpoint is there, 404 or 503.
    pub empty_pool_status: u16,
    /// How long an emptied route is kept.
    pub empty_pool_timeout: Duration,
    /// How an endpoint is chosen where a route does not say.
    pub default_algorithm: Algorithm,
    /// How often publishers repeat themselves.
    pub registration_interval: Duration,
}

/// The service, before it serves.
#[derive(Clone, Debug)]
pub struct Distribution {
    settings: Arc<Settings>,
    handle: Handle,
    metrics: Arc<Metrics>,
}

impl Distribution {
    /// The service around the registry's handle. `metrics` are those of the process.
    #[must_use]
    pub fn new(settings: Settings, handle: Handle, metrics: &mut MetricsRegistry) -> Self {
        Self {
            settings: Arc::new(settings),
            handle,
            metrics: Arc::new(Metrics::new(metrics)),
        }
    }

    /// Serves the connections that come in until `end` resolves, then ends the sessions. What comes in is TCP, TLS
    /// over it, or a pipe within the process: `incoming` has done every handshake already.
    pub async fn serve<Connection>(
        self,
        incoming: impl Stream<Item = io::Result<Connection>>,
        end: impl Future<Output = ()>,
    ) where
        Connection: Connected + AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // The sessions are tasks of their own, so that each hears its data plane even while that does not read. They
        // belong to this call, and end with it.
        let (sessions, ending) = (TaskTracker::new(), CancellationToken::new());
        let heartbeat = self.settings.heartbeat;
        let press = Press {
            handle: self.handle.clone(),
            metrics: Arc::clone(&self.metrics),
            gather: self.settings.gather,
            room: Arc::new(Room::new(self.settings.snapshot_cache)),
            ending: ending.clone(),
        };
        let borrowed = Borrowed::new(self.settings.borrow_tables);
        sessions.spawn(give_up_in_time(
            Arc::clone(&borrowed),
            self.handle.standing(),
            ending.clone(),
        ));
        let editions = Arc::new(Editions::new(press, sessions.clone()));
        sessions.spawn(Arc::clone(&editions).sweep());
        let service = Service {
            snapshots: Arc::new(Semaphore::new(self.settings.snapshots)),
            borrowed,
            editions,
            settings: self.settings,
            handle: self.handle,
            metrics: self.metrics,
            sessions,
            ending,
        };
        connections::serve(incoming, end, Rpc(Arc::new(service)), heartbeat).await;
    }
}

/// What is borrowed is given up when this control plane can speak for itself.
async fn give_up_in_time(
    borrowed: Arc<Borrowed>,
    mut standing: watch::Receiver<Standing>,
    ending: CancellationToken,
) {
    tokio::select! {
        () = ending.cancelled() => {}
        _ = standing.wait_for(|standing| standing.authoritative) => borrowed.close(),
    }
}

#[cfg(test)]
mod tests;
