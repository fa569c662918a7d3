//! The admin API of the data plane: health, metrics, what is served, and the kill switches.
//!
//! What every admin API has is in `pointsman-admin`: who may ask, and connections.

mod ejected;
mod overrides;
mod routes;
mod status;
mod varz;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{any, delete, get};
use pointsman_admin::{Bound, Pages, health, log, metrics};
use pointsman_process::readiness::{Liveness, Readiness};
use pointsman_process::telemetry::LentLevel;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

pub use pointsman_admin::{Client, Credentials, Role, Settings, Tls, Token};
pub(crate) use varz::Shown;

use crate::failing::Ejected;
use crate::listener::Heirlooms;
use crate::overrides::Overrides;
use crate::subscription::{Kept, Status};
use crate::table::TableHandle;

/// What the answers are made from.
#[derive(Clone, Debug)]
pub(crate) struct Inside {
    /// Whether this process may be given work.
    pub(crate) readiness: Readiness,
    /// Whether its loops turn.
    pub(crate) liveness: Liveness,
    /// Its metrics.
    pub(crate) metrics: Arc<Registry>,
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

/// Keeps the socket for a successor.
///
/// # Errors
/// Descriptors have run out.
pub(crate) fn keep(bound: &Bound, heirlooms: &Heirlooms) -> io::Result<()> {
    let socket = socket2::SockRef::from(bound.listener()).try_clone()?;
    heirlooms.keep(socket.into());
    Ok(())
}

/// All paths, by who may ask for them.
pub(crate) fn pages(inside: Inside) -> Pages {
    let open = Router::new()
        .route("/health", any(health::health))
        .route("/healthz", any(health::health))
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
        .route(log::PATH, get(log::shown).put(log::set))
        .route(overrides::PATH, get(overrides::list).post(overrides::place))
        .route("/v1/overrides/{id}", delete(overrides::end));
    let figures = Router::new().route("/metrics", get(metrics::metrics));
    Pages {
        open: open.with_state(inside.clone()),
        figures: figures.with_state(inside.clone()),
        protected: protected.with_state(inside),
    }
}

impl FromRef<Inside> for Readiness {
    fn from_ref(inside: &Inside) -> Self {
        inside.readiness.clone()
    }
}

impl FromRef<Inside> for Liveness {
    fn from_ref(inside: &Inside) -> Self {
        inside.liveness.clone()
    }
}

impl FromRef<Inside> for Arc<Registry> {
    fn from_ref(inside: &Inside) -> Self {
        Self::clone(&inside.metrics)
    }
}

impl FromRef<Inside> for Option<LentLevel> {
    fn from_ref(inside: &Inside) -> Self {
        inside.log.clone()
    }
}

#[cfg(test)]
mod tests;
