//! What an operator orders: held removals go, an empty table is right.
//!
//! Orders come as JSON, which a page in a browser cannot send elsewhere without being allowed to; nobody is.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Inside;
use super::access::Caller;
use super::problem::Problem;
use crate::registry_task::Refused;

const RELEASE: &str = "/v1/release";
const CONFIRM: &str = "/v1/authority/confirm";

/// The paths that take orders.
pub(super) const PATHS: [&str; 2] = [RELEASE, CONFIRM];

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
    Extension(Caller(user)): Extension<Caller>,
    order: Result<Json<Release>, JsonRejection>,
) -> Response {
    let order = match read(order, |order: &Release| &order.epoch) {
        Ok(order) => order,
        Err(problem) => return problem.for_path(RELEASE),
    };
    let (Release { up_to_revision, .. }, epoch) = order;
    let released = inside.registry.release(epoch, up_to_revision).await;
    let outcome = released
        .as_ref()
        .map_or_else(ToString::to_string, u64::to_string);
    tracing::info!(
        component = "admin",
        user,
        epoch = format!("{epoch:016x}"),
        up_to_revision,
        outcome,
        "operator-release"
    );
    match released {
        Ok(released) => {
            let told = inside.registry.replicas().len();
            Json(json!({ "released_expiries": released, "told_replicas": told })).into_response()
        }
        Err(refused) => refuse(&refused, RELEASE),
    }
}

/// Confirms that nothing is registered.
pub(super) async fn confirm(
    State(inside): State<Inside>,
    Extension(Caller(user)): Extension<Caller>,
    order: Result<Json<Confirm>, JsonRejection>,
) -> Response {
    let (_, epoch) = match read(order, |order: &Confirm| &order.epoch) {
        Ok(order) => order,
        Err(problem) => return problem.for_path(CONFIRM),
    };
    let confirmed = inside.registry.confirm_emptiness(epoch).await;
    let outcome = confirmed
        .as_ref()
        .map_or_else(ToString::to_string, |()| "confirmed".to_owned());
    tracing::info!(
        component = "admin",
        user,
        epoch = format!("{epoch:016x}"),
        outcome,
        "operator-confirms-emptiness"
    );
    match confirmed {
        Ok(()) => {
            let standing = inside.registry.standing().borrow().clone();
            Json(json!({
                "open": standing.open,
                "authoritative": standing.authoritative,
                "reason": standing.reason,
            }))
            .into_response()
        }
        Err(refused) => refuse(&refused, CONFIRM),
    }
}

/// The order, and its epoch.
fn read<Order>(
    order: Result<Json<Order>, JsonRejection>,
    epoch: impl FnOnce(&Order) -> &String,
) -> Result<(Order, u64), Problem> {
    let refused = |error: JsonRejection| Problem::of(error.status()).because(error.body_text());
    let Json(order) = order.map_err(refused)?;
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

fn refuse(refused: &Refused, path: &str) -> Response {
    let status = match refused {
        Refused::OtherEpoch { .. } | Refused::Future { .. } | Refused::NotEmpty { .. } => {
            StatusCode::CONFLICT
        }
        Refused::Ended(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::of(status)
        .because(refused.to_string())
        .for_path(path)
}
