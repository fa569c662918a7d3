//! `/v1/routes`: everything that is known of the routes, page by page.

mod history;
pub(super) mod shown;
mod wanted;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_route_key::RouteKey;

use super::chunks::{self, Gone, Pieces};
use super::{Inside, listing};
use crate::registry_task::Ended;
pub(super) use history::{history, record};
use pointsman_admin::Problem;
use wanted::{Page, Wanted};

const PATH: &str = "/v1/routes";

/// A page of routes in the order of their spelling: `{"epoch", "revision", "routes": [...], "next"}`. `next` is null on
/// the last page. Routes that change while pages are read may be missed or not; those that stay are shown once.
///
/// The entity tag is the revision, and weak: how long ago something was heard is no change.
pub(super) async fn routes(
    State(inside): State<Inside>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let page = match wanted {
        Ok(Query(wanted)) => wanted.check(),
        Err(error) => Err(format!("{}; {}", error.body_text(), wanted::KNOWN)),
    };
    let page = match page {
        Ok(page) => page,
        Err(detail) => {
            return Problem::of(StatusCode::BAD_REQUEST)
                .because(detail)
                .for_path(PATH);
        }
    };
    match answer(inside, &headers, page).await {
        Ok(answer) => answer,
        Err(ended) => ended_problem(ended, PATH),
    }
}

/// The registry is gone, so the process is about to be.
pub(super) fn ended_problem(ended: Ended, path: &str) -> Response {
    Problem::of(StatusCode::SERVICE_UNAVAILABLE)
        .because(ended.to_string())
        .for_path(path)
}

async fn answer(inside: Inside, headers: &HeaderMap, page: Page) -> Result<Response, Ended> {
    let read = inside
        .registry
        .read(|registry, _| (registry.epoch(), registry.head()));
    let (epoch, revision) = read.await?;
    let tag = format!("W/\"{epoch:016x}-{revision}\"");
    let tagged = !page.filter.looks_at_time();
    if tagged && is_known(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let keys = keys(&inside, &page).await?;
    let begin = format!("{{\"epoch\":\"{epoch:016x}\",\"revision\":{revision},\"routes\":[");
    let body = chunks::body(|pieces| async move {
        // A client that left is no fault of anybody.
        let _ = write(&inside, (&keys, &page), begin, &pieces).await;
    });
    let tag: Option<(HeaderName, String)> = tagged.then_some((header::ETAG, tag));
    let content_type = (header::CONTENT_TYPE, "application/json".to_owned());
    let headers: Vec<_> = [content_type].into_iter().chain(tag).collect();
    let mut answer = Response::new(body);
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            answer.headers_mut().insert(name, value);
        }
    }
    Ok(answer)
}

/// Whether the client has this already (RFC 9110 section 13.1.2, compared weakly).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let listed = headers.get_all(header::IF_NONE_MATCH).into_iter();
    let listed = listed.filter_map(|value| value.to_str().ok());
    let mut each = listed.flat_map(|value| value.split(','));
    each.any(|it| it.trim() == "*" || opaque(it) == opaque(tag))
}

/// The routes that may stand on a page.
async fn keys(inside: &Inside, page: &Page) -> Result<Vec<Arc<RouteKey>>, Ended> {
    let mut keys = match &page.only {
        Some(key) => vec![Arc::new(key.clone())],
        None => listing::sorted_keys(&inside.registry).await?,
    };
    if let Some(after) = &page.after {
        let seen = keys.partition_point(|key| listing::compare(key, after).is_le());
        keys.drain(..seen);
    }
    keys.retain(|key| page.filter.may_show(key));
    Ok(keys)
}

async fn write(
    inside: &Inside,
    (keys, page): (&[Arc<RouteKey>], &Page),
    begin: String,
    pieces: &Pieces,
) -> Result<(), Gone> {
    let mut text = begin;
    let mut rest = keys;
    let (mut shown, mut last, mut next) = (0, None, None);
    while !rest.is_empty() && next.is_none() {
        // One more than fits, to know whether there is another page.
        let most = if page.filter.shows_everything() {
            page.limit - shown + 1
        } else {
            rest.len()
        };
        let look = listing::look(&inside.registry, &rest[..most.min(rest.len())]).await;
        let (found, looked) = match look {
            Ok(look) => look,
            Err(ended) => {
                pieces.break_off(ended).await;
                return Err(Gone);
            }
        };
        rest = &rest[looked..];
        for (key, mut route) in found {
            if !page.filter.apply(&mut route) {
                continue;
            }
            if shown == page.limit {
                next.clone_from(&last);
                break;
            }
            if shown > 0 {
                text.push(',');
            }
            text.push_str(&shown::route(&key, &route).to_string());
            shown += 1;
            last = Some(key.to_string());
        }
        pieces.send(std::mem::take(&mut text)).await?;
        if next.is_some() {
            break;
        }
    }
    text.push_str(&format!("],\"next\":{}}}\n", serde_json::json!(next)));
    pieces.send(text).await
}
