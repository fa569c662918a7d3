//! From a host and a path to a route, and to its first endpoint.

use std::borrow::Cow;

use pointsman_routing::{EmptyPool, Route, Settings, Unavailable};

use super::choose::Chosen;
use super::{Journey, Refusal};

impl Journey<'_, '_> {
    /// The route of the request, and the endpoint of its first attempt.
    pub(super) fn find(&mut self) -> Result<Chosen, Refusal> {
        let worker = self.worker;
        let mut reader = worker.table.borrow_mut();
        let table = reader.current();
        let request = &*self.exchange.request;
        let (host, path) = (text(request.host()), text(request.path()));
        let mut scratch = worker.scratch.borrow_mut();
        let Some(route) = table.lookup(&host, &path, &mut scratch) else {
            worker.counters.rejected_requests.increment();
            return Err(Refusal::UnknownRoute);
        };
        let received = self.record.received;
        Chosen::first(worker, route, table.settings(), received).map_err(|unavailable| {
            let refusal = refusal(unavailable, route, table.settings());
            match refusal {
                Refusal::ConnectionLimit => worker.counters.backend_exhausted_conns.increment(),
                Refusal::NoEndpoints => worker.counters.no_endpoints.increment(),
                _ => worker.counters.rejected_requests.increment(),
            }
            refusal
        })
    }
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
        Unavailable::Empty => match route.empty_pool().unwrap_or(settings.empty_pool) {
            EmptyPool::Unavailable => Refusal::NoEndpoints,
            EmptyPool::NotFound => Refusal::UnknownRoute,
        },
    }
}
