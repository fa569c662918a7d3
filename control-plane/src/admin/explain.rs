//! `/v1/explain`: which route and endpoints a URL gets, step by step, and which data planes would answer otherwise.
//!
//! Nothing is sent to anybody's backend. The table is read as data planes read it: the same normal form, the same order
//! of candidates.

mod asked;
mod asking;
mod candidates;
mod differences;
mod pool;
mod replicas;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pointsman_registry::RouteListing;
use serde_json::{Value, json};

use super::Inside;
use super::v1_routes::{ended_problem, shown};
use crate::registry_task::Ended;
use asked::Asked;
use candidates::{Candidate, Outcome};
use pointsman_admin::Problem;

const PATH: &str = "/v1/explain";

/// What a request for this URL gets.
pub(super) async fn explain(
    State(inside): State<Inside>,
    asked: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Response {
    let asked = asked
        .map_err(|error| error.body_text())
        .and_then(|Query(pairs)| Asked::read(pairs));
    let asked = match asked {
        Ok(asked) => asked,
        Err(detail) => {
            return Problem::of(StatusCode::BAD_REQUEST)
                .because(detail)
                .for_path(PATH);
        }
    };
    match answer(&inside, &asked).await {
        Ok(answer) => Json(answer).into_response(),
        Err(ended) => ended_problem(ended, PATH),
    }
}

async fn answer(inside: &Inside, asked: &Asked) -> Result<Value, Ended> {
    let read = inside
        .registry
        .read(|registry, _| (registry.epoch(), registry.head()));
    let (epoch, revision) = read.await?;
    let candidates = candidates::all(inside, asked).await?;
    let matched = candidates.iter().find_map(|candidate| match candidate {
        Candidate {
            key,
            outcome: Outcome::Answers(route),
            ..
        } => Some((key, &**route)),
        Candidate { .. } => None,
    });
    let route = matched.map(|(_, route)| route);
    let mut steps = steps(asked, &candidates);
    steps.extend(pool::steps(inside, route, asked));
    let replicas = if asked.replicas {
        replicas::all(inside, &asked.url, matched).await
    } else {
        Vec::new()
    };
    Ok(json!({
        "epoch": format!("{epoch:016x}"),
        "revision": revision,
        "url": asked.url,
        "method": asked.method.as_str(),
        "host": asked.host,
        "path": asked.path,
        "candidates": candidates.iter().map(candidate).collect::<Vec<_>>(),
        "route": matched.map(|(key, route)| shown::route(key, route)),
        "status": pool::status(inside, route),
        "endpoints": route.map(pool::endpoints).unwrap_or_default(),
        "steps": steps,
        "replicas": replicas,
    }))
}

fn candidate(candidate: &Candidate) -> Value {
    json!({
        "route": candidate.key.to_string(),
        "outcome": candidate.outcome.word(),
        "why": candidate.outcome.why(candidate.place),
    })
}

/// How the route is found.
fn steps(asked: &Asked, candidates: &[Candidate]) -> Vec<String> {
    let Asked {
        host, path, method, ..
    } = asked;
    let mut steps = vec![
        format!("the host is {host:?}, without port and in lower case"),
        format!("the path is {path:?}, without query and closing slash and in lower case"),
        format!("the method {method} and the header fields play no part in finding the route"),
    ];
    steps.extend(candidates.iter().map(|candidate| {
        let Candidate {
            key,
            place,
            outcome,
        } = candidate;
        format!("{key}: {}", outcome.why(*place))
    }));
    steps
}

/// The listing of a route, as it is found.
type Found = Box<RouteListing>;
