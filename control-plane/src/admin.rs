//! The admin API: health, what is registered, who serves it, metrics, and what an operator orders.
//!
//! Everything but health asks for the configured user; without one, only callers on this machine that name it by its
//! address are answered. Long answers are written piece by piece, in bounded looks at the registry.

mod access;
mod audit;
mod bind;
mod chunks;
mod contract;
mod explain;
mod health;
mod listing;
mod log;
mod orders;
mod overrides;
mod paths;
mod problem;
mod questions;
mod replicas;
mod routes;
mod serve;
mod v1_routes;
mod varz;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use pointsman_process::metrics::Exposition;
use pointsman_process::readiness::{Liveness, Readiness};
use pointsman_process::telemetry::LentLevel;
use pointsman_process::varz::Varz;
use tokio::sync::Semaphore;

use access::Access;
pub use access::{Client, Credentials, Role, Token};
pub(crate) use bind::Bound;
pub use bind::Tls;
pub(crate) use bind::{BindError, bind};
use problem::Problem;
pub(crate) use varz::figures;
pub(crate) use watch::WATCHERS;

use crate::registry_task::Handle;

/// What an operator decides about the admin API.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; `None`: nowhere.
    pub listen: Option<SocketAddr>,
    /// The user who is known by a password. Without one, a token or a client, everybody is who reaches the address.
    pub credentials: Option<Credentials>,
    /// Who is known by a token.
    pub tokens: Vec<Arc<Token>>,
    /// Who is known by a name in a certificate.
    pub clients: Vec<Client>,
    /// TLS; `None`: clear text.
    pub tls: Option<Tls>,
    /// Whether the metrics ask for the user as well.
    pub protect_metrics: bool,
}

/// What the answers are made from.
#[derive(Clone)]
pub(crate) struct Inside {
    /// The registry and its data planes.
    pub(crate) registry: Handle,
    /// Whether this process may be given work.
    pub(crate) readiness: Readiness,
    /// Whether its loops turn.
    pub(crate) liveness: Liveness,
    /// Its metrics.
    pub(crate) metrics: Arc<prometheus_client::registry::Registry>,
    /// Who this process is to collectors.
    pub(crate) varz: Arc<Varz>,
    /// What it logs, where that can be changed.
    pub(crate) log: Option<LentLevel>,
    /// The places of those who watch.
    pub(crate) watchers: Arc<Semaphore>,
    /// What a request gets while no endpoint is there.
    pub(crate) empty_pool_status: u16,
    /// The algorithm of routes that name none, in Gorouter's words.
    pub(crate) default_algorithm: &'static str,
}

/// All paths, behind those who may ask for them.
fn router(access: Access, protect_metrics: bool, inside: Inside) -> Router {
    let access = Arc::new(access);
    let open = paths::open().into_router();
    let figures = paths::figures().into_router();
    let protected = paths::protected()
        .into_router()
        .method_not_allowed_fallback(wrong_method)
        .fallback(not_found);
    let (open, protected) = if protect_metrics {
        (open, protected.merge(figures))
    } else {
        (open.merge(figures), protected)
    };
    let protected = protected.layer(middleware::from_fn_with_state(access, access::check));
    open.merge(protected)
        .layer(middleware::from_fn(problems_only))
        .with_state(inside)
}

async fn metrics(State(inside): State<Inside>, headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    match Exposition::of(&inside.metrics, accept) {
        Ok(text) => ([(header::CONTENT_TYPE, text.content_type)], text.body).into_response(),
        Err(error) => {
            tracing::error!(component = "admin", error = %error, "metrics-not-written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What the framework refuses by itself is a problem under `/v1` as everything else is.
async fn problems_only(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let answer = next.run(request).await;
    let status = answer.status();
    let told = answer.headers().get(header::CONTENT_TYPE);
    let is_problem = told.is_some_and(|it| it == problem::CONTENT_TYPE);
    let is_error = status.is_client_error() || status.is_server_error();
    if is_error && !is_problem && uri.path().starts_with("/v1/") {
        let detail = "the request could not be read";
        return Problem::of(status).because(detail).for_path(uri.path());
    }
    answer
}

async fn not_found(uri: Uri) -> Response {
    Problem::of(StatusCode::NOT_FOUND)
        .because("the admin API has no such path")
        .for_path(uri.path())
}

/// The methods that the path answers stand in the header `Allow` (RFC 9110 section 15.5.6).
async fn wrong_method(uri: Uri) -> Response {
    Problem::of(StatusCode::METHOD_NOT_ALLOWED)
        .because("this path answers other methods, which the header Allow names")
        .for_path(uri.path())
}
