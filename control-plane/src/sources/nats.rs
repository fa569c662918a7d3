//! Registrations over NATS, as Cloud Foundry's publishers send them.
//!
//! The source subscribes to `router.greet` and `router.*`, asks for registrations with `router.start`, and turns what
//! comes into events of the registry. A lost connection is told and mended, and never ends the process.

mod active_apps;
mod announcement;
mod backlog;
mod component;
mod connect;
mod greetings;
mod known;
mod metrics;
mod others;
mod presence;
mod registrations;
mod servers;
mod settings;
mod tls;
mod watch;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Subscriber};
use bytes::Bytes;
use pointsman_process::tls::Reloader;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tokio::time;
use tokio_stream::StreamExt as _;

pub use announcement::Announcement;
use backlog::Backlog;
pub use component::Describe;
use connect::{Connection, Peer};
use metrics::Metrics;
use presence::Presence;
use registrations::Reader;
pub use settings::{Credentials, FirstConnection, Pending, Settings, Tls, TlsIdentity};
pub use tls::TlsError;
use watch::{State, Watch};

use super::message::Policy;
use super::refusals::Refusals;
use crate::registry_task::{self, ActiveApps, Ended, Source};

/// How long the server may take to confirm the subscriptions before they are taken for made.
const CONFIRMATION: Duration = Duration::from_secs(5);

/// Why the source ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server is configured.
    #[error("no NATS server is configured")]
    NoServers,
    /// A server's name is no name.
    #[error("{server} is no NATS server: {error}")]
    Server {
        /// The server, as it was configured.
        server: String,
        /// What is wrong with it.
        error: String,
    },
    /// The first connection could not be made within its bound.
    #[error("no NATS server could be reached in {rounds} rounds over all of them: {error}")]
    NoConnection {
        /// The rounds.
        rounds: u32,
        /// Why the last server of the last round could not be used.
        error: String,
    },
    /// Something could not be sent.
    #[error("cannot publish to NATS: {0}")]
    Publish(String),
    /// The subscriptions could not be made.
    #[error("cannot subscribe at NATS: {0}")]
    Subscribe(String),
    /// The connection was closed for good.
    #[error("nats-connection-closed")]
    Closed,
    /// The registry has ended.
    #[error(transparent)]
    Registry(#[from] Ended),
}

/// The source, before it runs.
#[derive(Debug)]
pub struct Nats {
    shared: Shared,
    tls: tls::Material,
}

/// What all duties of the source know.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    announcement: Announcement,
    reader: Arc<Reader>,
    metrics: Metrics,
    active_apps: Option<(Duration, Arc<ActiveApps>)>,
    component: Option<Describe>,
}

impl Nats {
    /// A source with its own settings, the rules of messages, what it says about itself, and who tells what it
    /// refuses. `metrics` are those of the process.
    ///
    /// # Errors
    ///
    /// When TLS is asked for and its certificates or key cannot be used.
    pub fn new(
        settings: Settings,
        policy: Policy,
        announcement: Announcement,
        refusals: Arc<Refusals>,
        metrics: &mut Registry,
    ) -> Result<Self, TlsError> {
        let tls = tls::Material::load(settings.tls.as_ref())?;
        let metrics = Metrics::new(metrics);
        let unknown_keys = metrics.unknown_keys.clone();
        let reader = Arc::new(Reader {
            policy,
            refusals,
            unknown_keys,
        });
        Ok(Self {
            shared: Shared {
                settings,
                announcement,
                reader,
                metrics,
                active_apps: None,
                component: None,
            },
            tls,
        })
    }

    /// Publishes which apps are active, at this interval.
    pub(crate) fn publish_active_apps(&mut self, interval: Duration, apps: &Arc<ActiveApps>) {
        apps.want();
        self.shared.active_apps = Some((interval, Arc::clone(apps)));
    }

    /// Announces the process to collectors, and answers them.
    pub(crate) fn announce_component(&mut self, describe: Describe) {
        self.shared.component = Some(describe);
    }

    /// What watches the files of certificates and key, for a task of its own. It is given once.
    pub fn reloader(&mut self) -> Reloader {
        std::mem::take(&mut self.tls.reloader)
    }

    /// Connects, subscribes, and hands over what comes; ends only with an error. Dropping it ends it at once.
    ///
    /// # Errors
    ///
    /// When the first connection is not made within its bound, or the registry has ended.
    pub async fn run(self, source: Source) -> Result<(), Error> {
        let shared = &self.shared;
        tracing::info!(component = "nats", "setting-up-nats-connection");
        let first = connect::first(&shared.settings, &self.tls, &shared.metrics);
        let connection = Box::pin(first).await?;
        connection.servers.connected();
        shared.metrics.connected.set(1);
        // The watch looks at the connection from here on, whatever becomes of it while we subscribe.
        let presence = Presence::new(connection.sample());
        let peer = connection.peer().await;
        let Peer { host, addr } = &peer;
        tracing::info!(
            component = "nats",
            host,
            addr,
            "Successfully-connected-to-nats"
        );
        let subscriptions = subscribe(shared, &connection).await?;
        source.send(registry_task::Event::Returned).await?;
        let backlog = Arc::new(Backlog::new(shared.settings.pending));
        let drops = Arc::new(Notify::new());
        let client = connection.client.clone();
        let watch = Watch {
            shared,
            connection,
            source: source.clone(),
            backlog: Arc::clone(&backlog),
            drops: Arc::clone(&drops),
            peer,
            presence,
            state: State::connected(),
        };
        let take_in = registrations::take_in(shared, subscriptions.messages, &backlog, &drops);
        // Side by side: a backlog of registrations delays no greeting.
        tokio::try_join!(
            watch.run(),
            tell_started(&client),
            Box::pin(tell_active_apps(shared, &client)),
            Box::pin(answer_collectors(shared, &client)),
            greetings::answer(shared, subscriptions.greetings, &client),
            // It only moves messages to where they are bounded, and must keep up with the connection: handling, which
            // works, would otherwise use up the turn of both.
            tokio::task::unconstrained(take_in),
            registrations::handle(Arc::clone(&shared.reader), &backlog, &source),
        )?;
        Ok(())
    }
}

struct Subscriptions {
    greetings: Subscriber,
    messages: Subscriber,
}

/// Announces this router, then subscribes, as Gorouter does (C-017). Nothing is lost in between: all of it travels on
/// one connection, in this order, and is repeated where the connection is lost on the way.
async fn subscribe(shared: &Shared, connection: &Connection) -> Result<Subscriptions, Error> {
    tracing::info!(component = "subscriber", "subscriber-starting");
    let refused = |error: async_nats::SubscribeError| Error::Subscribe(error.to_string());
    let client = &connection.client;
    announce(shared, client).await?;
    Ok(Subscriptions {
        greetings: client.subscribe("router.greet").await.map_err(refused)?,
        messages: client.subscribe("router.*").await.map_err(refused)?,
    })
}

/// Tells when the server has taken the subscriptions, which after a loss is when it is back.
async fn tell_started(client: &Client) -> Result<(), Error> {
    let confirmed = time::timeout(CONFIRMATION, confirm(client)).await;
    if !matches!(confirmed, Ok(Ok(()))) {
        // The server may not let us echo; what it lets us hear is then seen by what comes.
        tracing::debug!(component = "nats", "nats-server-does-not-confirm");
    }
    tracing::info!(component = "subscriber", "subscriber-started");
    Ok(())
}

/// Nothing, for ever, where nobody wants to know.
async fn tell_active_apps(shared: &Shared, client: &Client) -> Result<(), Error> {
    match shared.active_apps.clone() {
        Some((interval, apps)) => active_apps::publish(apps, interval, client).await,
        None => pending().await,
    }
}

/// Nothing, for ever, where the process is no component for collectors.
async fn answer_collectors(shared: &Shared, client: &Client) -> Result<(), Error> {
    match &shared.component {
        Some(describe) => component::answer(describe, client).await,
        None => pending().await,
    }
}

/// Sends a message to ourselves. A server handles what comes on one connection in its order, so it has handled
/// everything before when the message arrives.
async fn confirm(client: &Client) -> Result<(), async_nats::Error> {
    let inbox = client.new_inbox();
    let mut echo = client.subscribe(inbox.clone()).await?;
    client.publish(inbox, Bytes::new()).await?;
    echo.next().await.ok_or("the connection is closed")?;
    Ok(())
}

/// Says that this router is there, and wants to hear everything.
async fn announce(shared: &Shared, client: &Client) -> Result<(), Error> {
    let payload = shared.announcement.payload();
    let sent = client.publish("router.start", payload).await;
    sent.map_err(|error| Error::Publish(error.to_string()))?;
    shared.metrics.announcements.inc();
    Ok(())
}

#[cfg(test)]
mod tests;
