//! A Routing API, a UAA, and a control plane that reads them.

use std::net::SocketAddr;
use std::path::Path;

use hyper::StatusCode;
use pointsman_tests::{Authority, Process, RoutingApi, Uaa, eventually};
use serde_json::Value;
use tempfile::TempDir;

use crate::plane::{BOUND, get, logged};

/// An interval that no test lasts for: the list is asked for at the start and after each gap of the stream only.
pub(super) const NEVER: &str = "interval: 1h";

/// An interval that comes again and again.
pub(super) const OFTEN: &str = "interval: 100ms";

/// Both servers, behind one authority.
pub(super) struct Scene {
    pub(super) folder: TempDir,
    pub(super) authority: Authority,
    pub(super) uaa: Uaa,
    pub(super) api: RoutingApi,
}

impl Scene {
    pub(super) async fn start() -> Self {
        let authority = Authority::new("routing-ca");
        let folder = tempfile::tempdir().expect("a folder");
        let identity = authority.server(&["127.0.0.1"]);
        let uaa = Uaa::start(&identity, "gorouter", "s3cret").await;
        let api = RoutingApi::start(&identity, &authority, Some(&uaa)).await;
        let _ = authority.write(folder.path(), "ca");
        let _ = authority
            .client(&["control-plane"])
            .write(folder.path(), "control-plane");
        std::fs::write(folder.path().join("secret"), "s3cret\n").expect("a file");
        Self {
            folder,
            authority,
            uaa,
            api,
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration of a control plane that reads them, with more keys for its section `routing_api`.
    pub(super) fn configuration(&self, keys: &str) -> String {
        let folder = self.path().display();
        let (api, uaa) = (self.api.address(), self.uaa.address());
        format!(
            "nats: {{servers: []}}
routing_api:
  url: https://{api}
  tls: {{ca: {folder}/ca.pem, certificate: {folder}/control-plane.crt, key: {folder}/control-plane.key}}
  uaa:
    url: https://{uaa}
    client: gorouter
    secret_file: {folder}/secret
    ca: {folder}/ca.pem
    retries: 1
    retry_interval: 1ms
  reconnect_max_wait: 50ms
  {keys}
registration: {{allow_loopback: true, start_delay: 0s}}
distribution: {{listen: 127.0.0.1:0}}
admin: {{listen: 127.0.0.1:0}}
log: {{level: debug}}
"
        )
    }

    /// A control plane that reads them, with these keys.
    pub(super) async fn control_plane(&self, keys: &str) -> Reading {
        Reading::start(&self.configuration(keys)).await
    }

    /// The same, once it has the list that belongs to its stream.
    pub(super) async fn following(&self, keys: &str) -> Reading {
        self.until_following(self.control_plane(keys).await).await
    }

    /// The same without more lists, where registrations may last longer than lists are apart then.
    pub(super) async fn following_for_long(&self) -> Reading {
        let configuration = self.configuration(NEVER);
        let long = configuration.replace("start_delay", "stale_threshold: 3h, start_delay");
        self.until_following(Reading::start(&long).await).await
    }

    async fn until_following(&self, plane: Reading) -> Reading {
        plane
            .until_metric("pointsman_routing_api_subscribed", 1)
            .await;
        plane
            .until_metric("pointsman_routing_api_lists_total", 2)
            .await;
        plane
    }
}

/// The control plane.
pub(super) struct Reading {
    pub(super) process: Process,
}

/// An address where nobody is asked for anything.
pub(super) fn endpoint(last: u8) -> SocketAddr {
    ([10, 0, 0, last], 3000).into()
}

impl Reading {
    pub(super) async fn start(configuration: &str) -> Self {
        let process = Process::start("control-plane", configuration).await;
        Self { process }
    }

    /// `/routes`.
    pub(super) async fn routes(&self) -> Value {
        let answer = get(&self.process, "/routes").await;
        assert_eq!(answer.status, StatusCode::OK);
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// Waits until exactly these routes are registered, in the order of their names.
    pub(super) async fn until_routes(&self, expected: &[&str]) {
        eventually(&format!("{expected:?}"), BOUND, async || {
            let routes = self.routes().await;
            let names: Vec<_> = routes.as_object().expect("an object").keys().collect();
            if names == expected {
                Ok(())
            } else {
                Err(format!("{names:?}"))
            }
        })
        .await;
    }

    /// One sample of `/metrics`.
    pub(super) async fn metric(&self, name: &str) -> i64 {
        let answer = get(&self.process, "/metrics").await;
        let text = answer.text();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
        let value = lines.find_map(|rest| rest.strip_prefix(' '));
        let value = value.unwrap_or_else(|| panic!("no {name} in\n{text}"));
        value.parse().expect("a whole number")
    }

    /// Waits until a sample has at least this value.
    pub(super) async fn until_metric(&self, name: &str, least: i64) {
        eventually(name, BOUND, async || {
            let value = self.metric(name).await;
            (value >= least).then_some(()).ok_or(value.to_string())
        })
        .await;
    }

    /// Waits until a sample has exactly this value.
    pub(super) async fn until_metric_is(&self, name: &str, expected: i64) {
        eventually(name, BOUND, async || {
            let value = self.metric(name).await;
            (value == expected).then_some(()).ok_or(value.to_string())
        })
        .await;
    }

    /// The data of log lines with this message.
    pub(super) fn told(&self, message: &str) -> Vec<Value> {
        let lines = logged(&self.process, message).into_iter();
        lines.map(|mut line| line["data"].take()).collect()
    }

    /// Waits for so many lines with this message, and answers the data of them.
    pub(super) async fn until_told(&self, message: &str, count: usize) -> Vec<Value> {
        crate::plane::until_logged(&self.process, message, count).await;
        self.told(message)
    }
}
