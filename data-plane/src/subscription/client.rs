//! Following one control plane after the other, for as long as the process lives.

use std::sync::Arc;
use std::time::Duration;

use pointsman_process::readiness::Condition;
use pointsman_routing::Time;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::backoff::Backoff;
use super::connect::ControlPlane;
use super::follower::{Breach, Follower};
use super::report::{self, Load};
use super::session::{BETWEEN_TABLES, Ended};
use super::status::{Connection, Status};
use crate::failing::Failures;
use crate::table::Publisher;

/// What a subscription is made of.
pub struct Parts {
    /// What is held.
    pub follower: Follower,
    /// Where tables go.
    pub publisher: Publisher,
    /// The control planes, in the order in which they are tried.
    pub control_planes: Vec<ControlPlane>,
    /// How often either side shows a sign of life.
    pub heartbeat: Duration,
    /// Met once the table was filled by a control plane that was open.
    pub ready: Condition,
    /// What failed, for reports.
    pub failures: Failures,
    /// How busy the data plane is.
    pub load: Arc<dyn Fn() -> Load + Send + Sync>,
    /// Cancelled when the process begins to drain.
    pub draining: CancellationToken,
    /// Where it is shown how following goes.
    pub status: watch::Sender<Status>,
}

/// The task that follows a control plane, on the control thread.
pub struct Subscription {
    parts: Parts,
    stop: CancellationToken,
    /// The control plane that is followed, or tried next.
    current: usize,
    published: Option<Instant>,
    /// The origin of the time by which orphans live.
    origin: Instant,
    backoff: Backoff,
}

impl Subscription {
    /// A subscription that has not begun.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            stop: CancellationToken::new(),
            current: 0,
            published: None,
            origin: Instant::now(),
            backoff: Backoff::default(),
        }
    }

    /// Follows until `stop` is cancelled. The table stays as it is afterwards.
    pub async fn run(mut self, stop: CancellationToken) {
        self.stop = stop;
        loop {
            let Some(control_plane) = self.parts.control_planes.get(self.current).cloned() else {
                return self.stop.cancelled().await;
            };
            let ended = self.follow_once(&control_plane).await;
            self.publish();
            if matches!(ended, Ended::Stopped) {
                return;
            }
            self.lost(&control_plane, &ended);
            // A table that differs is asked for anew from the same control plane; whoever cannot
            // be followed makes room for the next one.
            if !matches!(ended, Ended::Breach(Breach::Diverged { .. })) {
                self.current = (self.current + 1) % self.parts.control_planes.len();
            }
            let wait = self.backoff.next(fastrand::f64());
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            self.free_tables();
        }
    }

    async fn follow_once(&mut self, control_plane: &ControlPlane) -> Ended {
        let connected = tokio::select! {
            () = self.stop.cancelled() => return Ended::Stopped,
            connected = control_plane.connect() => connected,
        };
        match connected {
            Ok(channel) => self.follow(channel).await,
            Err(error) => Ended::Unreachable(error),
        }
    }

    fn lost(&mut self, control_plane: &ControlPlane, ended: &Ended) {
        warn!(
            component = "subscription",
            control_plane = control_plane.name,
            reason = %ended,
            routes = self.follower().table().routes(),
            "control-plane-lost",
        );
        self.parts.status.send_modify(|status| {
            status.connection = None;
            status.trouble = Some(format!("{}: {ended}", control_plane.name));
            if matches!(ended, Ended::Breach(Breach::Diverged { .. })) {
                status.divergences += 1;
            }
        });
    }

    pub(super) const fn heartbeat(&self) -> Duration {
        self.parts.heartbeat
    }

    /// The time as the table counts it.
    pub(super) fn table_time(&self) -> Time {
        Time::since_origin(self.origin.elapsed())
    }

    pub(super) const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    pub(super) const fn follower(&self) -> &Follower {
        &self.parts.follower
    }

    pub(super) const fn follower_mut(&mut self) -> &mut Follower {
        &mut self.parts.follower
    }

    /// When the next table may be published, if there is something to publish.
    pub(super) fn next_table(&self) -> Option<Instant> {
        self.follower().is_changed().then(|| {
            self.published
                .map_or_else(Instant::now, |last| last + BETWEEN_TABLES)
        })
    }

    /// Publishes what changed, where the last publication is long enough ago.
    pub(super) fn publish_if_due(&mut self) {
        if self.next_table().is_some_and(|due| due <= Instant::now()) {
            self.publish();
        }
    }

    /// Publishes what changed.
    pub(super) fn publish(&mut self) {
        if let Some(table) = self.parts.follower.publish() {
            self.parts.publisher.publish(table);
            self.published = Some(Instant::now());
            self.parts
                .status
                .send_modify(|status| status.publications += 1);
        }
        self.look_ready();
    }

    /// Drops the orphans whose time is over.
    pub(super) fn expire(&mut self) {
        let now = self.table_time();
        self.follower_mut().expire(now);
    }

    /// Frees what workers gave back.
    pub(super) fn free_tables(&self) {
        self.parts.publisher.free_returned();
    }

    /// A session began.
    pub(super) fn welcomed(&mut self) {
        let (epoch, _) = self.follower().position();
        info!(
            component = "subscription",
            control_plane = self.control_plane(),
            epoch,
            "control-plane-followed",
        );
        self.parts.status.send_modify(|status| {
            status.sessions += 1;
            status.trouble = None;
        });
        self.show();
    }

    /// The control plane confirmed what is held.
    pub(super) fn confirmed(&mut self) {
        self.backoff.reset();
        self.parts
            .status
            .send_modify(|status| status.confirmed = Some(Instant::now()));
        self.show();
    }

    /// Ready is who serves a table that a control plane was fit to fill, also when it is gone.
    fn look_ready(&self) {
        if self.follower().is_filled() && !self.follower().is_changed() {
            self.parts.ready.met();
        }
    }

    /// Shows how following goes.
    pub(super) fn show(&self) {
        let follower = self.follower();
        let (epoch, revision) = follower.position();
        let standing = follower.standing();
        let connection = Connection {
            address: self.control_plane().to_owned(),
            open: standing.open,
            authoritative: standing.authoritative,
            reason: standing.reason.clone(),
        };
        self.parts.status.send_modify(|status| {
            status.epoch = epoch;
            status.revision = revision;
            status.rejected = follower.rejected().count() as u64;
            status.unconfirmed = follower.unconfirmed();
            status.connection = Some(connection);
        });
        self.look_ready();
    }

    fn control_plane(&self) -> &str {
        self.parts
            .control_planes
            .get(self.current)
            .map_or("", |control_plane| &control_plane.name)
    }

    /// What the control plane wants to know.
    pub(super) fn report(&mut self) -> pointsman_proto::v1::FollowRequest {
        let age = self.parts.status.borrow().confirmed.map(|at| at.elapsed());
        let load = (self.parts.load)();
        let draining = self.parts.draining.is_cancelled();
        let doubted = (
            self.parts.follower.orphans(),
            self.parts.follower.held_removals(),
        );
        report::report(&mut self.parts.failures, load, doubted, (age, draining))
    }
}

#[cfg(test)]
mod tests;
