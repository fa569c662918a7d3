//! What a data plane is told.

use std::sync::Arc;
use std::time::Duration;

use pointsman_proto::v1::follow_response;
use pointsman_registry::{Closing, Reader, Registry, Step, Sum, Thing};
use tokio::time::Instant;
use tonic::Status;

use super::progress::{Progress, flags};
use super::{Session, ends};
use crate::distribution::editions::{Edition, Next, Printed, Since, Withheld, edition};
use crate::distribution::wire::{Encoded, Parcel};
use crate::distribution::{LOOK, to_proto};

/// How long a repaired table is left alone: what differs again so soon is not a matter of what was sent.
const BETWEEN_REPAIRS: Duration = Duration::from_secs(30);

impl Session {
    /// The next message: what is small and urgent first.
    pub(super) async fn next(&mut self, progress: &mut Progress) -> Result<Option<Parcel>, Status> {
        if let Some(message) = self.urgent(progress).await? {
            return Ok(Some(Parcel::from([message])));
        }
        if let Some(message) = self.borrow(progress) {
            return Ok(Some(Parcel::from([message])));
        }
        if progress.may_lend()
            && let Some(message) = self.lend(progress).await?
        {
            return Ok(Some(Parcel::from([message])));
        }
        if !progress.may_read(Instant::now()) {
            return Ok(None);
        }
        let rests_at = progress.reader.as_ref().and_then(Reader::rests_at);
        match rests_at.map(|revision| self.editions.since(revision)) {
            Some(Since::Nothing) => {
                progress.busy = false;
                Ok(None)
            }
            // What is rolled out is in the editions; that it is, is told before they are taken.
            Some(Since::Editions(editions)) if !self.staging.borrow().keeps_from(&self.id) => {
                Ok(Some(self.pass_on(progress, &editions)))
            }
            _ => {
                let message = self.read_on(progress).await?;
                Ok(message.map(|message| Parcel::from([message])))
            }
        }
    }

    /// What is small, and goes before the table.
    async fn urgent(&mut self, progress: &mut Progress) -> Result<Option<Encoded>, Status> {
        if self.standing_differs(progress) {
            let standing = self.standing.borrow_and_update();
            progress.told = flags(&standing);
            let standing = to_proto::standing(&standing);
            let message = to_proto::response(follow_response::Message::Standing(standing));
            return Ok(Some(Encoded::of(&message)));
        }
        if Instant::now() >= progress.beat_at {
            progress.beat_at = Instant::now() + self.settings.heartbeat;
            let (revision, sum) = progress.closed.unwrap_or_default();
            return Ok(Some(Encoded::of(&to_proto::heartbeat(revision, sum))));
        }
        if let Some((number, up_to_revision)) = self.release_due(progress) {
            progress.released = number;
            let epoch = self.look(|registry| registry.epoch()).await?;
            let release = to_proto::release(epoch, up_to_revision);
            return Ok(Some(Encoded::of(&release)));
        }
        let question = progress.questions.send();
        Ok(question.map(|question| Encoded::of(&question)))
    }

    /// What others with the same view are told as well, up to the latest edition.
    fn pass_on(&self, progress: &mut Progress, editions: &[Arc<Edition>]) -> Parcel {
        for edition in editions {
            self.metrics.sent(edition.things);
            self.metrics.removed(edition.removals);
        }
        if let (Some(latest), Some(reader)) = (editions.last(), &mut progress.reader) {
            reader.rest_at(latest.to);
            self.close(progress, (latest.to, latest.sum), &latest.withheld);
            // The editions are apart already.
            progress.gather_until = progress.closed_at;
        }
        progress.busy = false;
        self.metrics.passed_on();
        edition::parcel(editions)
    }

    /// A look at the registry.
    pub(super) async fn look<Seen: Send + 'static>(
        &self,
        look: impl FnOnce(&Registry) -> Seen + Send + 'static,
    ) -> Result<Seen, Status> {
        let seen = self.handle.read(move |registry, _| look(registry)).await;
        seen.map_err(|_| ends::leaving())
    }

    /// What the reader gives next.
    async fn read_on(&mut self, progress: &mut Progress) -> Result<Option<Encoded>, Status> {
        let Some(mut reader) = progress.reader.take() else {
            return Err(Status::internal("the place in the table is lost"));
        };
        let was_snapshot = reader.is_snapshot();
        let next = match reader.page_due() {
            None => None,
            Some(due) => Some(self.editions.page(due).await),
        };
        let reading = match next {
            None => None,
            Some(Next::Read(reading)) => Some(reading),
            Some(Next::Page(printed)) => {
                reader.turn(&printed.page);
                progress.reader = Some(reader);
                self.metrics.shared();
                return Ok(self.batch(progress, printed.things, printed.batch.clone()));
            }
        };
        reader.admit(self.admitted());
        let look = self.look(move |registry| {
            let (step, page) = reader.next_page(registry, LOOK);
            let withheld = match &step {
                Step::Closing(_) => reader.withheld(registry),
                Step::Batch(_) | Step::Idle => Vec::new(),
            };
            (reader, (step, page), (withheld, registry.horizon()))
        });
        let (reader, (step, page), (withheld, horizon)) = look.await?;
        if reader.is_snapshot() && !was_snapshot {
            self.overtaken();
        }
        progress.reader = Some(reader);
        match step {
            Step::Idle => {
                progress.busy = false;
                Ok(None)
            }
            Step::Batch(things) => {
                let (batch, things) = (encoded(&things), things.len());
                if let Some(reading) = reading {
                    let batch = batch.clone();
                    let printed = page.map(|page| Printed {
                        page,
                        things,
                        batch,
                    });
                    reading.done(printed, horizon);
                }
                Ok(self.batch(progress, things, batch))
            }
            Step::Closing(closing) => Ok(Some(self.closing(progress, &closing, &withheld))),
        }
    }

    /// The end of what was sent since the last one, or a part of it.
    fn closing(&self, progress: &mut Progress, closing: &Closing, withheld: &Withheld) -> Encoded {
        self.metrics.removed(closing.removals.len());
        if closing.continues {
            progress.sent_since = true;
        } else {
            progress.complete |= closing.complete;
            self.close(progress, (closing.revision, closing.sum), withheld);
        }
        Encoded::of(&to_proto::closing(closing))
    }

    /// Things go out, where there are any.
    fn batch(
        &self,
        progress: &mut Progress,
        things: usize,
        batch: Option<Encoded>,
    ) -> Option<Encoded> {
        progress.sent_since |= batch.is_some();
        self.metrics.sent(things);
        batch
    }

    fn close(&self, progress: &mut Progress, closed: (u64, Sum), withheld: &Withheld) {
        let now = Instant::now();
        progress.close(closed);
        progress.sent_since = false;
        progress.closed_at = now;
        progress.gather_until = now + self.settings.gather;
        self.place.update(|replica| {
            replica.sent_revision = closed.0;
            if *replica.withheld != **withheld {
                replica.withheld.clone_from(withheld);
            }
        });
    }

    /// Removals were forgotten that the data plane has not been told of: it gets everything.
    fn overtaken(&self) {
        self.metrics.overtaken();
        let (name, id) = self.names();
        tracing::warn!(
            component = "distribution",
            name = &*name,
            id = &*id,
            "data-plane-overtaken"
        );
    }

    /// The table of the data plane differs from what it should be: everything is sent again.
    pub(super) async fn repair(&mut self, progress: &mut Progress) -> Result<(), Status> {
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
        progress.repaired_at = Some(now);
        self.give_all(progress, Reader::restart).await
    }

    /// Everything is given again.
    pub(super) async fn give_all(
        &self,
        progress: &mut Progress,
        restart: fn(&mut Reader, &Registry),
    ) -> Result<(), Status> {
        let Some(mut reader) = progress.reader.take() else {
            return Ok(());
        };
        let restarted = self.look(move |registry| {
            restart(&mut reader, registry);
            reader
        });
        progress.reader = Some(restarted.await?);
        progress.busy = true;
        Ok(())
    }
}

/// Things to add or change, where there are any.
fn encoded(things: &[Thing]) -> Option<Encoded> {
    (!things.is_empty()).then(|| Encoded::batch(things))
}
