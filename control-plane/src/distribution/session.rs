//! One data plane's stream.

mod admission;
pub(super) mod ends;
mod inbound;
pub(super) mod lending;
mod outbound;
mod progress;
mod questions;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use pointsman_proto::v1;
use pointsman_registry::{Reader, Standing};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::Settings;
use super::editions::Following;
use super::metrics::Metrics;
use super::wire::Outgoing;
use crate::registry_task::{Ask, Handle, Place, Release, Staging};
use lending::Lending;
use progress::Progress;

/// Signs of life that may be missed.
const MISSED: u32 = 3;

/// A session that has been welcomed.
pub(super) struct Session {
    pub(super) settings: Arc<Settings>,
    pub(super) handle: Handle,
    pub(super) metrics: Arc<Metrics>,
    pub(super) place: Place,
    pub(super) head: watch::Receiver<u64>,
    /// What all are told who see the same.
    pub(super) editions: Following,
    pub(super) standing: watch::Receiver<Standing>,
    pub(super) releases: watch::Receiver<Option<Release>>,
    /// Who is given what is rolled out.
    pub(super) staging: watch::Receiver<Staging>,
    /// The data plane.
    pub(super) id: Box<str>,
    pub(super) asks: mpsc::Receiver<Ask>,
    /// The turns of snapshots.
    pub(super) snapshots: Arc<Semaphore>,
    pub(super) incoming: Streaming<v1::FollowRequest>,
    pub(super) outgoing: mpsc::Sender<Outgoing>,
    pub(super) ending: CancellationToken,
}

impl Session {
    /// Serves the data plane to the end of its stream, and tells why it ended.
    pub(super) async fn run(mut self, reader: Reader, lending: Lending) {
        let _counted = self.metrics.count_session();
        let (name, id) = self.names();
        tracing::info!(
            component = "distribution",
            name = &*name,
            id = &*id,
            "data-plane-follows"
        );
        let ended = self.serve(reader, lending).await;
        let reason = ended.as_ref().map_or("it left", Status::message).to_owned();
        tracing::info!(
            component = "distribution",
            name = &*name,
            id = &*id,
            reason,
            "data-plane-left"
        );
        if let Some(status) = ended {
            // A data plane that does not read does not need to know.
            let farewell = self.outgoing.send(Err(status));
            let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
        }
    }

    fn names(&self) -> (Box<str>, Box<str>) {
        let names = self
            .place
            .update(|replica| (replica.name.clone(), replica.id.clone()));
        names.unwrap_or_default()
    }

    /// Until the data plane leaves, or has to.
    async fn serve(&mut self, reader: Reader, lending: Lending) -> Option<Status> {
        let mut progress = self.begin(reader, lending);
        loop {
            match self.turn(&mut progress).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return None,
                Err(status) => return Some(status),
            }
        }
    }

    /// Waits for the next thing to do, and does it.
    async fn turn(&mut self, progress: &mut Progress) -> Result<ControlFlow<()>, Status> {
        let now = Instant::now();
        if progress.is_over(now) {
            self.metrics.aged();
            return Err(ends::aged());
        }
        progress.look_at_stall(now);
        progress.queue_up(&self.snapshots);
        let due = self.is_due(progress, now);
        let wake = progress.wake(due, now);
        let silence = self.settings.heartbeat * MISSED;
        let outgoing = self.outgoing.clone();
        let has_room = progress.questions.has_room();
        tokio::select! {
            () = self.ending.cancelled() => Err(ends::leaving()),
            () = self.place.replaced().cancelled() => {
                Err(Status::aborted("a newer session of the same process has begun"))
            }
            message = timeout_at(progress.heard + silence, self.incoming.message()) => {
                let message = message.map_err(|_| Status::deadline_exceeded(format!(
                    "nothing was heard for {} seconds", silence.as_secs_f64()
                )))??;
                let Some(message) = message else { return Ok(ControlFlow::Break(())) };
                self.take(message, progress).await?;
                Ok(ControlFlow::Continue(()))
            }
            permit = outgoing.reserve(), if due || progress.admission.is_stalled() => {
                // Whoever reads the stream has gone.
                let Ok(permit) = permit else { return Ok(ControlFlow::Break(())) };
                if !due {
                    progress.admission.queue_again();
                } else if let Some(parcel) = self.next(progress).await? {
                    progress.admission.sent();
                    permit.send(Ok(parcel));
                }
                Ok(ControlFlow::Continue(()))
            }
            () = progress.admission.granted() => {
                self.metrics.admitted();
                Ok(ControlFlow::Continue(()))
            }
            Some(ask) = self.asks.recv(), if has_room => {
                progress.questions.take(ask);
                Ok(ControlFlow::Continue(()))
            }
            () = self.editions.changed(), if !progress.busy => {
                progress.busy = true;
                self.fall_behind();
                Ok(ControlFlow::Continue(()))
            }
            () = progress.lending.changed() => Ok(ControlFlow::Continue(())),
            changed = self.standing.changed() => while_there(changed.is_ok()),
            changed = self.releases.changed() => while_there(changed.is_ok()),
            changed = self.staging.changed() => {
                progress.busy = true;
                while_there(changed.is_ok())
            }
            () = sleep_until(wake) => Ok(ControlFlow::Continue(())),
        }
    }

    fn fall_behind(&self) {
        let now = Instant::now();
        self.place
            .update(|replica| *replica.behind_since.get_or_insert(now));
    }
}

/// Without the registry there is no session.
fn while_there(changed: bool) -> Result<ControlFlow<()>, Status> {
    if changed {
        Ok(ControlFlow::Continue(()))
    } else {
        Err(ends::leaving())
    }
}
