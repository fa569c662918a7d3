//! `/v1/log`: what this process logs, turned up or down for a while.

use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pointsman_process::telemetry::{LONGEST_LOAN, LentLevel, Level, LevelState};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::Caller;
use crate::audit;
use crate::order::{NotRead, Sent};
use crate::problem::Problem;

/// Where it is.
pub const PATH: &str = "/v1/log";

/// How long a level is lent where the client does not say, in seconds.
const FOR: u64 = 600;

/// `PUT /v1/log`: this level for so long. It comes as JSON, which a page in a browser cannot send elsewhere without being
/// allowed to; nobody is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    level: String,
    for_seconds: Option<u64>,
}

/// What is logged.
pub async fn shown(State(log): State<Option<LentLevel>>) -> Response {
    match &log {
        Some(log) => Json(state(&log.state())).into_response(),
        None => not_ours(),
    }
}

/// Sets what is logged; the configured level returns by itself.
pub async fn set(
    State(log): State<Option<LentLevel>>,
    Extension(caller): Extension<Caller>,
    order: Result<Sent<Order>, NotRead>,
) -> Response {
    let Some(log) = &log else {
        return not_ours();
    };
    let before = state(&log.state());
    match order.map_err(|error| (error.status, error.detail)) {
        Ok(Sent(order)) => match obey(log, &order) {
            Ok(()) => {
                let after = state(&log.state());
                audit::record(&caller, "log-level-changed", &before, Ok(&after));
                Json(after).into_response()
            }
            Err(refused) => {
                audit::record(&caller, "log-level-changed", &before, Err(&refused));
                refuse(StatusCode::BAD_REQUEST, refused)
            }
        },
        Err((status, detail)) => refuse(status, detail),
    }
}

fn obey(log: &LentLevel, order: &Order) -> Result<(), String> {
    let level: Level = order
        .level
        .parse()
        .map_err(|error| format!("level: {error}"))?;
    let seconds = order.for_seconds.unwrap_or(FOR);
    let longest = LONGEST_LOAN.as_secs();
    if !(1..=longest).contains(&seconds) {
        return Err(format!("for_seconds is {seconds}; expected 1 to {longest}"));
    }
    if level == log.state().configured {
        log.give_back();
    } else {
        log.lend(&level, Duration::from_secs(seconds));
    }
    Ok(())
}

fn state(state: &LevelState) -> Value {
    json!({
        "level": state.level.to_string(),
        "configured": state.configured.to_string(),
        "returns_in_seconds": state.left.map(|left| left.as_secs_f64()),
    })
}

fn not_ours() -> Response {
    let detail = "what this process logs is set elsewhere".to_owned();
    refuse(StatusCode::NOT_FOUND, detail)
}

fn refuse(status: StatusCode, detail: String) -> Response {
    Problem::of(status).because(detail).for_path(PATH)
}
