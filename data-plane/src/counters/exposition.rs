//! The numbers as Prometheus reads them. Gorouter's names where it has the number (observability
//! reference, 8.1), ours under `pointsman_` otherwise.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::histogram::BOUNDS;
use super::lookups::BOUNDS as LOOKUPS;
use super::{Latencies, Totals, Traffic};
use crate::proxy::Reason;

type Row = (&'static str, &'static str, fn(&Totals) -> u64);

const COUNTERS: &[Row] = &[
    ("total_requests", "Attempts at endpoints", |t| t.attempts),
    (
        "rejected_requests",
        "Requests without a host or a route",
        |t| t.rejected_requests,
    ),
    ("bad_gateways", "Answers of 502 made by the router", |t| {
        t.bad_gateways
    }),
    (
        "backend_exhausted_conns",
        "Requests with every endpoint at its bound",
        |t| t.backend_exhausted_conns,
    ),
    (
        "backend_invalid_id",
        "Endpoints with another name than the registered one",
        |t| t.backend_invalid_id,
    ),
    (
        "backend_invalid_tls_cert",
        "Endpoints with an invalid certificate",
        |t| t.backend_invalid_tls_cert,
    ),
    (
        "backend_tls_handshake_failed",
        "Handshakes with endpoints that failed otherwise",
        |t| t.backend_tls_handshake_failed,
    ),
    (
        "websocket_upgrades",
        "Requests for another protocol that an endpoint answered",
        |t| t.websocket_upgrades,
    ),
    (
        "websocket_failures",
        "Requests for another protocol that the router answered",
        |t| t.websocket_failures,
    ),
    (
        "pointsman_tunnels",
        "Connections that have left HTTP",
        |t| t.tunnels,
    ),
    (
        "pointsman_route_service_attempts",
        "Attempts at route services",
        |t| t.route_service_attempts,
    ),
    (
        "pointsman_route_service_refused",
        "Requests whose route-service signature proved nothing",
        |t| t.route_service_refused,
    ),
    (
        "pointsman_connections_accepted",
        "Client connections accepted",
        |t| t.connections_accepted,
    ),
    (
        "pointsman_connections_handed_on",
        "Client connections handed to a worker with fewer",
        |t| t.connections_handed_on,
    ),
    (
        "pointsman_prefixes_refused",
        "Connections without a usable header of the PROXY protocol",
        |t| t.prefixes_refused,
    ),
    (
        "pointsman_client_handshakes",
        "TLS handshakes of clients that came to their end",
        |t| t.client_handshakes,
    ),
    (
        "pointsman_client_handshakes_resumed",
        "TLS handshakes of clients that went on with an earlier session",
        |t| t.client_handshakes_resumed,
    ),
    (
        "pointsman_client_handshakes_failed",
        "TLS handshakes of clients that failed or took too long",
        |t| t.client_handshakes_failed,
    ),
    (
        "pointsman_http2_connections",
        "Client connections over HTTP/2",
        |t| t.http2_connections,
    ),
    (
        "pointsman_http2_refused_streams",
        "HTTP/2 streams refused because too many requests of their connection were in work",
        |t| t.http2_refused_streams,
    ),
    (
        "pointsman_http2_floods",
        "HTTP/2 connections ended for what they cost",
        |t| t.http2_floods,
    ),
    (
        "pointsman_accepts_failed",
        "Connections that could not be accepted",
        |t| t.accepts_failed,
    ),
    (
        "pointsman_accepts_paused",
        "Waits for a connection to end before the next is accepted",
        |t| t.accepts_paused,
    ),
    (
        "pointsman_requests",
        "Requests whose head was understood",
        |t| t.requests,
    ),
    (
        "pointsman_malformed_requests",
        "Requests refused for their form",
        |t| t.malformed_requests,
    ),
    (
        "pointsman_underscored_names",
        "Requests with a field whose name has an underscore",
        |t| t.underscored_names,
    ),
    (
        "pointsman_overloaded",
        "Requests shed because too many were in flight",
        |t| t.overloaded,
    ),
    (
        "pointsman_no_endpoints",
        "Requests for a route without endpoints",
        |t| t.no_endpoints,
    ),
    (
        "pointsman_retries",
        "Attempts after the first of a request",
        |t| t.retries,
    ),
    (
        "pointsman_retries_refused",
        "Attempts not made because the retry budget was spent",
        |t| t.retries_refused,
    ),
    (
        "pointsman_unreplayable",
        "Requests not repeated because their body was gone",
        |t| t.unreplayable,
    ),
    (
        "pointsman_loops",
        "Requests that came back through a router too often",
        |t| t.loops,
    ),
    (
        "pointsman_ejections",
        "Endpoints taken out for behaving worse than their siblings",
        |t| t.ejections,
    ),
    (
        "pointsman_hedges",
        "Endpoints turned to because connecting to another one took long",
        |t| t.hedges,
    ),
    ("pointsman_dials", "Connections made to endpoints", |t| {
        t.dials
    }),
    (
        "pointsman_reused",
        "Attempts on a connection used before",
        |t| t.reused,
    ),
    (
        "pointsman_endpoint_timeouts",
        "Endpoints that took too long",
        |t| t.endpoint_timeouts,
    ),
    (
        "pointsman_clients_gone",
        "Clients gone before their answer was complete",
        |t| t.clients_gone,
    ),
    (
        "pointsman_clients_stalled",
        "Clients that took nothing for too long",
        |t| t.clients_stalled,
    ),
    (
        "pointsman_request_timeouts",
        "Clients too slow with a head or a body",
        |t| t.request_timeouts,
    ),
    (
        "pointsman_broken_off",
        "Answers broken off after their head",
        |t| t.broken_off,
    ),
    ("pointsman_bytes_received", "Bytes of request bodies", |t| {
        t.bytes_received
    }),
    ("pointsman_bytes_sent", "Bytes of response bodies", |t| {
        t.bytes_sent
    }),
    (
        "pointsman_access_log_dropped",
        "Lines of the access log that were dropped",
        |t| t.access_log_dropped,
    ),
    (
        "pointsman_events_dropped",
        "Events that did not get to their agent",
        |t| t.events_dropped,
    ),
    (
        "pointsman_panics",
        "Requests that ended in a fault of the router",
        |t| t.panics,
    ),
    (
        "pointsman_cut_by_drain",
        "Connections cut because the drain lasted too long",
        |t| t.cut_by_drain,
    ),
];

const GAUGES: &[Row] = &[
    (
        "pointsman_connections_open",
        "Client connections open",
        |t| t.connections_open,
    ),
    ("pointsman_requests_in_flight", "Requests in work", |t| {
        t.requests_in_flight
    }),
    (
        "pointsman_tunnels_open",
        "Connections open that have left HTTP",
        |t| t.tunnels_open,
    ),
    (
        "pointsman_idle_upstream",
        "Unused connections to endpoints",
        |t| t.idle_upstream,
    ),
];

type Class = (&'static str, fn(&Totals) -> u64);

const CLASSES: &[Class] = &[
    ("2xx", |t| t.responses_2xx),
    ("3xx", |t| t.responses_3xx),
    ("4xx", |t| t.responses_4xx),
    ("5xx", |t| t.responses_5xx),
    ("xxx", |t| t.responses_xxx),
];

const SERVICE_CLASSES: &[Class] = &[
    ("2xx", |t| t.route_services_2xx),
    ("3xx", |t| t.route_services_3xx),
    ("4xx", |t| t.route_services_4xx),
    ("5xx", |t| t.route_services_5xx),
    ("xxx", |t| t.route_services_xxx),
];

/// Families by class of status.
const FAMILIES: [(&str, &str, &[Class]); 2] = [
    (
        "responses",
        "Responses of requests for which an endpoint was chosen",
        CLASSES,
    ),
    (
        "responses_route_services",
        "Responses of route services",
        SERVICE_CLASSES,
    ),
];

impl Collector for Traffic {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let totals = self.totals();
        for (name, help, value) in COUNTERS {
            let metric = ConstCounter::new(value(&totals));
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        for (name, help, value) in GAUGES {
            let metric = ConstGauge::new(i64::try_from(value(&totals)).unwrap_or(i64::MAX));
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        for (name, help, classes) in FAMILIES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (class, value) in classes {
                let metric = ConstCounter::new(value(&totals));
                metric.encode(family.encode_family(&[("status_group", *class)])?)?;
            }
        }
        self.encode_failures(&mut encoder)?;
        self.encode_app_latencies(&mut encoder)?;
        self.encode_lookups(&mut encoder)?;
        self.encode_latency(&mut encoder)
    }
}

impl Traffic {
    fn encode_failures(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Attempts that failed and answers that broke off";
        let name = "pointsman_failures";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (at, word) in Reason::WORDS.into_iter().enumerate() {
            let counts = self.workers.iter();
            let sum = counts.filter_map(|worker| worker.failures.each().nth(at));
            let sum = ConstCounter::new(sum.map(|(_, count)| count).sum::<u64>());
            sum.encode(metric.encode_family(&[("reason", word)])?)?;
        }
        Ok(())
    }

    fn encode_app_latencies(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let apps = Latencies::sum(self.workers.iter().map(|worker| &worker.app_latencies));
        if apps.is_empty() {
            return Ok(());
        }
        let help = "From the head of a request to the last byte of its response, by app";
        let mut metric =
            encoder.encode_descriptor("http_latency_seconds", help, None, MetricType::Histogram)?;
        for (source_id, times) in apps {
            let label = [("source_id", source_id)];
            let mut app = metric.encode_family(&label)?;
            let count = times.buckets().map(|(_, count)| count).sum();
            let buckets: Vec<_> = times.buckets().collect();
            app.encode_histogram::<NoLabelSet>(seconds(times.micros), count, &buckets, None)?;
        }
        Ok(())
    }

    /// Only where somebody has them measured.
    fn encode_lookups(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut buckets = [0; LOOKUPS.len() + 1];
        let mut nanos = 0;
        for worker in self.workers.iter() {
            for (sum, bucket) in buckets.iter_mut().zip(&worker.lookups.buckets) {
                *sum += bucket.get();
            }
            nanos += worker.lookups.nanos.get();
        }
        let count = buckets.iter().sum();
        if count == 0 {
            return Ok(());
        }
        let bounds = LOOKUPS.iter().map(|&bound| float(bound));
        let buckets: Vec<_> = bounds.chain([f64::INFINITY]).zip(buckets).collect();
        let help = "Nanoseconds that it took to find a route, or that there is none";
        let mut metric =
            encoder.encode_descriptor("route_lookup_time", help, None, MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(float(nanos), count, &buckets, None)
    }

    fn encode_latency(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut buckets = [0; BOUNDS.len() + 1];
        let mut micros = 0;
        for worker in self.workers.iter() {
            for (sum, bucket) in buckets.iter_mut().zip(&worker.latency.buckets) {
                *sum += bucket.get();
            }
            micros += worker.latency.micros.get();
        }
        let bounds = BOUNDS
            .iter()
            .map(|&bound| seconds(bound))
            .chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(buckets).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let help = "From the head of a request to the last byte of its response";
        let mut metric = encoder.encode_descriptor(
            "pointsman_request_duration_seconds",
            help,
            None,
            MetricType::Histogram,
        )?;
        metric.encode_histogram::<NoLabelSet>(seconds(micros), count, &buckets, None)
    }
}

fn seconds(micros: u64) -> f64 {
    float(micros) / 1e6
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sums of times need not be exact beyond 2^53"
)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    use super::super::Counters;
    use super::*;

    /// OB-082: what route services have answered is counted by status.
    #[test]
    fn every_number_stands_in_the_exposition() {
        let counters = Counters::default();
        counters.attempts.add(7);
        counters.count_response(503);
        counters.count_service_response(404);
        counters.failures.count(Reason::Timeout);
        counters.latency.observe(Duration::from_millis(3));
        let took = Duration::from_millis(1500);
        counters.app_latencies.observe("app-1", took);
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Traffic::new(
            vec![Arc::new(counters)],
            Arc::default(),
        )));
        let mut out = String::new();
        text::encode(&mut out, &registry).expect("text");
        for line in [
            "total_requests_total 7",
            "responses_total{status_group=\"5xx\"} 1",
            "responses_route_services_total{status_group=\"4xx\"} 1",
            "pointsman_request_duration_seconds_bucket{le=\"0.0025\"} 0",
            "pointsman_request_duration_seconds_bucket{le=\"0.005\"} 1",
            "pointsman_request_duration_seconds_bucket{le=\"+Inf\"} 1",
            "pointsman_connections_open 0",
            "pointsman_failures_total{reason=\"timeout\"} 1",
            "http_latency_seconds_sum{source_id=\"app-1\"} 1.5",
            "http_latency_seconds_bucket{le=\"0.8\",source_id=\"app-1\"} 0",
            "http_latency_seconds_bucket{le=\"1.6\",source_id=\"app-1\"} 1",
        ] {
            assert!(out.contains(line), "{line} is missing in\n{out}");
        }
    }
}
