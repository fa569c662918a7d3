//! `/v1/roll-out`: the large change that is given to one part of the data planes after the other.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pointsman_admin::{Caller, NotRead, Problem, Sent, audit};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Inside;
use super::orders::{read, refuse};
use crate::registry_task::{Rolling, Stage};

/// Where it is.
pub(super) const PATH: &str = "/v1/roll-out";

/// Where it is let go on to everybody.
pub(super) const FINISH: &str = "/v1/roll-out/finish";

/// `POST /v1/roll-out/finish`: every data plane is to have the change now.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Finish {
    epoch: String,
    number: u64,
}

/// The roll-out that is under way.
pub(super) async fn shown(State(inside): State<Inside>) -> Response {
    let epoch = inside.registry.read(|registry, _| registry.epoch()).await;
    match epoch {
        Ok(epoch) => Json(json!({
            "epoch": format!("{epoch:016x}"),
            "roll_out": rolling(&inside),
        }))
        .into_response(),
        Err(ended) => Problem::of(StatusCode::SERVICE_UNAVAILABLE)
            .because(ended.to_string())
            .for_path(PATH),
    }
}

/// Lets it go on to everybody at once, halted or not.
pub(super) async fn finish(
    State(inside): State<Inside>,
    Extension(caller): Extension<Caller>,
    order: Result<Sent<Finish>, NotRead>,
) -> Response {
    let (Finish { number, .. }, epoch) = match read(order, |order: &Finish| &order.epoch) {
        Ok(order) => order,
        Err(problem) => return problem.for_path(FINISH),
    };
    let before = json!({ "number": number, "roll_out": rolling(&inside) });
    match inside.registry.finish_roll_out(epoch, number).await {
        Ok(()) => {
            let done = json!({ "finished": number });
            audit::record(&caller, "operator-finishes-roll-out", &before, Ok(&done));
            Json(done).into_response()
        }
        Err(refused) => {
            audit::record(
                &caller,
                "operator-finishes-roll-out",
                &before,
                Err(&refused),
            );
            refuse(&refused, FINISH)
        }
    }
}

/// What is under way; null for nothing.
fn rolling(inside: &Inside) -> Value {
    let staging = inside.registry.staging().borrow().clone();
    let Some(rolling) = staging.rolling else {
        return Value::Null;
    };
    let replicas = inside.registry.replicas();
    let (admitted, waiting): (Vec<_>, Vec<_>) = replicas
        .iter()
        .partition(|one| rolling.admitted.contains(&one.id));
    let names = |of: Vec<&crate::registry_task::Replica>| {
        of.into_iter()
            .map(|one| one.name.clone())
            .collect::<Vec<_>>()
    };
    json!({
        "number": rolling.number,
        "cause": rolling.cause.name(),
        "stage": rolling.stage.name(),
        "reason": reason(&rolling),
        "routes": rolling.routes,
        "routes_before": rolling.table,
        "seconds": Instant::now().saturating_duration_since(rolling.since).as_secs_f64(),
        "admitted": names(admitted),
        "waiting": names(waiting),
    })
}

/// Why it is halted; empty where it is not.
fn reason(rolling: &Rolling) -> String {
    match &rolling.stage {
        Stage::Halted(halt) => halt.to_string(),
        Stage::Preparing | Stage::First | Stage::Steps => String::new(),
    }
}
