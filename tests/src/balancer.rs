//! The path-routed balancer: a control plane that reads route files and no broker, and its data planes.

use std::net::SocketAddr;
use std::path::Path;

use hyper::StatusCode;
use tempfile::TempDir;

use crate::client::Response;
use crate::fleet::BOUND;
use crate::process::Launch;
use crate::{Client, Process, configuration, eventually};

/// A control plane with a folder of route files, and data planes that serve every host; all end when the value is dropped.
#[derive(Debug)]
pub struct Balancer {
    folder: TempDir,
    /// The control plane.
    pub control_plane: Process,
    /// The data planes, which follow it.
    pub data_planes: Vec<Process>,
}

impl Balancer {
    /// Starts it with two data planes and one route file.
    pub async fn start(routes: &str) -> Self {
        Self::launch(routes, &Launch::default(), "").await
    }

    /// The same, with data planes that are started in any way, and with more configuration.
    pub async fn launch(routes: &str, launch: &Launch, more: &str) -> Self {
        Self::begin(routes, (2, launch, more), "").await
    }

    /// The same with so many data planes, and a section `distribution.roll_out`.
    pub async fn rolling_out(routes: &str, data_planes: usize, roll_out: &str) -> Self {
        let data_planes = (data_planes, &Launch::default(), "");
        Self::begin(routes, data_planes, &format!(", roll_out: {roll_out}")).await
    }

    async fn begin(
        routes: &str,
        (count, launch, more): (usize, &Launch, &str),
        distribution: &str,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder for route files");
        std::fs::write(folder.path().join("routes.yml"), routes).expect("a route file");
        let configuration = format!(
            "nats: {{ servers: [] }}
route_files: {{ path: '{}', poll: 50ms }}
distribution: {{ listen: 127.0.0.1:0{distribution} }}
admin: {{ listen: 127.0.0.1:0 }}
registration: {{ interval: 2s, stale_threshold: 8s }}
",
            folder.path().display()
        );
        let control_plane = Process::start("control-plane", &configuration).await;
        let address = control_plane.address("distribution");
        let configuration = configuration::data_plane(address) + "any_host: true\n" + more;
        let mut data_planes = Vec::new();
        for _ in 0..count {
            let launch = launch.clone().of("data-plane");
            data_planes.push(Process::launch(&launch, &configuration).await);
        }
        Self {
            folder,
            control_plane,
            data_planes,
        }
    }

    /// The folder of the route files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces a route file, as a careful writer does.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        let unfinished = self.folder.path().join("unfinished");
        std::fs::write(&unfinished, text).expect("a route file");
        std::fs::rename(unfinished, self.folder.path().join(name)).expect("a route file");
    }

    /// Where each data plane is asked.
    #[must_use]
    pub fn routers(&self) -> Vec<SocketAddr> {
        let planes = self.data_planes.iter();
        planes.map(|process| process.address("http")).collect()
    }

    /// What each data plane answers.
    ///
    /// # Panics
    ///
    /// When one of them answers nothing.
    pub async fn ask(&self, host: &str, path: &str) -> Vec<Response> {
        let mut answers = Vec::new();
        for router in self.routers() {
            let mut client = Client::connect(router).await;
            let answer = client.get(host, path).await;
            answers.push(answer.unwrap_or_else(|failure| panic!("{path}: {failure}")));
        }
        answers
    }

    /// Waits until every data plane answers with this status.
    pub async fn answers(&self, host: &str, path: &str, wanted: StatusCode) {
        for router in self.routers() {
            let mut client = Client::connect(router).await;
            let what = format!("{wanted} for {host}{path} at {router}");
            eventually(&what, BOUND, async || {
                let answer = client.get(host, path).await;
                let answer = answer.map_err(|failure| failure.to_string())?;
                if answer.status == wanted {
                    Ok(())
                } else {
                    Err(format!("{answer:?}"))
                }
            })
            .await;
        }
    }

    /// Waits until the control plane has logged this.
    pub async fn logged(&self, words: &str) -> String {
        let log = self.control_plane.until_logged(words).await;
        let mut lines = log.lines();
        let line = lines.find(|line| line.contains(words));
        line.expect("a line that says it").to_owned()
    }
}
