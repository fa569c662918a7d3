//! Our own line: a real broker, a real control plane, real data planes, and routes registered as publishers do it.

pub(crate) mod feed;
mod message;
mod scrape;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use pointsman_tests::{Broker, Client, Process, eventually};

pub(crate) use feed::Feed;
pub(crate) use message::Messages;
pub(crate) use scrape::{scrape, scrape_sum};

use crate::client::host;

/// How long anything may take that is waited for, on a machine that is busy besides.
pub(crate) const BOUND: Duration = Duration::from_secs(120);

/// A broker and a control plane.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) broker: Broker,
    pub(crate) control_plane: Process,
    /// The configuration with the ports that were bound.
    configuration: String,
}

/// How a control plane is started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ControlPlane<'a> {
    /// What is started in the place of the build under test.
    pub(crate) binary: Option<&'a Path>,
    /// The cores that it runs on; absent: those of this thread.
    pub(crate) cores: Option<&'a str>,
    /// More keys of its section `distribution`.
    pub(crate) distribution: &'a str,
}

/// How a data plane is started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DataPlane<'a> {
    /// The cores that it runs on; absent: those of this thread.
    pub(crate) cores: Option<&'a str>,
    /// Another build than the one under test.
    pub(crate) binary: Option<&'a Path>,
    pub(crate) access_log: bool,
    /// More sections of its configuration.
    pub(crate) more: &'a str,
}

impl Line {
    /// Starts both on the cores of this thread.
    pub(crate) async fn start() -> Self {
        Self::start_as(ControlPlane::default()).await
    }

    /// Starts the broker on the cores of this thread, and the control plane as it is said.
    pub(crate) async fn start_as(how: ControlPlane<'_>) -> Self {
        let broker = Broker::start().await;
        let free: SocketAddr = ([127, 0, 0, 1], 0).into();
        let first = control_plane(&broker, [free; 2], how.distribution);
        let binary = how.binary.map(|path| path.to_string_lossy().into_owned());
        let name = binary.as_deref().unwrap_or("control-plane");
        let control_plane = Process::start_on(how.cores, name, &first).await;
        let bound = ["distribution", "admin"].map(|name| control_plane.address(name));
        let configuration = self::control_plane(&broker, bound, how.distribution);
        let line = Self {
            broker,
            control_plane,
            configuration,
        };
        line.listens().await;
        line
    }

    /// Ends the control plane as a crash does, and starts another in its place: a stranger to its data planes.
    pub(crate) async fn restart_control_plane(&mut self) {
        self.control_plane.kill();
        self.control_plane = Process::start("control-plane", &self.configuration).await;
        self.listens().await;
    }

    /// Waits until the control plane hears what is published: core NATS keeps nothing for those who come later.
    async fn listens(&self) {
        let publisher = pointsman_tests::Publisher::connect(&self.broker).await;
        publisher.greet().await;
    }

    /// Starts a data plane that follows the control plane.
    pub(crate) async fn data_plane(&self, how: DataPlane<'_>) -> Process {
        let control_plane = self.control_plane.address("distribution");
        let log = if how.access_log {
            "access_log:\n  to: file\n  file: access.log\n"
        } else {
            ""
        };
        let configuration = data_plane(control_plane, &[log, how.more].concat());
        let binary = how.binary.map(|path| path.to_string_lossy().into_owned());
        let name = binary.as_deref().unwrap_or("data-plane");
        Process::start_on(how.cores, name, &configuration).await
    }

    /// Waits until this many data planes have acked everything that the control plane has, which is this many routes.
    pub(crate) async fn converged(&self, data_planes: usize, routes: u64) {
        let count = |current| current == data_planes;
        self.current(count, routes).await;
    }

    /// Waits until so many data planes as this wants have acked everything.
    pub(crate) async fn current(&self, wanted: impl Fn(usize) -> bool, routes: u64) {
        let admin = self.control_plane.address("admin");
        eventually("the data planes to be current", BOUND, async || {
            let status = ask(admin, "/v1/replicas").await?;
            let status: serde_json::Value =
                serde_json::from_slice(&status).map_err(|error| error.to_string())?;
            let replicas = status["replicas"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            // A route and its endpoint are two things.
            let current = replicas.iter().filter(|replica| {
                let held = replica["things"].as_u64().unwrap_or(0) >= 2 * routes;
                held && replica["acked_revision"] == replica["wanted_revision"]
            });
            if wanted(current.count()) {
                Ok(())
            } else {
                Err(status.to_string())
            }
        })
        .await;
    }
}

/// The body of an answer of an admin API.
async fn ask(address: SocketAddr, path: &str) -> Result<Vec<u8>, String> {
    let mut client = Client::connect(address).await;
    let answer = client.get("localhost", path).await;
    let answer = answer.map_err(|failure| failure.to_string())?;
    if answer.status == 200 {
        Ok(answer.body.to_vec())
    } else {
        Err(format!("{path}: {}", answer.status))
    }
}

/// Waits until the data plane answers the route of this number from its backend.
pub(crate) async fn serves(data_plane: SocketAddr, route: u32) {
    let host = host(route);
    eventually("the route at the data plane", BOUND, async || {
        let mut client = Client::connect(data_plane).await;
        let answer = client.get(&host, "/").await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(format!("{answer:?}"))
        }
    })
    .await;
}

/// Thresholds are long, so that only what a workload does on purpose happens.
fn control_plane(broker: &Broker, [distribution, admin]: [SocketAddr; 2], more: &str) -> String {
    let broker = broker.address();
    format!(
        "nats:
  servers: ['{broker}']
registration:
  allow_loopback: true
  start_delay: 0s
  interval: 10m
  stale_threshold: 1h
  limits: {{ routes: 4000000 }}
distribution:
  listen: {distribution}
{more}admin:
  listen: {admin}
"
    )
}

/// One worker, and the keep-alive limits that the peers have as well.
fn data_plane(control_plane: SocketAddr, more: &str) -> String {
    format!(
        "listen: ['127.0.0.1:0']
workers: 1
control_planes:
  addresses: ['{control_plane}']
admin:
  listen: 127.0.0.1:0
limits:
  request_head: 1MiB
  field_value: 1MiB
  requests_per_connection: 1000000000
upstream:
  idle_per_endpoint: 256
  requests_per_connection: 1000000000
{more}"
    )
}
