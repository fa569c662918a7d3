//! The first connection, and what the client library is told for all later ones.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectOptions, Event, ServerAddr, connection::State};
use secrecy::ExposeSecret;
use tokio::sync::mpsc;
use tokio::time::{self, Instant};

use super::presence::Sample;
use super::servers::Servers;
use super::settings::{Credentials, FirstConnection, Settings};
use super::tls::Material;
use super::{Error, Metrics};

/// Events of the connection that wait to be looked at. A lost one is noticed all the same, only later.
pub(super) const EVENTS: usize = 256;

/// A connection, and what becomes of it.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) servers: Arc<Servers>,
}

/// A server, for the log.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// As it was configured, or learned from another server.
    pub(super) host: String,
    /// Its address; empty where the name has several.
    pub(super) addr: String,
}

/// Connects for the first time, trying as long as the settings say.
///
/// # Errors
///
/// When that was not long enough, or a server's name is no name.
pub(super) async fn first(
    settings: &Settings,
    tls: &Material,
    metrics: &Metrics,
) -> Result<Connection, Error> {
    let servers = Arc::new(Servers::new(settings.reconnect_max_wait));
    let (sender, events) = mpsc::channel(EVENTS);
    let addresses = addresses(settings)?;
    let options = || options(settings, tls, &servers, &sender);
    let mut round = 0;
    let client = loop {
        round += 1;
        match one_round(&addresses, options).await {
            Ok(client) => break client,
            Err(error) => {
                // The text of the library names no credentials; its source says what the system said.
                let error = chain(&error);
                match settings.first_connection {
                    FirstConnection::Rounds { count, pause } if round < count => {
                        time::sleep(pause).await;
                    }
                    FirstConnection::Rounds { .. } => {
                        tracing::error!(component = "nats", error, "nats-connection-error");
                        return Err(Error::NoConnection {
                            rounds: round,
                            error,
                        });
                    }
                    FirstConnection::Forever => {
                        let server = servers.last();
                        tracing::warn!(
                            component = "nats",
                            error,
                            server,
                            round,
                            "nats-connection-not-yet-made"
                        );
                    }
                }
            }
        }
    };
    metrics.connections.inc();
    Ok(Connection {
        client,
        events,
        servers,
    })
}

/// Tries every configured server once.
async fn one_round(
    addresses: &[ServerAddr],
    options: impl Fn() -> ConnectOptions,
) -> Result<Client, ConnectError> {
    let mut tries = addresses.len();
    loop {
        tries -= 1;
        match options().connect(addresses).await {
            Err(_) if tries > 0 => {}
            connected => return connected,
        }
    }
}

fn options(
    settings: &Settings,
    tls: &Material,
    servers: &Arc<Servers>,
    events: &mpsc::Sender<Event>,
) -> ConnectOptions {
    let events = events.clone();
    let servers = Arc::clone(servers);
    let max_wait = settings.reconnect_max_wait;
    let options = ConnectOptions::new()
        .name("pointsman-control-plane")
        .connection_timeout(settings.connect_timeout)
        .ping_interval(settings.ping_interval)
        .subscription_capacity(settings.subscription_capacity)
        .max_reconnects(None)
        .reconnect_to_server_callback(move |known, _| {
            let next = servers.next(&known);
            async move { next }
        })
        // Asked only where the choice above named a server that is not known any more.
        .reconnect_delay_callback(move |_| max_wait.mul_f64(fastrand::f64()))
        .event_callback(move |event| {
            // A full channel means that plenty waits to be looked at already.
            let _ = events.try_send(event);
            async {}
        });
    let options = match &tls.config {
        Some(config) => options
            .require_tls(true)
            .tls_client_config((**config).clone()),
        None => options,
    };
    match &settings.credentials {
        Credentials::None => options,
        Credentials::Password { user, password } => {
            options.user_and_password(user.clone(), password.expose_secret().to_owned())
        }
        Credentials::Token(token) => options.token(token.expose_secret().to_owned()),
    }
}

fn addresses(settings: &Settings) -> Result<Vec<ServerAddr>, Error> {
    let parse = |server: &pointsman_process::configuration::HostPort| {
        server
            .to_string()
            .parse()
            .map_err(|error: std::io::Error| Error::Server {
                server: server.to_string(),
                error: error.to_string(),
            })
    };
    let addresses: Vec<_> = settings
        .servers
        .iter()
        .map(parse)
        .collect::<Result<_, _>>()?;
    if addresses.is_empty() {
        Err(Error::NoServers)
    } else {
        Ok(addresses)
    }
}

/// An error with its sources, as one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        source = error.source();
    }
    text
}

impl Connection {
    /// What the library says of the connection now.
    pub(super) fn sample(&self) -> Sample {
        let statistics = self.client.statistics();
        Sample {
            connected: self.client.connection_state() == State::Connected,
            connections: statistics.connects.load(Ordering::Relaxed),
            bytes: statistics.in_bytes.load(Ordering::Relaxed),
            at: Instant::now(),
        }
    }

    /// The server that is connected.
    pub(super) async fn peer(&self) -> Peer {
        let host = self.servers.last();
        let lookup = time::timeout(
            Duration::from_secs(1),
            tokio::net::lookup_host(host.clone()),
        );
        let found: Vec<_> = match lookup.await {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        let addr = match found[..] {
            [one] => one.to_string(),
            _ => String::new(),
        };
        Peer { host, addr }
    }
}
