//! From a host and a path to a route, and to its first endpoint.

use std::borrow::Cow;

use pointsman_http1::{Fields, Known, KnownSet};
use pointsman_routing::{Asked, EmptyPool, Route, Settings, Unavailable};

use super::choose::Chosen;
use super::{Journey, Refusal, instance, sticky};
use crate::settings::Sessions;

/// Where a request may say which endpoint it wants.
const ASKING: KnownSet = KnownSet::of(&[
    Known::Cookie,
    Known::XCfAppInstance,
    Known::XCfProcessInstance,
]);

impl Journey<'_, '_> {
    /// The route of the request, and the endpoint of its first attempt.
    pub(super) fn find(&mut self) -> Result<Chosen, Refusal> {
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
        let (host, path) = (text(request.host()), text(request.path()));
        let mut scratch = worker.scratch.borrow_mut();
        let Some(route) = table.lookup(&host, &path, &mut scratch) else {
            worker.counters.rejected_requests.increment();
            return Err(if partial {
                Refusal::UnknownInstance
            } else {
                Refusal::UnknownRoute
            });
        };
        if let Some(by) = route.hashed_by() {
            let value = request.fields().get(by.header());
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                asked.get_or_insert_default().key = Some(by.key(value));
            }
        }
        let bound = route.timeouts().and_then(|timeouts| timeouts.request);
        if let Some(bound) = bound.or(worker.settings.timeouts.request) {
            self.ends_by = self.deadline.now().after(bound);
        }
        let received = self.record.received;
        let chosen = Chosen::first(worker, route, table.settings(), received, asked);
        chosen.map_err(|unavailable| {
            let refusal = match unavailable {
                Unavailable::Empty if partial => Refusal::UnknownInstance,
                _ => refusal(unavailable, route, table.settings()),
            };
            match refusal {
                Refusal::ConnectionLimit => worker.counters.backend_exhausted_conns.increment(),
                Refusal::NoEndpoints => worker.counters.no_endpoints.increment(),
                Refusal::SessionLost => {
                    worker.counters.bad_gateways.increment();
                    tracing::debug!(route = %route.key(), "select-endpoint-failed");
                }
                _ => worker.counters.rejected_requests.increment(),
            }
            refusal
        })
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

/// Bytes of a head as text. They nearly always are, and to see that takes a tenth of what a lossy reading does.
#[inline]
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
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
