//! Endpoints for attempts: the first one, and others after failures.

use std::sync::Arc;

use pointsman_routing::{
    Context, EndpointIndex, Lease, Route, Selection, Settings, Table, Unavailable,
};
use smallvec::SmallVec;
use tokio::time::Instant;

use super::Journey;
use super::reason::{Blame, Failure, Reason, Safety};
use crate::worker::Worker;

/// The endpoint of an attempt, and what a further choice needs.
pub(super) struct Chosen {
    /// The endpoint, counted as in flight there.
    pub(super) lease: Lease,
    route: Arc<Route>,
    selection: Selection,
    failed: SmallVec<[EndpointIndex; 2]>,
}

impl Chosen {
    /// The endpoint of a request's first attempt.
    pub(super) fn first(
        worker: &Worker,
        route: &Arc<Route>,
        settings: &Settings,
        now: Instant,
    ) -> Result<Self, Unavailable> {
        let mut selection = Selection::new();
        let lease = next(worker, &mut selection, route, settings, now)?;
        Ok(Self {
            lease,
            route: Arc::clone(route),
            selection,
            failed: SmallVec::new(),
        })
    }

    /// The endpoint of the next attempt. `None` where nobody is left: as many attempts as there
    /// are endpoints have been made, and this one has failed before (8.1 of the data-plane
    /// reference).
    fn again(mut self, worker: &Worker, table: &Table, now: Instant) -> Option<Self> {
        self.failed.push(self.lease.endpoint().state().index());
        let route = table.renew(&self.route)?;
        let settings = table.settings();
        let lease = next(worker, &mut self.selection, route, settings, now).ok()?;
        let known = self.failed.contains(&lease.endpoint().state().index());
        if known && self.failed.len() >= route.endpoints().len() {
            return None;
        }
        Some(Self {
            lease,
            route: Arc::clone(route),
            ..self
        })
    }
}

#[inline]
fn next(
    worker: &Worker,
    selection: &mut Selection,
    route: &Route,
    settings: &Settings,
    now: Instant,
) -> Result<Lease, Unavailable> {
    let random = worker.random();
    let mut context = Context {
        settings,
        cursors: &mut worker.cursors.borrow_mut(),
        now: worker.table_time(now),
        random,
        max_connections: worker.settings.limits.endpoint_connections,
    };
    selection.next(route, &mut context)
}

impl Journey<'_, '_> {
    /// Holds a failure against the endpoint, and lets the control plane know.
    pub(super) fn blame(&mut self, chosen: &Chosen, reason: Reason) {
        let endpoint = chosen.lease.endpoint();
        let now = self.worker.table_time(Instant::now());
        match reason.blame() {
            Blame::None => return,
            Blame::SetAside if endpoint.tls().is_some() => endpoint.set_aside(now),
            Blame::SetAside | Blame::Mark => endpoint.mark_failed(now),
        }
        self.worker
            .failures
            .note(&chosen.route, endpoint, reason.word());
        tracing::debug!(
            endpoint = %endpoint.address(),
            reason = reason.word(),
            attempt = self.record.attempts,
            "attempt failed"
        );
    }

    /// The endpoint of the next attempt, or the failure that the client is told.
    pub(super) fn choose_again(
        &mut self,
        chosen: Chosen,
        failure: Failure,
    ) -> Result<Chosen, Failure> {
        let spent = self.record.attempts >= self.worker.settings.limits.attempts.max(1);
        if spent || !failure.may_repeat(self.safety()) {
            return Err(failure);
        }
        let mut reader = self.worker.table.borrow_mut();
        let next = chosen
            .again(self.worker, reader.current(), Instant::now())
            .ok_or(failure)?;
        self.worker.counters.retries.increment();
        Ok(next)
    }

    /// What is safe to do with the request again.
    pub(super) fn safety(&self) -> Safety {
        Safety {
            replayable: self.desk.replay.is_whole(),
            idempotent: self.desk.prepared.idempotent,
        }
    }
}
