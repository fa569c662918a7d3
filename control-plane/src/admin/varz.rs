//! `/varz`: what is registered, and what the data planes that follow have counted, in the form that Gorouter has for
//! collectors.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use pointsman_process::varz::{Figures, Http, Table};

use super::Inside;
use crate::registry_task::{Ended, Handle};
use pointsman_admin::Problem;

/// The document. Latencies and apps are not reported here: they are what `/varz` of each data plane tells.
pub(super) async fn varz(State(inside): State<Inside>) -> Response {
    match table(&inside.registry).await {
        Ok(table) => {
            let text = inside.varz.document(&figures(&inside.registry), &table);
            ([(header::CONTENT_TYPE, "application/json")], text).into_response()
        }
        Err(ended) => Problem::of(StatusCode::SERVICE_UNAVAILABLE)
            .because(ended.to_string())
            .for_path("/varz"),
    }
}

/// What the data planes that follow have counted.
pub(crate) fn figures(registry: &Handle) -> Figures {
    let counts = registry.counts();
    Figures {
        all: Http {
            requests: counts.attempts,
            responses: counts.responses,
            ..Http::default()
        },
        bad_requests: counts.rejected_requests,
        bad_gateways: counts.bad_gateways,
        ..Figures::default()
    }
}

async fn table(registry: &Handle) -> Result<Table, Ended> {
    let counts = registry.read(|registry, now| registry.counts(now)).await?;
    Ok(Table {
        urls: counts.routes as u64,
        droplets: counts.addresses as u64,
        since_last_update: counts.since_last_update,
    })
}
