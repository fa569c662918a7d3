//! The admin API: health, what is registered, who serves it, metrics, and what an operator orders.
//!
//! What every admin API has is in `pointsman-admin`: who may ask, and connections. Long answers are written piece by piece,
//! in bounded looks at the registry.

mod chunks;
mod contract;
mod explain;
mod listing;
mod named;
mod orders;
mod overrides;
mod paths;
mod questions;
mod replicas;
mod roll_out;
mod routes;
mod v1_routes;
mod varz;
mod watch;

use std::sync::Arc;

use axum::extract::FromRef;
use pointsman_admin::Pages;
pub use pointsman_admin::{Client, Credentials, Role, Settings, Tls, Token};
use pointsman_process::readiness::{Liveness, Readiness};
use pointsman_process::telemetry::LentLevel;
use pointsman_process::varz::Varz;
use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;

pub(crate) use varz::figures;
pub(crate) use watch::WATCHERS;

use crate::registry_task::Handle;

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
    pub(crate) metrics: Arc<Registry>,
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

/// All paths, by who may ask for them.
pub(crate) fn pages(inside: Inside) -> Pages {
    Pages {
        open: paths::open().into_router().with_state(inside.clone()),
        figures: paths::figures().into_router().with_state(inside.clone()),
        protected: paths::protected().into_router().with_state(inside),
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
