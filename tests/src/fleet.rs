//! A whole line of real processes: a broker, a control plane and data planes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hyper::StatusCode;

use crate::publisher::Message;
use crate::{Broker, Client, Process, Publisher, configuration, eventually, ports};

/// Within which a change must have reached every data plane, on a machine that is busy with other tests.
pub const BOUND: Duration = Duration::from_secs(20);

/// A broker, a control plane, its data planes, and a publisher; all end when the value is dropped.
#[derive(Debug)]
pub struct Fleet {
    /// The broker.
    pub broker: Broker,
    /// The control plane.
    pub control_plane: Process,
    /// The data planes, which follow it.
    pub data_planes: Vec<Process>,
    /// What registers routes.
    pub publisher: Publisher,
    control_plane_configuration: String,
}

/// Configuration beyond that of [`configuration`].
#[derive(Clone, Copy, Debug, Default)]
pub struct More<'a> {
    /// Keys of the control plane's section `nats`.
    pub nats: &'a str,
    /// Keys of the control plane's section `registration`.
    pub registration: &'a str,
    /// A key of the control plane's section `distribution`.
    pub distribution: &'a str,
    /// Sections of the control plane.
    pub control_plane: &'a str,
    /// Sections of each data plane.
    pub data_plane: &'a str,
}

impl Fleet {
    /// Starts a control plane and this many data planes, and waits until the control plane listens to the broker.
    pub async fn start(data_planes: usize) -> Self {
        Self::with(Broker::start().await, data_planes, More::default()).await
    }

    /// Starts them on this broker, with more configuration.
    pub async fn with(broker: Broker, data_planes: usize, more: More<'_>) -> Self {
        Box::pin(Self::begin(broker, data_planes, more)).await
    }

    async fn begin(broker: Broker, data_planes: usize, more: More<'_>) -> Self {
        let configuration = configuration::control_plane(&broker, more.nats) + more.control_plane;
        let sections = [
            ("registration:\n", more.registration),
            ("distribution:\n", more.distribution),
        ];
        let configuration =
            sections
                .iter()
                .fold(configuration, |configuration, (section, keys)| {
                    configuration.replace(section, &format!("{section}  {keys}\n"))
                });
        let configuration = pinned(&configuration);
        let process = Process::start("control-plane", &configuration).await;
        let addresses = [process.address("distribution"), process.address("admin")];
        let mut fleet = Self {
            publisher: Publisher::connect(&broker).await,
            broker,
            control_plane: process,
            data_planes: Vec::new(),
            control_plane_configuration: configuration,
        };
        for _ in 0..data_planes {
            let configuration = configuration::data_plane(addresses[0]) + more.data_plane;
            fleet
                .data_planes
                .push(Process::start("data-plane", &configuration).await);
        }
        // What is registered once, and before the control plane listens, would be lost.
        fleet.publisher.greet().await;
        fleet
    }

    /// Where each data plane is asked.
    #[must_use]
    pub fn routers(&self) -> Vec<SocketAddr> {
        self.data_planes
            .iter()
            .map(|process| process.address("http"))
            .collect()
    }

    /// Kills the control plane, as a crash does.
    pub fn kill_control_plane(&mut self) {
        self.control_plane.kill();
    }

    /// Starts a control plane where the killed one was, and waits until it listens to the broker.
    pub async fn restart_control_plane(&mut self) {
        self.control_plane.kill();
        self.control_plane =
            Process::start("control-plane", &self.control_plane_configuration).await;
        self.publisher.greet().await;
    }

    /// Registers once, and waits until every data plane answers the host with 200. Returns how long that took.
    pub async fn register(&self, message: &impl Message, host: &str) -> Duration {
        let mut clients = Vec::new();
        for router in self.routers() {
            clients.push(Client::connect(router).await);
        }
        let start = now();
        self.publisher.register(message).await;
        for client in &mut clients {
            let what = format!("{host} to be answered");
            eventually(&what, BOUND, async || {
                status(client, host, StatusCode::OK).await
            })
            .await;
        }
        start.elapsed()
    }

    /// Waits until every data plane answers the host with this status.
    pub async fn answers(&self, host: &str, wanted: StatusCode) {
        for router in self.routers() {
            let mut client = Client::connect(router).await;
            let what = format!("{wanted} for {host} at {router}");
            eventually(&what, BOUND, async || {
                status(&mut client, host, wanted).await
            })
            .await;
        }
    }
}

/// The same configuration with ports of its own, so that a successor is found where its predecessor was.
fn pinned(configuration: &str) -> String {
    let free = "listen: 127.0.0.1:0";
    let mut pinned = configuration.to_owned();
    while pinned.contains(free) {
        pinned = pinned.replacen(free, &format!("listen: {}", ports::lasting()), 1);
    }
    pinned
}

async fn status(client: &mut Client, host: &str, wanted: StatusCode) -> Result<(), String> {
    let response = client
        .get(host, "/")
        .await
        .map_err(|failure| failure.to_string())?;
    if response.status == wanted {
        Ok(())
    } else {
        Err(format!("{response:?}"))
    }
}

/// The real clock, for how long real processes take.
#[expect(
    clippy::disallowed_methods,
    reason = "real processes do not run on a test's clock"
)]
fn now() -> Instant {
    Instant::now()
}
