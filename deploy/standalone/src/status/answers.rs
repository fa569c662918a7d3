//! What the status listeners answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use pointsman_data_plane::table::TableHandle;
use pointsman_process::readiness::Readiness;
use serde::Serialize;

use super::access::{self, Access};
use crate::varz::Document;

/// Gorouter's answers say that they must not be kept.
const UNCACHED: [(HeaderName, &str); 2] = [
    (header::CACHE_CONTROL, "private, max-age=0"),
    (header::EXPIRES, "0"),
];

/// Health and liveness; any method, nobody is asked who they are, everything else is a 404.
pub(super) fn health(readiness: Readiness) -> Router {
    Router::new()
        .route("/health", any(ready))
        .route("/is-process-alive-do-not-use-for-loadbalancing", any(alive))
        .with_state(readiness)
}

/// 200 and `ok`, or 503 and nothing while the process starts or drains.
async fn ready(State(readiness): State<Readiness>) -> Response {
    if readiness.is_ready() {
        (UNCACHED, "ok\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, UNCACHED).into_response()
    }
}

async fn alive() -> Response {
    (UNCACHED, "ok\n").into_response()
}

/// The old component server: health, which nobody is asked for who they are for, and behind basic authentication `/varz` and
/// `/routes`. There is no liveness.
pub(super) fn component(
    readiness: Readiness,
    (table, document): (TableHandle, Document),
    access: Arc<Access>,
) -> Router {
    let health = Router::new()
        .route("/health", any(ready))
        .route("/healthz", any(ready))
        .with_state(readiness);
    let varz = Router::new().route("/varz", any(varz)).with_state(document);
    let shown = Router::new()
        .route("/routes", any(listing))
        .with_state(table);
    let protected = varz
        .merge(shown)
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(middleware::from_fn_with_state(access, access::check));
    health.merge(protected)
}

/// What the process is and has counted.
async fn varz(State(document): State<Document>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONNECTION, "close"),
    ];
    (headers, document.text().await).into_response()
}

/// `/routes`, behind basic authentication, as everything on its listener is.
pub(super) fn routes(table: TableHandle, access: Arc<Access>) -> Router {
    Router::new()
        .route("/routes", any(listing))
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(middleware::from_fn_with_state(access, access::check))
        .with_state(table)
}

/// An endpoint, its fields in Gorouter's order.
#[derive(Serialize)]
struct Endpoint {
    address: String,
    availability_zone: String,
    protocol: String,
    tls: bool,
    ttl: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    route_service_url: String,
    tags: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    isolation_segment: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    private_instance_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    server_cert_domain_san: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    load_balancing_algorithm: String,
}

/// What the data plane serves, by host and path.
async fn listing(State(table): State<TableHandle>) -> Response {
    // A large table takes longer than this thread may be away.
    let text = tokio::task::spawn_blocking(move || json(&table)).await;
    let Ok(Ok(text)) = text else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONNECTION, "close"),
    ];
    (headers, text).into_response()
}

fn json(table: &TableHandle) -> serde_json::Result<String> {
    let table = table.load();
    let mut routes = BTreeMap::new();
    for route in table.iter() {
        let endpoints = route.endpoints().iter().map(|endpoint| Endpoint {
            address: endpoint.address().as_str().to_owned(),
            availability_zone: endpoint.availability_zone().to_owned(),
            protocol: endpoint.protocol_text().to_owned(),
            tls: endpoint.tls().is_some(),
            ttl: endpoint.stale_threshold_seconds(),
            route_service_url: endpoint.route_service_url().to_owned(),
            tags: endpoint.tags().map(|tags| {
                tags.iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            }),
            isolation_segment: endpoint.segment().to_owned(),
            private_instance_id: endpoint.instance_id().to_owned(),
            server_cert_domain_san: endpoint.tls().unwrap_or_default().to_owned(),
            load_balancing_algorithm: endpoint
                .registered_balancing()
                .map(|balancing| balancing.algorithm.to_string())
                .unwrap_or_default(),
        });
        routes.insert(route.key().to_string(), endpoints.collect::<Vec<_>>());
    }
    let mut text = serde_json::to_string(&routes)?;
    text.push('\n');
    Ok(text)
}
