//! `/ejected`: the endpoints that the outlier detector has taken out of the choice.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Inside;

/// One endpoint that is out.
#[derive(Serialize)]
struct Shown {
    /// The route whose request showed it; all routes of the address pass it over.
    route: String,
    address: String,
    instance_id: String,
    /// Why.
    cause: &'static str,
    /// For how long it was taken out, until it is probed.
    seconds: u64,
}

/// Those that were not readmitted yet.
pub(super) async fn ejected(State(inside): State<Inside>) -> Response {
    let all = inside.ejected.list();
    let shown = all.iter().map(|one| Shown {
        route: one.route.key().to_string(),
        address: one.ejection.endpoint.address().to_string(),
        instance_id: one.ejection.endpoint.instance_id().to_owned(),
        cause: one.ejection.cause.word(),
        seconds: one.ejection.length.as_secs(),
    });
    Json(shown.collect::<Vec<_>>()).into_response()
}
