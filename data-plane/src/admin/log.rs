//! `/v1/log`: what this process logs, turned up or down for a while.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_process::telemetry::{AUDIT, LONGEST_LOAN, LentLevel, Level, LevelState};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Inside;

/// How long a level is lent where the client does not say, in seconds.
const FOR: u64 = 600;

/// `PUT /v1/log`: this level for so long. It comes as JSON, which a page in a browser cannot send elsewhere without being
/// allowed to; nobody is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    level: String,
    for_seconds: Option<u64>,
}

/// What is logged.
pub(super) async fn shown(State(inside): State<Inside>) -> Response {
    match &inside.log {
        Some(log) => Json(state(&log.state())).into_response(),
        None => problem(StatusCode::NOT_FOUND, ELSEWHERE),
    }
}

const ELSEWHERE: &str = "what this process logs is set elsewhere";

/// Sets what is logged; the configured level returns by itself. Each attempt leaves a line that no level turns off.
pub(super) async fn set(
    State(inside): State<Inside>,
    order: Result<Json<Order>, JsonRejection>,
) -> Response {
    let Some(log) = &inside.log else {
        return problem(StatusCode::NOT_FOUND, ELSEWHERE);
    };
    let Json(order) = match order {
        Ok(order) => order,
        Err(error) => return problem(error.status(), &error.body_text()),
    };
    let before = state(&log.state());
    let obeyed = obey(log, &order);
    let after = state(&log.state());
    tracing::info!(
        target: AUDIT,
        component = "admin",
        before.json = before.to_string(),
        after.json = after.to_string(),
        refused = obeyed.as_ref().err().map(String::as_str),
        "log-level-changed"
    );
    match obeyed {
        Ok(()) => Json(after).into_response(),
        Err(refused) => problem(StatusCode::BAD_REQUEST, &refused),
    }
}

fn obey(log: &LentLevel, order: &Order) -> Result<(), String> {
    let level = order.level.parse();
    let level: Level = level.map_err(|error| format!("level: {error}"))?;
    let (seconds, longest) = (order.for_seconds.unwrap_or(FOR), LONGEST_LOAN.as_secs());
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

/// RFC 9457; without a type, so that the title is that of the status.
fn problem(status: StatusCode, detail: &str) -> Response {
    let problem = json!({
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
    });
    let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, content_type, problem.to_string()).into_response()
}
