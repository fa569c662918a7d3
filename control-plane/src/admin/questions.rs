//! `/v1/replicas/ID/...`: what one data plane says about the table that it serves.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Inside, named};
use crate::registry_task::{Answer, HeldEndpoint, HeldRoute, Holding, Question, Unanswered};
use pointsman_admin::Problem;

/// The longest URL that is asked about, in bytes.
const MAX_URL: usize = 8 * 1024;

/// `explain?url=URL`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Explain {
    url: String,
}

/// `route?uri=URI`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneRoute {
    uri: String,
}

/// Which route and endpoints a request for this URL gets there.
pub(super) async fn explain(
    State(inside): State<Inside>,
    Path(id): Path<String>,
    uri: Uri,
    asked: Result<Query<Explain>, QueryRejection>,
) -> Response {
    let question = match asked {
        Ok(Query(Explain { url })) if url.len() <= MAX_URL => Ok(Question::Explain(url)),
        Ok(_) => Err(format!("url is longer than {MAX_URL} bytes")),
        Err(error) => Err(format!("{}; expected url=URL", error.body_text())),
    };
    answer(&inside, &id, question, &uri).await
}

/// What is held there of one route.
pub(super) async fn route(
    State(inside): State<Inside>,
    Path(id): Path<String>,
    uri: Uri,
    asked: Result<Query<OneRoute>, QueryRejection>,
) -> Response {
    let question = match asked {
        Ok(Query(OneRoute { uri })) => named::route("uri", &uri).map(Question::Route),
        Err(error) => Err(format!("{}; expected uri=URI", error.body_text())),
    };
    answer(&inside, &id, question, &uri).await
}

/// What the whole table there adds up to.
pub(super) async fn digest(
    State(inside): State<Inside>,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    answer(&inside, &id, Ok(Question::Digest), &uri).await
}

async fn answer(
    inside: &Inside,
    id: &str,
    question: Result<Question, String>,
    uri: &Uri,
) -> Response {
    let problem = |status, detail: String| Problem::of(status).because(detail).for_path(uri.path());
    let question = match question {
        Ok(question) => question,
        Err(detail) => return problem(StatusCode::BAD_REQUEST, detail),
    };
    match inside.registry.ask(id, question).await {
        Ok(Answer::Holding(holding)) => Json(held(&holding)).into_response(),
        Ok(Answer::Digest { revision, sum }) => Json(json!({
            "revision": revision,
            "things": sum.things,
            "digest": format!("{:016x}", sum.digest),
        }))
        .into_response(),
        Ok(Answer::Refused(reason)) => problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("the data plane says: {reason}"),
        ),
        Err(unanswered) => problem(status(&unanswered), unanswered.to_string()),
    }
}

fn status(unanswered: &Unanswered) -> StatusCode {
    match unanswered {
        Unanswered::Unknown(_) => StatusCode::NOT_FOUND,
        Unanswered::TooMuch => StatusCode::TOO_MANY_REQUESTS,
        Unanswered::Left => StatusCode::BAD_GATEWAY,
        Unanswered::Late => StatusCode::GATEWAY_TIMEOUT,
    }
}

fn held(holding: &Holding) -> Value {
    json!({
        "routes": holding.routes.iter().map(held_route).collect::<Vec<_>>(),
        "endpoints": holding.endpoints.iter().map(held_endpoint).collect::<Vec<_>>(),
        "truncated": holding.truncated,
        "steps": holding.steps,
    })
}

fn held_route(route: &HeldRoute) -> Value {
    json!({
        "route": route.route,
        "segment": route.segment,
        "revision": route.revision,
        "birth": route.birth,
        "generation": format!("{:016x}", route.generation),
        "route_service_url": route.route_service_url,
        "load_balancing_algorithm": route.algorithm,
    })
}

fn held_endpoint(endpoint: &HeldEndpoint) -> Value {
    json!({
        "route": endpoint.route,
        "address": endpoint.address,
        "segment": endpoint.segment,
        "generation": format!("{:016x}", endpoint.generation),
        "protocol": endpoint.protocol,
        "tls": endpoint.server_cert_domain_san.is_some(),
        "server_cert_domain_san": endpoint.server_cert_domain_san,
        "app_id": endpoint.app_id,
        "instance_id": endpoint.instance_id,
        "instance_index": endpoint.instance_index,
        "availability_zone": endpoint.availability_zone,
        "silent": endpoint.silent,
    })
}
