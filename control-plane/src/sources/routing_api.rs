//! Routes from Cloud Foundry's Routing API: its whole list at every interval, and its stream of events in between.
//!
//! What the list has is registered anew each time, and counts until the next one whatever its own time, so that it does not
//! age; what it lacks goes through the guard against
//! mass removal, as everything does that is only inferred. What an event says counts at once. After every gap in the stream
//! the list is asked for, so nothing that happened meanwhile is missed. While the list cannot be had, the source is away,
//! and its clock stands.

mod clients;
mod list;
mod listing;
mod metrics;
mod route;
mod settings;
mod sse;
mod subscription;
mod table;
mod tokens;
mod wait;
mod work;

use std::sync::Arc;

use pointsman_process::tls::{Refused, Reloader};
use prometheus_client::registry::Registry;
use tokio::sync::{Notify, mpsc};

use clients::Api;
use metrics::Metrics;
use route::{Change, Route};
pub use settings::{Authorization, FirstConnection, Servers, Settings, Tls, TlsIdentity, Uaa};
use tokens::Tokens;
use work::{Reader, Work};

use super::message::Policy;
use super::refusals::Refusals;
use crate::registry_task::{Ended, Source};

/// What was heard and waits to be handled: the next event is read when there is room for it.
const WAITING: usize = 1024;

/// Why the source cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A URL is none.
    #[error("{url} is no URL of the {server}: {error}")]
    Url {
        /// The URL as it was configured.
        url: String,
        /// Whose it is.
        server: &'static str,
        /// What is wrong with it.
        error: String,
    },
    /// There is no port to fetch tokens from. The words are Gorouter's.
    #[error("UAA client requires TLS enabled: oauth.port is 0; name the TLS port of the UAA")]
    NoTokenPort,
    /// A certificate, key or authority cannot be used.
    #[error(transparent)]
    Tls(#[from] Refused),
    /// The crypto library refuses the settings of TLS.
    #[error("TLS towards the Routing API cannot be set up: {0}")]
    Crypto(#[from] rustls::Error),
    /// The HTTP client cannot be built.
    #[error("no HTTP client for the {server}: {error}")]
    Client {
        /// Whom it was to call.
        server: &'static str,
        /// What is wrong.
        error: String,
    },
}

/// Why the source ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There was no first list, and the settings do not let it be waited for.
    #[error("routing-api-connection-failed: {0}")]
    NoConnection(String),
    /// The registry has ended.
    #[error(transparent)]
    Registry(#[from] Ended),
}

/// The source, before it runs.
pub struct RoutingApi {
    shared: Shared,
    policy: Policy,
    refusals: Arc<Refusals>,
    reloader: Reloader,
}

/// What all duties of the source know.
struct Shared {
    settings: Settings,
    api: Api,
    tokens: Tokens,
    metrics: Metrics,
}

/// What is handled in the order in which it was heard.
enum Heard {
    /// The list is about to be asked for: what an event says from here on, the list may not know.
    Asked,
    /// The list.
    Listed(Vec<Route>),
    /// There is no list, or not within the time in which it should be there.
    NotListed,
    /// One route has changed.
    Changed(Change),
}

impl std::fmt::Debug for RoutingApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoutingApi")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

impl RoutingApi {
    /// A source with its own settings and the rules of registrations. `metrics` are those of the process.
    ///
    /// # Errors
    ///
    /// When a URL is none, or TLS cannot be set up.
    pub fn new(
        settings: Settings,
        policy: Policy,
        refusals: Arc<Refusals>,
        metrics: &mut Registry,
    ) -> Result<Self, BuildError> {
        let mut reloader = Reloader::new();
        let metrics = Metrics::new(metrics);
        let api = Api::new(&settings, &mut reloader)?;
        let errors = metrics.token_errors.clone();
        let tokens = Tokens::new(&settings, errors, &mut reloader)?;
        Ok(Self {
            shared: Shared {
                settings,
                api,
                tokens,
                metrics,
            },
            policy,
            refusals,
            reloader,
        })
    }

    /// What watches the files of certificates and key, for a task of its own. It is given once.
    pub fn reloader(&mut self) -> Reloader {
        std::mem::take(&mut self.reloader)
    }

    /// Lists, subscribes, and hands over what comes; ends only with an error. Dropping it ends it at once.
    ///
    /// # Errors
    ///
    /// When there is no first list and the settings do not let it be waited for, or the registry has ended.
    pub async fn run(self, source: Source) -> Result<(), Error> {
        let shared = &self.shared;
        tracing::info!(component = "route-fetcher", "setting-up-routing-api");
        if shared.settings.authorization.is_none() {
            tracing::info!(component = "route-fetcher", "using-noop-token-fetcher");
        }
        let routes = listing::first(shared).await?;
        tracing::info!(component = "route-fetcher", "syncer-started");
        let metrics = shared.metrics.clone();
        let reader = Reader::new(
            self.policy,
            self.refusals,
            listing::span(shared.settings.interval),
        );
        let mut work = Work::new(reader, metrics, source);
        work.listed(routes).await?;
        let (heard, waiting) = mpsc::channel(WAITING);
        let ask = Notify::new();
        tokio::try_join!(
            listing::repeat(shared, &heard, &ask),
            subscription::follow(shared, &heard, &ask),
            work.run(waiting, &ask),
        )?;
        Ok(())
    }
}
