//! What the request path counts: plain cells, one set for each worker, added up when somebody
//! asks.

mod exposition;
mod failures;
mod histogram;
mod latencies;
mod lookups;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pointsman_process::varz::Figures;

use crate::census::{self, Account};

pub(crate) use failures::FailureCounts;
pub(crate) use histogram::Histogram;
pub(crate) use latencies::Latencies;
pub(crate) use lookups::Lookups;

/// A number that one thread writes and others may read.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds `count`. Only the owning worker calls it, so that this is a plain addition and no
    /// locked one.
    #[inline]
    pub(crate) fn add(&self, count: u64) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(count),
            Ordering::Relaxed,
        );
    }

    /// Adds one.
    #[inline]
    pub(crate) fn increment(&self) {
        self.add(1);
    }

    /// Takes one away, for numbers that say how many there are.
    #[inline]
    pub(crate) fn decrement(&self) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_sub(1),
            Ordering::Relaxed,
        );
    }

    /// Replaces the number by one that was counted elsewhere.
    pub(crate) fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }

    /// The number now.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)*) => {
        /// One worker's numbers.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub(crate) struct Counters {
            $($(#[doc = $doc])+ pub(crate) $name: Counter,)*
            /// How long requests with an endpoint took, first to last byte.
            pub(crate) latency: Histogram,
            /// The same for each app, where that is wanted.
            pub(crate) app_latencies: Latencies,
            /// Why attempts failed, and answers broke off.
            pub(crate) failures: FailureCounts,
            /// How long look-ups of routes took, in nanoseconds, where that is measured.
            pub(crate) lookups: Lookups,
            /// What is counted by app and by component, where that is wanted.
            pub(crate) account: Option<Box<Account>>,
        }

        /// The numbers of all workers at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Totals {
            $($(#[doc = $doc])+ pub $name: u64,)*
        }

        impl Counters {
            fn add_to(&self, totals: &mut Totals) {
                $(totals.$name = totals.$name.wrapping_add(self.$name.get());)*
            }
        }
    };
}

counters! {
    /// Client connections accepted.
    connections_accepted,
    /// Client connections open now.
    connections_open,
    /// Client connections that were handed to a worker with fewer of them.
    connections_handed_on,
    /// Connections without a header of the PROXY protocol that could be used.
    prefixes_refused,
    /// TLS handshakes of clients that came to their end.
    client_handshakes,
    /// Those of them that went on with an earlier session.
    client_handshakes_resumed,
    /// TLS handshakes of clients that failed, or took too long (L-06).
    client_handshakes_failed,
    /// Connections over HTTP/2.
    http2_connections,
    /// Streams that were refused because too many requests of their connection were in work (L-15).
    http2_refused_streams,
    /// Connections over HTTP/2 that ended for what they cost (L-17 to L-20).
    http2_floods,
    /// Connections that could not be accepted, as without descriptors.
    accepts_failed,
    /// How often accepting had to wait because too many connections were open (L-21).
    accepts_paused,
    /// Requests whose head was understood.
    requests,
    /// Requests in work now.
    requests_in_flight,
    /// Requests refused for their form.
    malformed_requests,
    /// Requests with a field whose name has a `_`.
    underscored_names,
    /// Requests refused by the look-up: no host, no route (Gorouter: `rejected_requests`).
    rejected_requests,
    /// Requests shed because too many were in flight (L-22).
    overloaded,
    /// Requests for a route without endpoints.
    no_endpoints,
    /// Requests for which every endpoint was at its bound (Gorouter: `backend_exhausted_conns`).
    backend_exhausted_conns,
    /// Attempts at endpoints (Gorouter: `total_requests`).
    attempts,
    /// Attempts after the first of a request.
    retries,
    /// Attempts that were not made because the retry budget was spent.
    retries_refused,
    /// Requests that were not repeated because more of their body was gone than is kept (F-068).
    unreplayable,
    /// Requests that came back through a router too often.
    loops,
    /// Endpoints taken out of the choice because they behave worse than their siblings.
    ejections,
    /// Endpoints that were turned to because connecting to another one took long.
    hedges,
    /// Connections made to endpoints.
    dials,
    /// Attempts on a connection that had been used before.
    reused,
    /// Unused connections to endpoints that are kept now.
    idle_upstream,
    /// Answers of 502 made by the router (Gorouter: `bad_gateways`).
    bad_gateways,
    /// Answers of 504, or of 502 in its place, because an endpoint took too long.
    endpoint_timeouts,
    /// Attempts at route services.
    route_service_attempts,
    /// Requests whose signature of a router proved nothing.
    route_service_refused,
    /// Answers of route services, status 1xx or other.
    route_services_xxx,
    /// Answers of route services, status 2xx.
    route_services_2xx,
    /// Answers of route services, status 3xx.
    route_services_3xx,
    /// Answers of route services, status 4xx.
    route_services_4xx,
    /// Answers of route services, status 5xx.
    route_services_5xx,
    /// Endpoints that showed another name than the registered one (`backend_invalid_id`).
    backend_invalid_id,
    /// Endpoints whose certificate was not valid (`backend_invalid_tls_cert`).
    backend_invalid_tls_cert,
    /// Handshakes with endpoints that failed otherwise (`backend_tls_handshake_failed`).
    backend_tls_handshake_failed,
    /// Requests for another protocol that an endpoint answered, whatever its status (Gorouter: `websocket_upgrades`).
    websocket_upgrades,
    /// Requests for another protocol that got an answer of the router's own (Gorouter: `websocket_failures`).
    websocket_failures,
    /// Connections that have left HTTP.
    tunnels,
    /// Those of them that are open now.
    tunnels_open,
    /// Clients that went away before their answer was complete.
    clients_gone,
    /// Clients that took nothing for too long (L-09).
    clients_stalled,
    /// Clients that were too slow with a head or a body (L-05, L-08).
    request_timeouts,
    /// Answers broken off after their head, by whomever.
    broken_off,
    /// Responses of a request with an endpoint, status 1xx or other.
    responses_xxx,
    /// Responses of a request with an endpoint, status 2xx.
    responses_2xx,
    /// Responses of a request with an endpoint, status 3xx.
    responses_3xx,
    /// Responses of a request with an endpoint, status 4xx.
    responses_4xx,
    /// Responses of a request with an endpoint, status 5xx.
    responses_5xx,
    /// Bytes of request bodies.
    bytes_received,
    /// Bytes of response bodies.
    bytes_sent,
    /// Lines of the access log that were dropped: its writer was behind, or the disk full.
    access_log_dropped,
    /// Events that did not get to the agent: it was not there, or they did not fit.
    events_dropped,
    /// Requests that ended in a fault of the router.
    panics,
    /// Connections cut because the drain had lasted too long.
    cut_by_drain,
}

impl Counters {
    /// Counts the response of a request for which an endpoint was chosen.
    #[inline]
    pub(crate) fn count_response(&self, status: u16) {
        let counter = match status / 100 {
            2 => &self.responses_2xx,
            3 => &self.responses_3xx,
            4 => &self.responses_4xx,
            5 => &self.responses_5xx,
            _ => &self.responses_xxx,
        };
        counter.increment();
    }
}

impl Counters {
    /// Counts the answer of a route service.
    pub(crate) fn count_service_response(&self, status: u16) {
        let counter = match status / 100 {
            2 => &self.route_services_2xx,
            3 => &self.route_services_3xx,
            4 => &self.route_services_4xx,
            5 => &self.route_services_5xx,
            _ => &self.route_services_xxx,
        };
        counter.increment();
    }
}

/// The numbers of all workers, to be read at any time.
#[derive(Clone, Debug)]
pub struct Traffic {
    workers: Arc<[Arc<Counters>]>,
    /// What the writer of the access log counts.
    written: Arc<Counters>,
}

impl Traffic {
    pub(crate) fn new(workers: Vec<Arc<Counters>>, written: Arc<Counters>) -> Self {
        Self {
            workers: workers.into(),
            written,
        }
    }

    /// How many client connections each worker has.
    #[must_use]
    pub fn connections_by_worker(&self) -> Vec<u64> {
        let workers = self.workers.iter();
        workers
            .map(|worker| worker.connections_open.get())
            .collect()
    }

    /// What `/varz` shows of requests.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let now = jiff::Timestamp::now().as_second();
        let second = u64::try_from(now).unwrap_or_default();
        census::figures(&self.workers, &self.totals(), second)
    }

    /// Apps that had requests since this was last asked, at most `most`, each with the second of the Unix epoch of its last
    /// request; the others are told the next time. None where they are not counted.
    #[must_use]
    pub fn take_active_apps(&self, most: usize) -> HashMap<Box<str>, u64> {
        census::take_active(&self.workers, most)
    }

    /// The sums over all workers.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for counters in self.workers.iter().chain([&self.written]) {
            counters.add_to(&mut totals);
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_the_sums_over_all_workers() {
        let workers: Vec<_> = (0..3).map(|_| Arc::new(Counters::default())).collect();
        for worker in &workers {
            worker.requests.increment();
            worker.bytes_sent.add(10);
            worker.count_response(204);
            worker.count_response(101);
        }
        workers[0].connections_open.increment();
        workers[0].connections_open.decrement();
        let totals = Traffic::new(workers, Arc::default()).totals();
        let expected = Totals {
            requests: 3,
            bytes_sent: 30,
            responses_2xx: 3,
            responses_xxx: 3,
            ..Totals::default()
        };
        assert_eq!(totals, expected);
    }
}
