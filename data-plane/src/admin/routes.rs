//! `/routes`: what is served, as Gorouter shows it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_routing::{Algorithm, Endpoint, Route, Table};
use serde::Serialize;

use super::Inside;

/// Bytes of one piece of the answer.
const PIECE: usize = 64 * 1024;

/// The routes with their endpoints, ordered by key.
pub(super) async fn routes(State(inside): State<Inside>) -> Response {
    let table = inside.table.load();
    // Sorting a large table takes longer than this thread may be away.
    let Ok(listing) = tokio::task::spawn_blocking(move || Listing::of(&table)).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let pieces = tokio_stream::iter(listing.map(Ok::<Bytes, Infallible>));
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONNECTION, "close"),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

/// The text of the answer, made as fast as it is read.
struct Listing {
    routes: std::vec::IntoIter<(String, Arc<Route>)>,
    default_algorithm: &'static str,
    /// `{`, then what stands between two routes.
    separator: &'static str,
    ended: bool,
}

impl Listing {
    fn of(table: &Table) -> Self {
        let mut routes: Vec<_> = table
            .iter()
            .map(|route| (route.key().to_string(), Arc::clone(route)))
            .collect();
        routes.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self {
            routes: routes.into_iter(),
            default_algorithm: spelled(table.settings().default_algorithm),
            separator: "{",
            ended: false,
        }
    }
}

impl Iterator for Listing {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let mut piece = String::new();
        while piece.len() < PIECE {
            let Some((key, route)) = self.routes.next() else {
                piece.push_str(if self.separator == "{" { "{}\n" } else { "}\n" });
                self.ended = true;
                break;
            };
            let endpoints = route.endpoints().iter();
            let endpoints: Vec<_> = endpoints
                .map(|endpoint| Shown::of(endpoint, self.default_algorithm))
                .collect();
            piece.push_str(std::mem::replace(&mut self.separator, ","));
            piece.push_str(&json(&key));
            piece.push(':');
            piece.push_str(&json(&endpoints));
        }
        Some(Bytes::from(piece))
    }
}

/// JSON as Go writes it: `<`, `>` and `&`, which only stand in texts, are escaped.
fn json(value: &impl Serialize) -> String {
    // Texts, numbers and maps of texts cannot fail to be written.
    let text = serde_json::to_string(value).unwrap_or_default();
    if !text.contains(['<', '>', '&']) {
        return text;
    }
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

/// An endpoint, its fields in Gorouter's order.
#[derive(Serialize)]
struct Shown<'a> {
    address: &'a str,
    availability_zone: &'a str,
    protocol: &'a str,
    tls: bool,
    ttl: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    route_service_url: &'a str,
    tags: Option<BTreeMap<&'a str, &'a str>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    isolation_segment: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    private_instance_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    server_cert_domain_san: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    load_balancing_algorithm: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    hash_header: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_balance: Option<f64>,
}

impl<'a> Shown<'a> {
    fn of(endpoint: &'a Endpoint, default_algorithm: &'a str) -> Self {
        let balancing = endpoint.registered_balancing();
        let algorithm = balancing.map_or("", |balancing| &balancing.algorithm);
        Self {
            address: endpoint.address().as_str(),
            availability_zone: endpoint.availability_zone(),
            protocol: endpoint.protocol_text(),
            tls: endpoint.tls().is_some(),
            ttl: endpoint.stale_threshold_seconds(),
            route_service_url: endpoint.route_service_url(),
            tags: endpoint.tags().map(|tags| tags.iter().collect()),
            isolation_segment: endpoint.segment(),
            private_instance_id: endpoint.instance_id(),
            server_cert_domain_san: endpoint.tls().unwrap_or_default(),
            load_balancing_algorithm: if algorithm.is_empty() {
                default_algorithm
            } else {
                algorithm
            },
            hash_header: balancing.map_or("", |balancing| &balancing.hash_header),
            hash_balance: balancing
                .filter(|balancing| balancing.algorithm == "hash")
                .map(|balancing| balancing.hash_balance),
        }
    }
}

const fn spelled(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RoundRobin => "round-robin",
        Algorithm::LeastConnection => "least-connection",
    }
}
