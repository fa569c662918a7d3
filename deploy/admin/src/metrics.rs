//! `/metrics`: figures for collectors.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_process::metrics::Exposition;
use prometheus_client::registry::Registry;

/// All metrics of the process, in the form that the caller prefers.
pub async fn metrics(State(registry): State<Arc<Registry>>, headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    match Exposition::of(&registry, accept) {
        Ok(text) => ([(header::CONTENT_TYPE, text.content_type)], text.body).into_response(),
        Err(error) => {
            tracing::error!(component = "admin", error = %error, "metrics-not-written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
