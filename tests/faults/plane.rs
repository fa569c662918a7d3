//! A plane in a process that can be killed, stopped and restarted where it was.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use pointsman_tests::client::Response;
use pointsman_tests::process::Launch;
use pointsman_tests::{Client, Process, eventually, ports};
use rustix::process::Signal;
use serde_json::Value;

/// How long a plane may take until it is ready, or has ended when it was told to.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// A control plane or a data plane.
#[derive(Debug)]
pub(crate) struct Plane {
    launch: Launch,
    configuration: String,
    process: Process,
}

impl Plane {
    /// Starts a plane. Where its configuration says `<NAME>`, it chooses a port for the address of that name, and keeps it.
    pub(crate) async fn start(launch: Launch, configuration: &str) -> Self {
        let mut configuration = configuration.to_owned();
        for name in ["<distribution>", "<http>", "<admin>"] {
            if configuration.contains(name) {
                configuration = configuration.replace(name, &ports::lasting().to_string());
            }
        }
        let process = Process::launch(&launch, &configuration).await;
        Self {
            launch,
            configuration,
            process,
        }
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.process.address(name)
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    pub(crate) fn stop(&self) {
        self.process.signal(Signal::STOP);
    }

    pub(crate) fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Tells it to end in good order.
    pub(crate) fn terminate(&self) {
        self.process.terminate();
    }

    /// Tells it so, and waits until it has ended; telling it twice changes nothing.
    pub(crate) async fn end(&mut self) {
        self.process.terminate();
        let status = self.process.ended(BOUND).await;
        assert!(
            status.success(),
            "ended with {status}: {}",
            self.process.log()
        );
    }

    /// Starts it again where it was.
    pub(crate) async fn restart(&mut self) {
        self.process.kill();
        self.process = Process::launch(&self.launch, &self.configuration).await;
    }

    /// Starts a successor beside it, which takes its sockets over, and waits until it has drained and ended.
    pub(crate) async fn hand_over(&mut self) {
        let successor = Process::launch(&self.launch, &self.configuration).await;
        let mut predecessor = std::mem::replace(&mut self.process, successor);
        let status = predecessor.ended(BOUND).await;
        assert!(
            status.success(),
            "ended with {status}: {}",
            predecessor.log()
        );
    }

    /// Waits until its health says that it may be given work.
    pub(crate) async fn ready(&self) {
        eventually("a plane to be ready", BOUND, async || self.health().await).await;
    }

    /// Waits until its health says that it may not be given work any more.
    pub(crate) async fn unready(&self) {
        eventually("a plane to be unready", BOUND, async || {
            match self.health().await {
                Ok(()) => Err("it is ready".to_owned()),
                Err(_reason) => Ok(()),
            }
        })
        .await;
    }

    /// What its admin listener shows at a path.
    pub(crate) async fn shown(&self, path: &str) -> Result<Value, String> {
        let mut client = Client::connect(self.address("admin")).await;
        let answer = client.get("localhost", path).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        json(&answer)
    }

    /// Gives it an operator's order, which it has to take.
    pub(crate) async fn order(&self, path: &str, order: &Value) -> Result<Value, String> {
        let mut client = Client::connect(self.address("admin")).await;
        let request = Request::post(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(order.to_string())));
        let answer = client.send(request.expect("a request")).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        json(&answer)
    }

    /// What is wrong with its health.
    pub(crate) async fn health(&self) -> Result<(), String> {
        let mut client = Client::connect(self.address("admin")).await;
        let answer = client.get("admin", "/health").await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(format!("{answer:?}"))
        }
    }
}

fn json(answer: &Response) -> Result<Value, String> {
    if answer.status != StatusCode::OK {
        return Err(format!("{answer:?}"));
    }
    serde_json::from_slice(&answer.body).map_err(|error| format!("{error}: {answer:?}"))
}
