//! Following one control plane after the other, for as long as the process lives.

use std::sync::Arc;
use std::time::Duration;

use pointsman_process::readiness::Condition;
use pointsman_proto::v1::{self, follow_request};
use pointsman_routing::{Table, Time};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::attend::Stopped;
use super::borrowing::Borrowing;
use super::choice::{Choice, Worth};
use super::connect::ControlPlane;
use super::follower::{Breach, Follower};
use super::instead::Instead;
use super::questions::Questions;
use super::report::Load;
use super::restoring::{Restore, Restoring};
use super::session::{Ended, MISSED};
use super::status::Status;
use crate::failing::{Failed, Failures};
use crate::overrides::Switches;
use crate::persisted::Lifetimes;
use crate::table::Publisher;

/// How long two publications lie apart at least.
const BETWEEN_TABLES: Duration = Duration::from_millis(10);

/// Within which those that lost the same control plane turn to another one, so that it does not
/// get all of them in one moment.
const SPREAD: Duration = Duration::from_millis(100);

/// What a subscription is made of.
pub struct Parts {
    /// What is held.
    pub follower: Follower,
    /// Where tables go.
    pub publisher: Publisher,
    /// The control planes, in the order of this data plane ([`rank`](super::rank)).
    pub control_planes: Vec<ControlPlane>,
    /// How often either side shows a sign of life.
    pub heartbeat: Duration,
    /// The origin of the time by which the table counts.
    pub origin: Instant,
    /// The persisted table; `None` where there is no folder for one.
    pub restore: Option<Restore>,
    /// How long endpoints may be served after a control plane last confirmed them, where another data plane lends its table.
    pub lifetimes: Lifetimes,
    /// Met once there is a table that may be served.
    pub ready: Condition,
    /// What failed, for reports and for what becomes of orphans.
    pub failures: Failures,
    /// How busy the data plane is.
    pub load: Arc<dyn Fn() -> Load + Send + Sync>,
    /// Cancelled when the process begins to drain.
    pub draining: CancellationToken,
    /// Where it is shown how following goes.
    pub status: watch::Sender<Status>,
    /// What an operator has switched for a while.
    pub switches: Arc<Switches>,
}

/// The task that follows a control plane, on the control thread.
pub struct Subscription {
    pub(super) parts: Parts,
    pub(super) stop: CancellationToken,
    pub(super) choice: Choice,
    pub(super) restoring: Restoring,
    pub(super) instead: Instead,
    pub(super) borrowing: Borrowing,
    pub(super) questions: Questions,
    pub(super) published: Option<Instant>,
    /// When orphans end next.
    pub(super) next_end: Option<Instant>,
}

impl Subscription {
    /// A subscription that has not begun.
    #[must_use]
    pub fn new(mut parts: Parts) -> Self {
        let restore = parts.restore.take();
        let instead = Instead::new(parts.switches.serving(), restore.clone());
        let restoring = Restoring::new(restore, Instant::now());
        Self {
            choice: Choice::new(parts.control_planes.len()),
            parts,
            stop: CancellationToken::new(),
            restoring,
            instead,
            borrowing: Borrowing::default(),
            questions: Questions::new(Instant::now()),
            published: None,
            next_end: None,
        }
    }

    /// Follows until `stop` is cancelled. The table stays as it is afterwards.
    pub async fn run(mut self, stop: CancellationToken) {
        self.stop = stop;
        // Stopped is the only way out.
        let Err(Stopped) = self.follow_one_after_the_other().await;
        self.publish();
    }

    async fn follow_one_after_the_other(&mut self) -> Result<std::convert::Infallible, Stopped> {
        loop {
            let opened = self.seek().await?;
            let ended = self.follow(opened).await;
            self.borrowing.end();
            self.publish();
            let now = Instant::now();
            match &ended {
                Ended::Stopped => return Err(Stopped),
                Ended::Aged => {
                    info!(
                        component = "subscription",
                        control_plane = self.followed(),
                        "session-ended-by-age",
                    );
                    self.choice.aged(now);
                    self.parts
                        .status
                        .send_modify(|status| status.connection = None);
                }
                Ended::Better(at) => {
                    self.lost(&ended);
                    self.choice.prefer(*at);
                }
                _ => {
                    self.lost(&ended);
                    self.lose(&ended).await?;
                }
            }
            self.free_tables();
        }
    }

    /// Turns away from one that cannot be followed any longer.
    async fn lose(&mut self, ended: &Ended) -> Result<(), Stopped> {
        let Some(at) = self.choice.current() else {
            return Ok(());
        };
        self.failed(at, ended);
        let mut until = Instant::now() + SPREAD.mul_f64(fastrand::f64());
        // A table that differs is asked for anew from the same control plane, also where there are
        // others: it is not worse than they are.
        if matches!(ended, Ended::Breach(Breach::Diverged { .. })) {
            self.choice.prefer(at);
            until = self.choice.not_before(at).unwrap_or(until);
        }
        self.until(tokio::time::sleep_until(until)).await
    }

    fn lost(&mut self, ended: &Ended) {
        warn!(
            component = "subscription",
            control_plane = self.followed(),
            reason = %ended,
            routes = self.follower().table().routes(),
            "control-plane-lost",
        );
        let trouble = format!("{}: {ended}", self.followed());
        self.parts.status.send_modify(|status| {
            status.connection = None;
            status.trouble = Some(trouble);
            if matches!(ended, Ended::Breach(Breach::Diverged { .. })) {
                status.divergences += 1;
            }
        });
    }

    /// One cannot be followed, or not any longer.
    pub(super) fn failed(&mut self, at: usize, ended: &Ended) {
        let draw = (Instant::now(), fastrand::f64());
        self.choice.failed(at, ended.to_string(), draw);
        if matches!(ended, Ended::Silent(_)) {
            self.choice.was_silent(at);
        }
        self.show_choice();
    }

    pub(super) const fn heartbeat(&self) -> Duration {
        self.parts.heartbeat
    }

    /// The first message of a session.
    pub(super) fn hello(&self) -> v1::FollowRequest {
        let mut hello = self.follower().hello();
        if let Some(follow_request::Message::Hello(hello)) = &mut hello.message {
            hello.wants_table = !self.is_servable();
            hello.may_hold_more = self.restoring.may_come();
        }
        hello
    }

    /// How long a control plane may be silent.
    pub(super) fn silence(&self) -> Duration {
        self.heartbeat().saturating_mul(MISSED)
    }

    /// The time as the table counts it.
    pub(super) fn table_time(&self) -> Time {
        Time::since_origin(self.parts.origin.elapsed())
    }

    pub(super) const fn follower(&self) -> &Follower {
        &self.parts.follower
    }

    pub(super) const fn follower_mut(&mut self) -> &mut Follower {
        &mut self.parts.follower
    }

    /// Where news come from that are no control plane's.
    pub(super) const fn sources(&mut self) -> (&mut Failures, &mut Restoring, &mut Instead) {
        (
            &mut self.parts.failures,
            &mut self.restoring,
            &mut self.instead,
        )
    }

    pub(super) fn control_plane(&self, at: usize) -> Option<&ControlPlane> {
        self.parts.control_planes.get(at)
    }

    /// The name of the one that is followed, or was last.
    pub(super) fn followed(&self) -> &str {
        let current = self.choice.current();
        current
            .and_then(|at| self.control_plane(at))
            .map_or("", |control_plane| &control_plane.name)
    }

    /// What the word of the one that is followed is worth.
    pub(super) fn worth(&self) -> Worth {
        Worth::of(self.follower().standing())
    }

    /// When the other control planes are to be looked at.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.choice.next_look(self.worth(), self.is_servable())
    }

    /// The other control planes, where they are to be looked at now.
    pub(super) fn others(&mut self) -> Vec<(usize, ControlPlane)> {
        let others = self.choice.others(Instant::now());
        let others = others.into_iter();
        others
            .filter_map(|at| Some((at, self.control_plane(at)?.clone())))
            .collect()
    }

    /// Whether a control plane that is fit to do so is filling the table.
    pub(super) fn is_filling(&self) -> bool {
        let connected = self.parts.status.borrow().connection.is_some();
        connected && self.worth() >= Worth::Open && !self.follower().is_filled()
    }

    /// Whether there is a table that may be served.
    pub(super) fn is_servable(&self) -> bool {
        let taken_over = self.restoring.has_served() || self.borrowing.has_served();
        self.follower().is_filled() || taken_over
    }

    /// When the next table may be published, if there is something to publish.
    fn next_table(&self) -> Option<Instant> {
        let may = self.instead.is_nothing() && !self.borrowing.is_under_way();
        (self.follower().is_changed() && may).then(|| {
            self.published
                .map_or_else(Instant::now, |last| last + BETWEEN_TABLES)
        })
    }

    /// When something has to be done by itself.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let next = [self.next_table(), self.next_end, self.restoring.due()];
        next.into_iter().flatten().min()
    }

    /// Does what is due.
    pub(super) fn do_due(&mut self) {
        let now = Instant::now();
        self.publish_if_due();
        if self.next_end.is_some_and(|end| end <= now) {
            self.expire();
        }
        if self.restoring.due().is_some_and(|due| due <= now) {
            self.begin_restoring();
        }
    }

    /// Publishes what changed, where the last publication is long enough ago.
    pub(super) fn publish_if_due(&mut self) {
        if self.next_table().is_some_and(|due| due <= Instant::now()) {
            self.publish();
        }
    }

    /// Publishes what changed, unless something else is served in its place.
    pub(super) fn publish(&mut self) {
        if self.instead.is_nothing()
            && !self.borrowing.is_under_way()
            && let Some(table) = self.parts.follower.publish()
        {
            self.serve(table);
        }
        self.look_ready();
    }

    /// Has this table be served from now on.
    pub(super) fn serve(&mut self, table: Arc<Table>) {
        self.parts.publisher.publish(table);
        self.published = Some(Instant::now());
        self.parts.status.send_modify(|status| {
            status.publications += 1;
            status.published = self.published;
        });
    }

    /// Drops the orphans whose time is over.
    pub(super) fn expire(&mut self) {
        let now = self.table_time();
        let next = self.parts.follower.expire(now);
        let origin = self.parts.origin;
        let begin = Time::since_origin(Duration::ZERO);
        self.next_end = next.map(|end| origin + end.since(begin));
        self.show_doubted();
    }

    /// An endpoint failed at a request: where it is an orphan, it is dropped by that.
    pub(super) fn note_failure(&mut self, failed: &Failed) {
        if self.parts.follower.orphans() == 0 {
            return;
        }
        let address = failed.endpoint.address();
        if self
            .parts
            .follower
            .failed(failed.route.key(), address.as_str())
        {
            info!(
                component = "subscription",
                route = %failed.route.key(),
                address = address.as_str(),
                reason = failed.reason,
                "orphan-dropped",
            );
            self.show_doubted();
        }
    }

    /// Frees what workers gave back.
    pub(super) fn free_tables(&mut self) {
        self.parts.publisher.free_returned();
        self.parts.follower.tidy();
    }
}

#[cfg(test)]
mod tests;
