//! One data plane's stream.

mod inbound;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use pointsman_proto::v1::{self, follow_response};
use pointsman_registry::{Reader, Standing, Step, Sum};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::metrics::Metrics;
use super::{Settings, to_proto};
use crate::registry_task::{Handle, Place};

/// Things of one look at the registry.
const THINGS: usize = 512;

/// Signs of life that may be missed.
const MISSED: u32 = 3;

/// How long a repaired table is left alone: what differs again so soon is not a matter of what was sent.
const BETWEEN_REPAIRS: Duration = Duration::from_secs(30);

type Message = Result<v1::FollowResponse, Status>;

/// A session that has been welcomed.
pub(super) struct Session {
    pub(super) settings: Arc<Settings>,
    pub(super) handle: Handle,
    pub(super) metrics: Arc<Metrics>,
    pub(super) place: Place,
    pub(super) head: watch::Receiver<u64>,
    pub(super) standing: watch::Receiver<Standing>,
    pub(super) incoming: Streaming<v1::FollowRequest>,
    pub(super) outgoing: mpsc::Sender<Message>,
    pub(super) ending: CancellationToken,
}

/// How far a session has come.
struct Progress {
    /// `None` only while a look at the registry is under way.
    reader: Option<Reader>,
    /// The reader may have something to give.
    busy: bool,
    /// Not before this does the reader begin anew.
    gather_until: Instant,
    /// The last closing step: its revision, and what it said is held.
    closed: Option<(u64, Sum)>,
    /// Something was sent since.
    sent_since: bool,
    closed_at: Instant,
    heard: Instant,
    beat_at: Instant,
    repaired_at: Option<Instant>,
    /// What was told of the standing.
    told: (bool, bool),
}

impl Session {
    /// Serves the data plane to the end of its stream, and tells why it ended.
    pub(super) async fn run(mut self, reader: Reader) {
        let _counted = self.metrics.count_session();
        let (name, id) = self.names();
        tracing::info!(
            component = "distribution",
            name = &*name,
            id = &*id,
            "data-plane-follows"
        );
        let ended = self.serve(reader).await;
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
    async fn serve(&mut self, reader: Reader) -> Option<Status> {
        let now = Instant::now();
        let told = flags(&self.standing.borrow_and_update());
        let mut progress = Progress {
            reader: Some(reader),
            busy: true,
            gather_until: now,
            closed: None,
            sent_since: false,
            closed_at: now,
            heard: now,
            beat_at: now + self.settings.heartbeat,
            repaired_at: None,
            told,
        };
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
        let beat_due = now >= progress.beat_at;
        let read_due = progress.busy && now >= progress.gather_until;
        let standing_due = self.standing_differs(progress);
        let due = beat_due || read_due || standing_due;
        let mut wake = progress.beat_at;
        if progress.busy {
            wake = wake.min(progress.gather_until);
        }
        let silence = self.settings.heartbeat * MISSED;
        let outgoing = self.outgoing.clone();
        tokio::select! {
            () = self.ending.cancelled() => {
                Err(Status::unavailable("the control plane is ending"))
            }
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
            permit = outgoing.reserve(), if due => {
                // Whoever reads the stream has gone.
                let Ok(permit) = permit else { return Ok(ControlFlow::Break(())) };
                if let Some(message) = self.next(progress).await? {
                    permit.send(Ok(message));
                }
                Ok(ControlFlow::Continue(()))
            }
            changed = self.head.changed(), if !progress.busy => {
                progress.busy = true;
                self.fall_behind();
                while_there(changed.is_ok())
            }
            changed = self.standing.changed() => while_there(changed.is_ok()),
            () = sleep_until(wake), if !due => Ok(ControlFlow::Continue(())),
        }
    }

    fn standing_differs(&self, progress: &Progress) -> bool {
        flags(&self.standing.borrow()) != progress.told
    }

    fn fall_behind(&self) {
        let now = Instant::now();
        self.place
            .update(|replica| *replica.behind_since.get_or_insert(now));
    }

    /// The next message: what is small and urgent first.
    async fn next(
        &mut self,
        progress: &mut Progress,
    ) -> Result<Option<v1::FollowResponse>, Status> {
        if self.standing_differs(progress) {
            let standing = self.standing.borrow_and_update();
            progress.told = flags(&standing);
            let standing = to_proto::standing(&standing);
            return Ok(Some(to_proto::response(
                follow_response::Message::Standing(standing),
            )));
        }
        if Instant::now() >= progress.beat_at {
            progress.beat_at = Instant::now() + self.settings.heartbeat;
            let (revision, sum) = progress.closed.unwrap_or_default();
            return Ok(Some(to_proto::heartbeat(revision, sum)));
        }
        self.read_on(progress).await
    }

    /// What the reader gives next.
    async fn read_on(
        &mut self,
        progress: &mut Progress,
    ) -> Result<Option<v1::FollowResponse>, Status> {
        let Some(mut reader) = progress.reader.take() else {
            return Err(Status::internal("the place in the table is lost"));
        };
        let look = self.handle.read(move |registry, _| {
            let step = reader.next(registry, THINGS);
            let withheld = reader.sums(registry).1.things;
            (reader, step, withheld)
        });
        let ending = |_| Status::unavailable("the control plane is ending");
        let (reader, step, withheld) = look.await.map_err(ending)?;
        progress.reader = Some(reader);
        match step {
            Step::Idle => {
                progress.busy = false;
                Ok(None)
            }
            Step::Batch(things) if things.is_empty() => Ok(None),
            Step::Batch(things) => {
                progress.sent_since = true;
                self.metrics.sent(things.len());
                Ok(Some(to_proto::batch(&things)))
            }
            Step::Closing(closing) => {
                self.metrics.removed(closing.removals.len());
                if closing.continues {
                    progress.sent_since = true;
                } else {
                    let now = Instant::now();
                    progress.closed = Some((closing.revision, closing.sum));
                    progress.sent_since = false;
                    progress.closed_at = now;
                    progress.gather_until = now + self.settings.gather;
                    self.place.update(|replica| {
                        replica.sent_revision = closing.revision;
                        replica.withheld = withheld;
                    });
                }
                Ok(Some(to_proto::closing(&closing)))
            }
        }
    }

    /// The table of the data plane differs from what it should be: everything is sent again.
    async fn repair(&mut self, progress: &mut Progress) -> Result<(), Status> {
        self.metrics.mismatch();
        self.place.update(|replica| replica.digest_mismatches += 1);
        let now = Instant::now();
        let recently = progress
            .repaired_at
            .is_some_and(|at| now < at + BETWEEN_REPAIRS);
        let (name, id) = self.names();
        tracing::warn!(
            component = "distribution",
            name = &*name,
            id = &*id,
            repaired = !recently,
            "data-plane-differs"
        );
        if recently {
            return Ok(());
        }
        let Some(mut reader) = progress.reader.take() else {
            return Ok(());
        };
        let look = self.handle.read(move |registry, _| {
            reader.restart(registry);
            reader
        });
        let ending = |_| Status::unavailable("the control plane is ending");
        progress.reader = Some(look.await.map_err(ending)?);
        progress.repaired_at = Some(now);
        progress.busy = true;
        Ok(())
    }
}

/// What a data plane acts on; the reason is for people.
fn flags(standing: &Standing) -> (bool, bool) {
    (standing.open, standing.authoritative)
}

/// Without the registry there is no session.
fn while_there(changed: bool) -> Result<ControlFlow<()>, Status> {
    if changed {
        Ok(ControlFlow::Continue(()))
    } else {
        Err(Status::unavailable("the control plane is ending"))
    }
}
