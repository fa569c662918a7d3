//! Endpoints for attempts: the first one, and others after failures.

use std::sync::Arc;

use pointsman_routing::{
    Asked, Attempt, Context, Ejection, Endpoint, EndpointIndex, Lease, Route, Selection, Settings,
    Table, Unavailable,
};
use smallvec::SmallVec;
use tokio::time::Instant;

use super::Journey;
use super::budget::Retry;
use super::reason::{Failure, Reason, Safety};
use crate::worker::Worker;

/// The endpoint of an attempt, and what a further choice needs.
pub(super) struct Chosen {
    /// The endpoint, counted as in flight there.
    pub(super) lease: Lease,
    /// What the outlier detector knows of the attempt, where it has something to compare with.
    pub(super) watched: Option<Attempt>,
    pub(super) route: Arc<Route>,
    pub(super) selection: Selection,
    pub(super) failed: SmallVec<[EndpointIndex; 2]>,
    /// The place in the budget of a request that is at a further attempt.
    _retry: Option<Retry>,
}

impl Chosen {
    /// The endpoint of a request's first attempt.
    pub(super) fn first(
        worker: &Worker,
        route: &Arc<Route>,
        settings: &Settings,
        now: Instant,
        asked: Option<Box<Asked>>,
    ) -> Result<Self, Unavailable> {
        let mut selection = Selection::asking(asked);
        let lease = next(worker, &mut selection, route, settings, now);
        if selection
            .asked()
            .is_some_and(|asked| asked.session.is_some())
            && !selection.is_bound()
        {
            tracing::debug!(route = %route.key(), "endpoint-of-session-not-available");
        }
        let lease = lease?;
        Ok(Self {
            lease,
            watched: None,
            route: Arc::clone(route),
            selection,
            failed: SmallVec::new(),
            _retry: None,
        })
    }

    /// The endpoint of the next attempt. `None` where nobody is left: as many attempts as there
    /// are endpoints have been made, and this one has failed before. One that has not looked at the
    /// request may get it again (F-069).
    fn again(
        mut self,
        reason: Reason,
        (worker, table): (&Worker, &Table),
        now: Instant,
    ) -> Option<Self> {
        self.failed.push(self.lease.endpoint().state().index());
        let route = table.renew(&self.route)?;
        let settings = table.settings();
        let lease = next(worker, &mut self.selection, route, settings, now).ok()?;
        let known = self.failed.contains(&lease.endpoint().state().index());
        if known
            && reason != Reason::Unprocessed
            && self.failed.len() >= self.selection.candidates(route)
        {
            return None;
        }
        let Some(retry) = worker.retries.take(route, worker.table_time(now)) else {
            worker.counters.retries_refused.increment();
            return None;
        };
        Some(Self {
            lease,
            watched: None,
            route: Arc::clone(route),
            _retry: Some(retry),
            ..self
        })
    }

    /// Only the place at the endpoint is needed any longer.
    pub(super) fn into_lease(self) -> Lease {
        self.lease
    }

    /// Whether another endpoint would do as well. Where the route says who may call, it was this one that the caller was
    /// allowed.
    #[inline]
    pub(super) fn has_siblings(&self) -> bool {
        self.route.endpoints().len() > 1
            && !self.selection.is_bound()
            && self.route.policy().is_none()
    }

    /// Another endpoint is the one that gets the request, if it is another.
    pub(super) fn take_over(&mut self, lease: Option<Lease>, watched: Option<Attempt>) {
        if let Some(lease) = lease {
            self.lease = lease;
        }
        self.watched = watched;
    }

    /// The head of the answer has come.
    #[inline]
    pub(super) fn answered(&mut self, worker: &Worker) {
        if worker.settings.limits.endpoint_connections_until_head {
            self.lease.pass_head();
        }
        if let Some(attempt) = self.watched.take() {
            let conduct = self.lease.endpoint().state().conduct();
            conduct.answered(attempt, worker.coarse_time());
        }
    }
}

#[inline]
fn next(
    worker: &Worker,
    selection: &mut Selection,
    route: &Arc<Route>,
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
        near: worker.settings.balancing.near(),
        slow_start: worker.settings.balancing.slow_start,
    };
    let chosen = selection.next(route, &mut context);
    if let Some(ejection) = selection.take_ejection() {
        worker.tell_ejection(route, &ejection);
    }
    chosen
}

impl Worker {
    /// Tells that an endpoint was taken out as an outlier.
    #[cold]
    fn tell_ejection(&self, route: &Arc<Route>, ejection: &Ejection) {
        self.counters.ejections.increment();
        tracing::warn!(
            endpoint = %ejection.endpoint.address(),
            route = %route.key(),
            cause = ejection.cause.word(),
            seconds = ejection.length.as_secs(),
            "endpoint-ejected"
        );
        self.failures.note_ejection(route, ejection);
    }
}

impl Journey<'_, '_> {
    /// The chosen endpoint is watched from here on, unless the request wanted to see just this one
    /// (D-228).
    #[inline]
    pub(super) fn watch_chosen(&self, chosen: &mut Chosen) {
        if !chosen.selection.is_partial() {
            chosen.watched = self.watch(&chosen.route, chosen.lease.endpoint());
        }
    }

    /// The endpoint of an attempt is watched from here on, if it has siblings.
    #[inline]
    pub(super) fn watch(&self, route: &Route, endpoint: &Endpoint) -> Option<Attempt> {
        (route.endpoints().len() > 1)
            .then(|| endpoint.state().conduct().begin(self.worker.coarse_time()))
    }

    /// Holds a failure of the attempt against its endpoint, and lets the control plane know. What
    /// was asked of some instances only is no business of the pool (D-228).
    pub(super) fn blame(&mut self, chosen: &mut Chosen, reason: Reason) {
        if chosen.selection.is_partial() {
            self.worker.counters.failures.count(reason);
            return;
        }
        let watched = chosen.watched.take();
        self.note_failure(&chosen.route, chosen.lease.endpoint(), watched, reason);
    }

    /// Holds a failure against an endpoint, and lets the control plane know.
    pub(super) fn note_failure(
        &self,
        route: &Arc<Route>,
        endpoint: &Arc<Endpoint>,
        watched: Option<Attempt>,
        reason: Reason,
    ) {
        let worker = self.worker;
        worker.counters.failures.count(reason);
        if let Some(attempt) = watched {
            let (conduct, now) = (endpoint.state().conduct(), worker.coarse_time());
            if reason.is_of_endpoint() {
                conduct.failed(attempt, now);
            } else {
                conduct.left(attempt, now);
            }
        }
        worker.hold_against(route, endpoint, reason);
        tracing::debug!(
            endpoint = %endpoint.address(),
            reason = reason.word(),
            attempt = self.record.attempts,
            "backend-endpoint-failed"
        );
    }

    /// Another endpoint to dial beside the chosen one, among those that are there now.
    pub(super) fn choose_beside(&self, chosen: &mut Chosen) -> Option<Lease> {
        let mut reader = self.worker.table.borrow_mut();
        let table = reader.current();
        let route = table.renew(&chosen.route)?;
        let (selection, settings) = (&mut chosen.selection, table.settings());
        next(self.worker, selection, route, settings, Instant::now()).ok()
    }

    /// The endpoint of the next attempt, or the failure that the client is told.
    pub(super) fn choose_again(
        &mut self,
        chosen: Chosen,
        failure: Failure,
    ) -> Result<Chosen, Failure> {
        let spent = self.record.attempts >= self.most_attempts(&chosen.route);
        let safety = self.safety();
        if spent || !failure.may_repeat(safety) {
            if !spent && !safety.replayable && failure.may_repeat(safety.with_body()) {
                self.worker.counters.unreplayable.increment();
            }
            return Err(failure);
        }
        let mut reader = self.worker.table.borrow_mut();
        let next = chosen
            .again(
                failure.reason,
                (self.worker, reader.current()),
                Instant::now(),
            )
            .ok_or(failure)?;
        self.worker.counters.retries.increment();
        Ok(next)
    }

    /// How many attempts a request for the route may have (L-27): a route may ask for fewer.
    fn most_attempts(&self, route: &Route) -> u32 {
        let most = self.worker.settings.limits.attempts.max(1);
        let rules = route.rules().and_then(|rules| rules.max_attempts);
        rules.map_or(most, |own| own.get().min(most))
    }

    /// What is safe to do with the request again.
    pub(super) fn safety(&self) -> Safety {
        Safety {
            replayable: self.desk.replay.is_whole(),
            idempotent: self.desk.prepared.idempotent,
        }
    }
}
