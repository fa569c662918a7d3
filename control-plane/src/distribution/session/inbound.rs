//! What a data plane says.

use std::time::Duration;

use pointsman_proto::v1::{self, follow_request};
use pointsman_registry::Sum;
use tokio::time::Instant;
use tonic::Status;

use super::{Progress, Session, ends};
use crate::distribution::{from_proto, hello};
use crate::registry_task::{Failing, Nack};

/// Failing endpoints of one report that are looked at; the rest will be reported again.
const FAILING: usize = 256;

/// Active apps of one report that are looked at: more than a data plane names.
const ACTIVE_APPS: usize = 8192;
/// Kinds of overrides of one report that are shown.
const OVERRIDES: usize = 16;

impl Session {
    /// Takes a message.
    ///
    /// # Errors
    ///
    /// Where it makes no sense in this place. The session ends, and the data plane says hello again.
    pub(super) async fn take(
        &mut self,
        message: v1::FollowRequest,
        progress: &mut Progress,
    ) -> Result<(), Status> {
        progress.heard = Instant::now();
        self.place
            .update(|replica| replica.last_heard = progress.heard);
        // A kind of message that this release does not know is left alone.
        let Some(message) = message.message else {
            return Ok(());
        };
        match message {
            follow_request::Message::Hello(_) => Err(Status::invalid_argument(
                "a second hello; expected one for each session",
            )),
            follow_request::Message::Ack(ack) => self.take_ack(ack, progress).await,
            follow_request::Message::Heartbeat(beat) => self.take_heartbeat(beat, progress).await,
            follow_request::Message::Report(report) => self.take_report(report).await,
            follow_request::Message::TablePart(part) => self.take_part(part, progress),
            follow_request::Message::Answer(answer) => {
                let id = answer.id;
                if progress.questions.answered(answer) {
                    return Ok(());
                }
                Err(Status::invalid_argument(format!(
                    "an answer to question {id}, which was not asked"
                )))
            }
        }
    }

    async fn take_ack(&mut self, ack: v1::Ack, progress: &mut Progress) -> Result<(), Status> {
        let (closed, _) = progress.closed.unwrap_or_default();
        if ack.revision > closed {
            return Err(Status::invalid_argument(format!(
                "an ack of revision {}; the last closing step was that of {closed}",
                ack.revision
            )));
        }
        let latest = ack.revision == closed;
        if latest {
            self.metrics.acked(progress.closed_at.elapsed());
        }
        let held = from_proto::sum(ack.things, ack.digest);
        let head = *self.head.borrow();
        let told_all = progress.complete && progress.told.1;
        let comparable = self.show_ack(&ack, held, head, told_all);
        // What it holds by now may be more than it acks: what was sent behind the closing step.
        if latest && comparable && !progress.sent_since && !progress.agrees(held) {
            self.repair(progress).await?;
        }
        Ok(())
    }

    /// Shows what was acked. Whether the sums can be compared: what was rejected is in one of them only.
    fn show_ack(&self, ack: &v1::Ack, held: Sum, head: u64, told_all: bool) -> bool {
        let rejections = ack.rejected.len();
        let shown = ack.rejected.iter().take(hello::SHOWN);
        let rejected: Vec<_> = shown.map(from_proto::shown).collect();
        let now = Instant::now();
        self.place.update(|replica| {
            let news = rejected.iter().filter(|it| !replica.rejected.contains(it));
            let news: Vec<_> = news.cloned().collect();
            for it in &news {
                tracing::warn!(
                    component = "distribution",
                    name = &*replica.name,
                    uri = it.route,
                    backend = &*it.address,
                    reason = &*it.reason,
                    "data-plane-rejects"
                );
            }
            // Only the first of them have names here: more of them is news as well.
            if !news.is_empty() || rejections > replica.rejections {
                replica.last_nack = Some(Nack {
                    at: now,
                    revision: ack.revision,
                    rejected: news,
                });
            }
            replica.rejected = rejected;
            replica.rejections = rejections;
            if told_all {
                // What it keeps all the same are orphans, which it reports.
                replica.of_others = 0;
            }
            replica.acked_revision = ack.revision;
            replica.acked_at = Some(now);
            replica.held = held;
            if replica.has_converged(head) {
                replica.behind_since = None;
            }
        });
        rejections == 0
    }

    async fn take_heartbeat(
        &mut self,
        beat: v1::Heartbeat,
        progress: &mut Progress,
    ) -> Result<(), Status> {
        let held = from_proto::sum(beat.things, beat.digest);
        let acked = self.place.update(|replica| {
            replica.held = held;
            (replica.rejections == 0).then_some(replica.acked_revision)
        });
        let Some((closed, _)) = progress.closed else {
            return Ok(());
        };
        // Only at rest do both ends speak of the same things.
        let at_rest = !progress.sent_since && acked.flatten() == Some(closed);
        if at_rest && beat.revision == closed && !progress.agrees(held) {
            self.repair(progress).await?;
        }
        Ok(())
    }

    async fn take_report(&mut self, report: v1::Report) -> Result<(), Status> {
        let load = report.load.unwrap_or_default();
        let counts = from_proto::counts(report.counts.unwrap_or_default());
        let now = Instant::now();
        self.place.update(|replica| {
            replica.held_removals = report.held_removals;
            replica.orphans = report.orphans;
            replica.table_age = report.table_age.and_then(from_proto::duration);
            replica.draining = report.draining;
            replica.frozen = report.frozen;
            replica.received_revision = report.received_revision;
            let overrides = report.overrides.iter().take(OVERRIDES);
            replica.overrides = overrides.map(|kind| kind.as_str().into()).collect();
            replica.requests = load.requests;
            replica.in_flight = load.in_flight;
            replica.connections = load.connections;
            replica.count(counts, now);
        });
        for app in report.active_apps.into_iter().take(ACTIVE_APPS) {
            let ago = Duration::from_secs(app.seconds_ago);
            let last = now.checked_sub(ago).unwrap_or(now);
            self.handle.active_apps().mark(&app.app_id, last);
        }
        for endpoint in report.failing.into_iter().take(FAILING) {
            let Some(route) = endpoint.route.and_then(from_proto::key) else {
                continue;
            };
            let failing = Failing {
                route,
                address: endpoint.address.into(),
            };
            let taken = self.handle.failing(failing).await;
            taken.map_err(|_| ends::leaving())?;
        }
        Ok(())
    }
}
