//! What an operator orders: held removals go, an empty table is right.
//!
//! Orders come as JSON, which a page in a browser cannot send elsewhere without being allowed to; nobody is.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Inside;
use crate::registry_task::Refused;
use pointsman_admin::{Caller, NotRead, Problem, Sent, audit};

const RELEASE: &str = "/v1/release";
const CONFIRM: &str = "/v1/authority/confirm";

/// `POST /v1/release`: lets go what was held back up to a revision of this epoch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    epoch: String,
    up_to_revision: u64,
}

/// `POST /v1/authority/confirm`: it is right that nothing is registered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    epoch: String,
}

/// Releases expiries here, and inferred removals in every data plane that follows.
pub(super) async fn release(
    State(inside): State<Inside>,
    Extension(caller): Extension<Caller>,
    order: Result<Sent<Release>, NotRead>,
) -> Response {
    let order = match read(order, |order: &Release| &order.epoch) {
        Ok(order) => order,
        Err(problem) => return problem.for_path(RELEASE),
    };
    let (Release { up_to_revision, .. }, epoch) = order;
    let held = inside
        .registry
        .read(|registry, _| registry.held_expiries())
        .await;
    let before = json!({
        "epoch": format!("{epoch:016x}"),
        "up_to_revision": up_to_revision,
        "held_expiries": held.ok(),
    });
    match inside.registry.release(epoch, up_to_revision).await {
        Ok(released) => {
            let told = inside.registry.replicas().len();
            let done = json!({ "released_expiries": released, "told_replicas": told });
            audit::record(&caller, "operator-release", &before, Ok(&done));
            Json(done).into_response()
        }
        Err(refused) => {
            audit::record(&caller, "operator-release", &before, Err(&refused));
            refuse(&refused, RELEASE)
        }
    }
}

/// Confirms that nothing is registered.
pub(super) async fn confirm(
    State(inside): State<Inside>,
    Extension(caller): Extension<Caller>,
    order: Result<Sent<Confirm>, NotRead>,
) -> Response {
    let (_, epoch) = match read(order, |order: &Confirm| &order.epoch) {
        Ok(order) => order,
        Err(problem) => return problem.for_path(CONFIRM),
    };
    let standing = || {
        let standing = inside.registry.standing().borrow().clone();
        json!({
            "open": standing.open,
            "authoritative": standing.authoritative,
            "reason": standing.reason,
        })
    };
    let before = standing();
    match inside.registry.confirm_emptiness(epoch).await {
        Ok(()) => {
            let done = standing();
            audit::record(&caller, "operator-confirms-emptiness", &before, Ok(&done));
            Json(done).into_response()
        }
        Err(refused) => {
            audit::record(
                &caller,
                "operator-confirms-emptiness",
                &before,
                Err(&refused),
            );
            refuse(&refused, CONFIRM)
        }
    }
}

/// The order, and its epoch.
pub(super) fn read<Order>(
    order: Result<Sent<Order>, NotRead>,
    epoch: impl FnOnce(&Order) -> &String,
) -> Result<(Order, u64), Problem> {
    let refused = |error: NotRead| Problem::of(error.status).because(error.detail);
    let Sent(order) = order.map_err(refused)?;
    let spelled = epoch(&order);
    let read = Some(spelled)
        .filter(|it| it.len() == 16)
        .and_then(|it| u64::from_str_radix(it, 16).ok());
    let read = read.ok_or_else(|| {
        Problem::of(StatusCode::BAD_REQUEST).because(format!(
            "epoch is `{spelled}`; expected the 16 hexadecimal digits that /v1/replicas shows"
        ))
    })?;
    Ok((order, read))
}

/// The answer to an order that is not followed.
pub(super) fn refuse(refused: &Refused, path: &str) -> Response {
    let status = match refused {
        Refused::OtherEpoch { .. }
        | Refused::Future { .. }
        | Refused::NotEmpty { .. }
        | Refused::LastEndpoints { .. }
        | Refused::NotRegistered
        | Refused::TooManyOverrides => StatusCode::CONFLICT,
        Refused::NoOverride(_) | Refused::NoRollOut { .. } => StatusCode::NOT_FOUND,
        Refused::Ended(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::of(status)
        .because(refused.to_string())
        .for_path(path)
}
