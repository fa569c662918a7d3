//! `/routes`, to the letter as Gorouter writes it (C-337 to C-358).

mod endpoint;
mod go_json;

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_registry::RouteListing;
use pointsman_route_key::RouteKey;

use super::chunks::{self, Gone, Pieces};
use super::{Inside, listing};

/// One object, the spelling of each route to the list of its endpoints, and a newline.
pub(super) async fn routes(State(inside): State<Inside>) -> Response {
    let Ok(keys) = listing::sorted_keys(&inside.registry).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONNECTION, "close"),
    ];
    (headers, body(inside, keys)).into_response()
}

fn body(inside: Inside, keys: Vec<std::sync::Arc<RouteKey>>) -> Body {
    chunks::body(|pieces| async move {
        // A client that left is no fault of anybody.
        let _ = write(&inside, &keys, &pieces).await;
    })
}

async fn write(
    inside: &Inside,
    mut keys: &[std::sync::Arc<RouteKey>],
    pieces: &Pieces,
) -> Result<(), Gone> {
    let mut first = true;
    let mut text = vec![b'{'];
    while !keys.is_empty() {
        let (found, looked) = match listing::look(&inside.registry, keys).await {
            Ok(look) => look,
            Err(ended) => {
                pieces.break_off(ended).await;
                return Err(Gone);
            }
        };
        keys = &keys[looked..];
        for (key, route) in &found {
            if !std::mem::take(&mut first) {
                text.push(b',');
            }
            push_route(&mut text, key, route, inside.default_algorithm);
        }
        pieces.send(std::mem::take(&mut text)).await?;
    }
    text.extend_from_slice(b"}\n");
    pieces.send(text).await
}

fn push_route(text: &mut Vec<u8>, key: &RouteKey, route: &RouteListing, default_algorithm: &str) {
    go_json::push(text, &key.to_string());
    text.push(b':');
    let endpoints: Vec<_> = route
        .endpoints
        .iter()
        .map(|listed| endpoint::Shown::of(&listed.endpoint, default_algorithm))
        .collect();
    go_json::push(text, &endpoints);
}
