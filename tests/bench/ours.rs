//! Our data plane, with its table from a real control plane, a real broker and a real registration.

use std::net::SocketAddr;
use std::time::Duration;

use pointsman_tests::publisher::{Emitted, Registered};
use pointsman_tests::{Broker, Client, Process, Publisher, configuration, eventually};

use crate::core::pin;
use crate::options::Options;
use crate::stage::HOST;

/// What the data planes of a run share.
#[derive(Debug)]
pub(crate) struct Fleet {
    control_plane: Process,
    _registered: Registered,
    _broker: Broker,
}

impl Fleet {
    /// Starts broker and control plane, and registers the backend.
    pub(crate) async fn start(backend: SocketAddr, options: &Options) -> Self {
        let broker = Broker::start().await;
        let control_plane =
            Process::start("control-plane", &configuration::control_plane(&broker, "")).await;
        pin(control_plane.id(), &options.other_cores);
        let publisher = Publisher::connect(&broker).await;
        publisher.greet().await;
        let message = Emitted::plain(HOST, backend, 0);
        let registered = publisher
            .keep_registered(&message, Duration::from_secs(10))
            .await;
        Self {
            control_plane,
            _registered: registered,
            _broker: broker,
        }
    }

    /// Starts a data plane on the proxy's core, and waits until it serves the route.
    pub(crate) async fn data_plane(&self, access_log: bool, options: &Options) -> Process {
        let control_plane = self.control_plane.address("distribution");
        let mut written = configuration::data_plane(control_plane);
        if access_log {
            written.push_str("access_log:\n  to: file\n  file: access.log\n");
        }
        let core = options.proxy_core.to_string();
        let process = Process::start_on(Some(&core), "data-plane", &written).await;
        let address = process.address("http");
        eventually(
            "the route at the data plane",
            Duration::from_secs(30),
            async || {
                let mut client = Client::connect(address).await;
                let response = client
                    .get(HOST, "/")
                    .await
                    .map_err(|failure| failure.to_string())?;
                if response.status == 200 {
                    Ok(())
                } else {
                    Err(format!("{response:?}"))
                }
            },
        )
        .await;
        process
    }
}
