//! From a host and a path to a route, and to its first endpoint.

use pointsman_http1::{Fields, Known, KnownSet};
use pointsman_routing::{Asked, EmptyPool, Route, Settings, Unavailable};
use tokio::time::Instant;

use super::choose::Chosen;
use super::service::Found;
use super::{Instead, Journey, Refusal, instance, sticky};
use crate::settings::Sessions;

/// Where a request may say which endpoint it wants.
const ASKING: KnownSet = KnownSet::of(&[
    Known::Cookie,
    Known::XCfAppInstance,
    Known::XCfProcessInstance,
]);

impl Journey<'_, '_> {
    /// The route of the request, and the endpoint of its first attempt.
    pub(super) fn find(&mut self) -> Result<Chosen, Instead> {
        let worker = self.worker;
        let request = &*self.exchange.request;
        let mut asked = if request.fields().present().intersects(ASKING) {
            let asked = asked(request.fields(), &worker.settings.sessions);
            asked.inspect_err(|_| worker.counters.rejected_requests.increment())?
        } else {
            None
        };
        let partial = asked.as_ref().is_some_and(|asked| asked.only.is_some());
        let mut reader = worker.table.borrow_mut();
        let table = reader.current();
        let mut scratch = worker.scratch.borrow_mut();
        let begun = worker.settings.lookup_time.then(Instant::now);
        let found = table.find(request.host(), request.path(), &mut scratch);
        if let Some(begun) = begun {
            worker.counters.lookups.observe(begun.elapsed());
        }
        let Some(route) = found else {
            worker.counters.rejected_requests.increment();
            let refusal = if partial {
                Refusal::UnknownInstance
            } else {
                Refusal::UnknownRoute
            };
            return Err(refusal.into());
        };
        if worker.has_its_share(route) {
            return Err(Refusal::Overloaded.into());
        }
        let present = request.fields().present();
        let bound = route.timeouts().and_then(|timeouts| timeouts.request);
        if let Some(bound) = bound.or(worker.settings.timeouts.request) {
            let ends_by = self.deadline.now().after(bound);
            self.ends_by = self.ends_by.min(ends_by);
        }
        if route.has_route_service() || present.contains(Known::XCfProxySignature) {
            let only = asked.as_ref().and_then(|asked| asked.only.as_ref());
            let mut found = Found {
                table,
                route,
                scratch: &mut scratch,
            };
            if let Some(outward) = self.consider_service(&mut found, only)? {
                return Err(Instead::Service(outward));
            }
        }
        if let Some(by) = route.hashed_by() {
            let value = self.exchange.request.fields().get(by.header());
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                asked.get_or_insert_default().key = Some(by.key(value));
            }
        }
        let received = self.record.received;
        let chosen = Chosen::first(worker, route, table.settings(), received, asked);
        chosen.map_err(|unavailable| {
            let from = (&**route, table.settings());
            self.unavailable(unavailable, from, partial).into()
        })
    }

    /// What the request gets where no endpoint can take it; counts it. `partial`: it asks for some
    /// instances of the route only.
    #[cold]
    pub(super) fn unavailable(
        &self,
        unavailable: Unavailable,
        (route, settings): (&Route, &Settings),
        partial: bool,
    ) -> Refusal {
        let counters = &self.worker.counters;
        let refusal = match unavailable {
            Unavailable::Empty if partial => Refusal::UnknownInstance,
            _ => refusal(unavailable, route, settings),
        };
        match refusal {
            Refusal::ConnectionLimit => counters.backend_exhausted_conns.increment(),
            Refusal::NoEndpoints => counters.no_endpoints.increment(),
            Refusal::SessionLost => {
                counters.bad_gateways.increment();
                tracing::debug!(route = %route.key(), "select-endpoint-failed");
            }
            _ => counters.rejected_requests.increment(),
        }
        refusal
    }
}

/// Which endpoint the request wants, if it says so.
#[cold]
fn asked(fields: &Fields, sessions: &Sessions) -> Result<Option<Box<Asked>>, Refusal> {
    let only = instance::selector(fields)?;
    let session = sticky::session(fields, sessions);
    let asks = only.is_some() || session.is_some();
    Ok(asks.then(|| {
        Box::new(Asked {
            only,
            session,
            key: None,
        })
    }))
}

/// What a request gets where no endpoint can take it.
fn refusal(unavailable: Unavailable, route: &Route, settings: &Settings) -> Refusal {
    match unavailable {
        Unavailable::Overloaded => Refusal::ConnectionLimit,
        Unavailable::Missing => Refusal::SessionLost,
        Unavailable::Empty => match route.empty_pool().unwrap_or(settings.empty_pool) {
            EmptyPool::Unavailable => Refusal::NoEndpoints,
            EmptyPool::NotFound => Refusal::UnknownRoute,
        },
    }
}
