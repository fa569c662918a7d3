//! Health: alive, ready, and why not.

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_process::readiness::{Liveness, Readiness};

/// Gorouter's answers say that they must not be kept.
const UNCACHED: [(HeaderName, &str); 2] = [
    (header::CACHE_CONTROL, "private, max-age=0"),
    (header::EXPIRES, "0"),
];

/// `/health` in Gorouter's words: 200 and `ok`, or 503 and nothing. Who drains is not healthy.
pub async fn health(State(readiness): State<Readiness>) -> Response {
    if readiness.is_ready() {
        (UNCACHED, "ok\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, UNCACHED).into_response()
    }
}

/// `/is-process-alive-do-not-use-for-loadbalancing`: 200 while it answers at all.
pub async fn alive() -> Response {
    (UNCACHED, "ok\n").into_response()
}

/// `/livez`: whether a restart would help; never because of something outside of the process.
pub async fn livez(State(liveness): State<Liveness>) -> Response {
    let late = liveness.late();
    let reasons = late
        .iter()
        .map(|(name, silence)| format!("{name}: has not come round for {} s", silence.as_secs()));
    answer(&reasons.collect::<Vec<_>>())
}

/// `/readyz`: whether its callers may come here, and what is awaited if not.
pub async fn readyz(State(readiness): State<Readiness>) -> Response {
    answer(&readiness.state().reasons())
}

fn answer(reasons: &[String]) -> Response {
    if reasons.is_empty() {
        return (UNCACHED, "ok\n").into_response();
    }
    let mut lines = reasons.join("\n");
    lines.push('\n');
    (StatusCode::SERVICE_UNAVAILABLE, UNCACHED, lines).into_response()
}
