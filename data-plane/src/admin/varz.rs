//! `/varz`: what this data plane has counted, in the form that Gorouter has for collectors.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_process::varz::{Table, Varz};

use super::Inside;
use crate::counters::Traffic;

/// What the document is made from.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Who the process is, and how its rates are.
    pub(crate) varz: Arc<Varz>,
    /// What is counted.
    pub(crate) traffic: Traffic,
}

/// The document; a 404 where requests are not counted for it.
pub(super) async fn varz(State(inside): State<Inside>) -> Response {
    let Some(shown) = inside.varz.clone() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // Looking at every endpoint of a large table takes longer than this thread may be away.
    let text = tokio::task::spawn_blocking(move || {
        let figures = shown.traffic.figures();
        shown.varz.document(&figures, &table(&inside))
    });
    let Ok(text) = text.await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// What is served.
fn table(inside: &Inside) -> Table {
    let table = inside.table.load();
    let mut addresses = HashSet::new();
    for route in table.iter() {
        for endpoint in route.endpoints() {
            addresses.insert(endpoint.address().as_str());
        }
    }
    let published = inside.status.borrow().published;
    Table {
        urls: table.routes(),
        droplets: addresses.len() as u64,
        since_last_update: published.map(|published| published.elapsed()),
    }
}
