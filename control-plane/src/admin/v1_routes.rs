//! `/v1/routes`: everything that is known of the routes, page by page.

mod shown;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_route_key::RouteKey;
use serde::Deserialize;

use super::chunks::{self, Gone, Pieces};
use super::problem::Problem;
use super::{Inside, listing};
use crate::registry_task::Ended;

/// Routes of one page, where the client does not say.
const PAGE: usize = 1000;

/// Routes of one page at most.
const MAX_PAGE: usize = 10_000;

/// What the client wants to see.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Only the route of this URI.
    uri: Option<String>,
    /// Only routes after this one, as `next` of the page before names it.
    after: Option<String>,
    /// Routes of this page.
    limit: Option<usize>,
}

/// A page of routes in the order of their spelling: `{"epoch", "revision", "routes": [...], "next"}`. `next` is null on
/// the last page. Routes that change while pages are read may be missed or not; those that stay are shown once.
pub(super) async fn routes(
    State(inside): State<Inside>,
    wanted: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let refused = |detail: String| {
        Problem::of(StatusCode::BAD_REQUEST)
            .because(detail)
            .for_path("/v1/routes")
    };
    let page = match wanted {
        Ok(Query(wanted)) => wanted.check(),
        Err(error) => Err(format!(
            "{}; known are uri, after and limit",
            error.body_text()
        )),
    };
    let page = match page {
        Ok(page) => page,
        Err(detail) => return refused(detail),
    };
    match page.keys(&inside).await {
        Ok(keys) => {
            let body = chunks::body(|pieces| async move {
                // A client that left is no fault of anybody.
                let _ = write(&inside, &keys, &pieces).await;
            });
            ([(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(ended) => Problem::of(StatusCode::SERVICE_UNAVAILABLE)
            .because(ended.to_string())
            .for_path("/v1/routes"),
    }
}

/// A page that can be given.
enum Page {
    One(RouteKey),
    Part {
        after: Option<RouteKey>,
        limit: usize,
    },
}

/// The routes of a page, and the last of them where another page follows.
struct Keys {
    page: Vec<Arc<RouteKey>>,
    next: Option<Arc<RouteKey>>,
}

impl Wanted {
    fn check(&self) -> Result<Page, String> {
        let key = |name, uri: &String| {
            RouteKey::from_uri(uri).map_err(|error| format!("{name} is `{uri}`: {error}"))
        };
        if let Some(uri) = &self.uri {
            return key("uri", uri).map(Page::One);
        }
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(format!("limit is {limit}; expected 1 to {MAX_PAGE}"));
        }
        let after = self
            .after
            .as_ref()
            .map(|uri| key("after", uri))
            .transpose()?;
        Ok(Page::Part { after, limit })
    }
}

impl Page {
    async fn keys(self, inside: &Inside) -> Result<Keys, Ended> {
        let (after, limit) = match self {
            Self::One(key) => {
                return Ok(Keys {
                    page: vec![Arc::new(key)],
                    next: None,
                });
            }
            Self::Part { after, limit } => (after, limit),
        };
        let mut keys = listing::sorted_keys(&inside.registry).await?;
        if let Some(after) = after {
            let seen = keys.partition_point(|key| listing::compare(key, &after).is_le());
            keys.drain(..seen);
        }
        let next = (keys.len() > limit).then(|| keys[limit - 1].clone());
        keys.truncate(limit);
        Ok(Keys { page: keys, next })
    }
}

async fn write(inside: &Inside, keys: &Keys, pieces: &Pieces) -> Result<(), Gone> {
    let read = inside
        .registry
        .read(|registry, _| (registry.epoch(), registry.head()));
    let Ok((epoch, revision)) = read.await else {
        return Err(Gone);
    };
    let mut text = format!("{{\"epoch\":\"{epoch:016x}\",\"revision\":{revision},\"routes\":[");
    let mut rest = &keys.page[..];
    let mut first = true;
    while !rest.is_empty() {
        let (found, looked) = match listing::look(&inside.registry, rest).await {
            Ok(look) => look,
            Err(ended) => {
                pieces.break_off(ended).await;
                return Err(Gone);
            }
        };
        rest = &rest[looked..];
        for (key, route) in &found {
            if !std::mem::take(&mut first) {
                text.push(',');
            }
            text.push_str(&shown::route(key, route).to_string());
        }
        pieces.send(std::mem::take(&mut text)).await?;
    }
    let next = keys.next.as_ref().map(ToString::to_string);
    text.push_str(&format!("],\"next\":{}}}\n", serde_json::json!(next)));
    pieces.send(text).await
}
