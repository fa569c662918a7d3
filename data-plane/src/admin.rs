//! The admin API of the data plane: health, metrics, what is served, and the kill switches.
//!
//! Health is for everybody who reaches the address. Everything else asks for the configured user;
//! without one, only callers that name this machine by its address are answered.

mod access;
mod ejected;
mod health;
mod log;
mod overrides;
mod routes;
mod serve;
mod status;
mod varz;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get};
use pointsman_process::metrics::Exposition;
use pointsman_process::readiness::{Liveness, Readiness};
use pointsman_process::telemetry::LentLevel;
use tokio::net::TcpListener;
use tokio::sync::watch;

use access::Access;
pub use access::Credentials;
pub(crate) use varz::Shown;

use crate::failing::Ejected;
use crate::listener::{Heirlooms, Inherited};
use crate::overrides::Overrides;
use crate::subscription::{Kept, Status};
use crate::table::TableHandle;

/// What an operator decides about the admin API.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who may look; `None`: everybody who reaches the address.
    pub credentials: Option<Credentials>,
    /// Whether the metrics ask for the user as well.
    pub protect_metrics: bool,
}

/// What the answers are made from.
#[derive(Clone, Debug)]
pub(crate) struct Inside {
    /// Whether this process may be given work.
    pub(crate) readiness: Readiness,
    /// Whether its loops turn.
    pub(crate) liveness: Liveness,
    /// Its metrics.
    pub(crate) metrics: Arc<prometheus_client::registry::Registry>,
    /// What it logs, where that can be changed.
    pub(crate) log: Option<LentLevel>,
    /// What is served.
    pub(crate) table: TableHandle,
    /// How following goes.
    pub(crate) status: watch::Receiver<Status>,
    /// How keeping the table on disk goes, where it is kept.
    pub(crate) kept: Option<watch::Receiver<Kept>>,
    /// The endpoints that are out as outliers.
    pub(crate) ejected: Ejected,
    /// What `/varz` is made from, where it answers.
    pub(crate) varz: Option<Shown>,
    /// What an operator has put over the rules.
    pub(crate) overrides: Overrides,
}

/// The admin API with its socket bound, before it answers.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
}

/// Binds the socket, or takes the one that was inherited.
///
/// # Errors
///
/// What the operating system says.
pub(crate) async fn bind(settings: Settings, inherited: &mut Inherited) -> io::Result<Bound> {
    let listener = match inherited.take(settings.listen).pop() {
        Some(socket) => TcpListener::from_std(socket)?,
        None => TcpListener::bind(settings.listen).await?,
    };
    let address = listener.local_addr()?;
    Ok(Bound {
        listener,
        address,
        settings,
    })
}

impl Bound {
    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Keeps the socket for a successor.
    ///
    /// # Errors
    /// Descriptors have run out.
    pub(crate) fn keep(&self, heirlooms: &Heirlooms) -> io::Result<()> {
        let socket = socket2::SockRef::from(&self.listener).try_clone()?;
        heirlooms.keep(socket.into());
        Ok(())
    }

    /// Answers until `end` resolves.
    pub(crate) async fn serve(self, inside: Inside, end: impl Future<Output = ()>) {
        let router = router(&self.settings, inside);
        serve::serve(self.listener, router, end).await;
    }
}

/// All paths on one page.
fn router(settings: &Settings, inside: Inside) -> Router {
    let access = Arc::new(Access::new(settings.credentials.clone()));
    let open = Router::new()
        .route("/health", any(health::health))
        .route(
            "/is-process-alive-do-not-use-for-loadbalancing",
            any(health::alive),
        )
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz));
    let protected = Router::new()
        .route("/routes", any(routes::routes))
        .route("/status", get(status::status))
        .route("/ejected", get(ejected::ejected))
        .route("/varz", get(varz::varz))
        .route("/v1/log", get(log::shown).put(log::set))
        .route(overrides::PATH, get(overrides::list).post(overrides::place))
        .route("/v1/overrides/{id}", delete(overrides::end))
        .fallback(async || StatusCode::NOT_FOUND);
    let metrics = Router::new().route("/metrics", get(metrics));
    let (open, protected) = if settings.protect_metrics {
        (open, protected.merge(metrics))
    } else {
        (open.merge(metrics), protected)
    };
    let protected = protected.layer(middleware::from_fn_with_state(access, access::check));
    open.merge(protected).with_state(inside)
}

async fn metrics(State(inside): State<Inside>, headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    match Exposition::of(&inside.metrics, accept) {
        Ok(text) => ([(header::CONTENT_TYPE, text.content_type)], text.body).into_response(),
        Err(error) => {
            tracing::error!(component = "admin", %error, "metrics-not-written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests;
