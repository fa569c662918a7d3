//! What is known about a request when it is over: a line in the access log, and numbers.

use std::sync::Arc;
use std::time::Duration;

use pointsman_http1::{Fields, Known};
use pointsman_routing::Endpoint;
use tokio::time::Instant;

use super::prepare::OWN;
use super::reason::{Reason, RouterError};
use super::request_id::RequestId;
use super::{Ending, Journey};
use crate::access_log::line::Line;
use crate::census::Counted;
use crate::events::Served;

/// What Gorouter calls a client that goes away while it gets its answer.
const CLIENT_GONE_STREAMING: RouterError =
    RouterError::Plain("client-conn-closed-during-response-streaming");

/// What Gorouter calls a target with a `;`, which once parted the parameters of a query.
const SEMICOLON: RouterError = RouterError::Plain("deprecated-semicolon-params");

/// Whose the times of requests are that no app can be told for (D-158).
const ROUTER: &str = "gorouter";

/// What a request leaves behind.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// When its head was there.
    pub(super) received: Instant,
    /// When it was first handed to an endpoint; noted only for the log.
    pub(super) forwarded: Option<Instant>,
    /// Its id.
    pub(super) request_id: RequestId,
    /// The status that the client got, or would have got.
    pub(super) status: u16,
    /// What `X-Cf-RouterError` said, or would have said.
    pub(super) router_error: Option<RouterError>,
    /// Whether its target has a `;` that is warned of.
    pub(super) semicolon: bool,
    /// The endpoint that was chosen last.
    pub(super) endpoint: Option<Arc<Endpoint>>,
    /// How many attempts there were.
    pub(super) attempts: u32,
    /// Whether the request was prepared for an endpoint.
    pub(super) prepared: bool,
    /// Whether it went to a route service, which is no endpoint.
    pub(super) through_service: bool,
}

impl Record {
    /// Of a request that has just come.
    pub(super) fn new(received: Instant, request_id: RequestId) -> Self {
        Self {
            received,
            forwarded: None,
            request_id,
            status: 0,
            router_error: None,
            semicolon: false,
            endpoint: None,
            attempts: 0,
            prepared: false,
            through_service: false,
        }
    }

    /// What the log shows as `X-Cf-RouterError`: what went wrong, or else what is warned of.
    fn shown_error(&self) -> Option<RouterError> {
        self.router_error
            .or_else(|| self.semicolon.then_some(SEMICOLON))
    }

    /// The answer had begun, and did not end.
    pub(super) fn break_off(&mut self, reason: Reason) {
        self.router_error = Some(match reason {
            Reason::ClientGone | Reason::ClientStalled => CLIENT_GONE_STREAMING,
            _ => RouterError::EndpointFailure(reason.text()),
        });
    }
}

/// The ids of a request's trace and of its part of it, where they are known: as B3 tells them, or else W3C.
fn trace(fields: &Fields) -> Option<(&[u8], &[u8])> {
    if let (Some(trace), Some(span)) = (fields.get(Known::XB3TraceId), fields.get(Known::XB3SpanId))
    {
        return Some((trace, span));
    }
    let mut parts = fields.get(Known::Traceparent)?.split(|byte| *byte == b'-');
    Some((parts.nth(1)?, parts.next()?))
}

impl Journey<'_, '_> {
    /// Writes the line, and counts.
    pub(super) fn record(&mut self, ending: Ending) {
        self.recorded = true;
        let time = Instant::now().saturating_duration_since(self.record.received);
        let counters = &self.worker.counters;
        counters.bytes_received.add(self.exchange.received());
        counters.bytes_sent.add(self.exchange.sent());
        let endpoint = self.record.endpoint.as_deref();
        if endpoint.is_some() || self.record.through_service {
            counters.count_response(self.record.status);
            // What did not come to its end took no time that tells anything.
            if ending != Ending::Short {
                counters.latency.observe(time);
            }
            if let Some(account) = &counters.account {
                let time = (ending != Ending::Short).then_some(time);
                account.enter(&self.counted(endpoint, time));
            }
            if self.worker.settings.per_app_latency {
                let tags = endpoint.and_then(Endpoint::tags);
                let source = tags.and_then(|tags| tags.get("source_id"));
                let source = source.filter(|source| !source.is_empty());
                counters
                    .app_latencies
                    .observe(source.unwrap_or(ROUTER), time);
            }
        } else if self.worker.settings.per_app_latency {
            counters.app_latencies.observe(ROUTER, time);
        }
        if ending != Ending::Complete && self.exchange.has_begun() {
            counters.broken_off.increment();
        }
        if let Some(lines) = &mut *self.worker.lines.borrow_mut() {
            let mut error = Vec::new();
            if let Some(router_error) = self.record.shown_error() {
                router_error.write(&mut error);
            }
            lines.push(self.line(time, &error));
        }
        // Bytes that did not become a request are nothing that was served.
        if let Some(events) = &mut *self.worker.events.borrow_mut()
            && !self.exchange.request.method_bytes().is_empty()
        {
            events.push(self.served(time));
        }
    }

    /// What is counted of the request by app and component.
    #[cold]
    fn counted<'e>(&self, endpoint: Option<&'e Endpoint>, time: Option<Duration>) -> Counted<'e> {
        let Self { worker, record, .. } = self;
        let tags = endpoint.and_then(Endpoint::tags);
        Counted {
            component: tags
                .and_then(|tags| tags.get("component"))
                .unwrap_or_default(),
            app: endpoint.map_or("", Endpoint::app_id),
            attempts: record.attempts,
            status: record.status,
            second: worker.clock.wall(record.received) / 1_000_000_000,
            time,
            now: worker.since_origin(Instant::now()),
            draw: worker.random(),
        }
    }

    /// What is told of the request. Of what a client says about instances nothing is (D-156).
    fn served(&self, time: Duration) -> Served<'_, impl Iterator<Item = &[u8]>> {
        let Self {
            exchange, record, ..
        } = self;
        let request = &*exchange.request;
        let fields = request.fields();
        let started = self.worker.clock.wall(record.received);
        let time = u64::try_from(time.as_nanos()).unwrap_or_default();
        Served {
            started,
            stopped: started.saturating_add(time),
            request_id: &record.request_id,
            method: request.method_bytes(),
            host: request.authority(),
            path: request.path(),
            remote: exchange.client.address(),
            user_agent: fields.get(Known::UserAgent).unwrap_or_default(),
            status: record.status,
            sent: exchange.sent(),
            forwarded: fields.list(Known::XForwardedFor),
            tags: record.endpoint.as_deref().and_then(Endpoint::tags),
            trace: trace(fields),
        }
    }

    fn line<'l>(&'l self, response_time: Duration, router_error: &'l [u8]) -> Line<'l> {
        let Self {
            exchange,
            record,
            desk,
            detour,
            ..
        } = self;
        let is_own = detour.as_ref().is_some_and(|detour| detour.is_own);
        let request = &*exchange.request;
        let fields = request.fields();
        let endpoint = record.endpoint.as_deref();
        let registered = |get: fn(&Endpoint) -> &str| endpoint.map(|e| get(e).as_bytes());
        let (forwarded_for, forwarded_proto) = if record.prepared {
            let prepared = &desk.prepared;
            (
                Some(&*prepared.forwarded_for),
                Some(&*prepared.forwarded_proto),
            )
        } else {
            (
                fields.get(Known::XForwardedFor),
                fields.get(Known::XForwardedProto),
            )
        };
        Line {
            host: request.authority(),
            started: self.worker.clock.wall(record.received),
            method: request.method_bytes(),
            uri: request.path_and_query(),
            protocol: request.version().as_str(),
            status: record.status,
            received: exchange.received(),
            sent: exchange.sent(),
            referer: fields.get(Known::Referer),
            user_agent: fields.get(Known::UserAgent),
            remote: Some(if is_own {
                OWN.as_bytes()
            } else {
                exchange.client.address().as_bytes()
            }),
            backend: registered(|endpoint| endpoint.address().as_str()),
            forwarded_for,
            forwarded_proto,
            request_id: &record.request_id,
            response_time,
            gorouter_time: record.forwarded.map_or(Duration::ZERO, |forwarded| {
                forwarded.saturating_duration_since(record.received)
            }),
            app_id: registered(Endpoint::app_id),
            app_index: registered(Endpoint::instance_index),
            instance_id: registered(Endpoint::instance_id),
            router_error: Some(router_error),
            fields: Some(fields),
        }
    }
}
