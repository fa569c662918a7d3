//! One control plane on one broker, and how the tests look inside.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use pointsman_tests::client::Response;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Broker, Client, Process, Publisher, configuration, eventually};
use serde_json::Value;
use tokio_stream::StreamExt as _;

/// Within which a state must be there, on a machine that is busy with other tests.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// A broker and a control plane that listens to it.
pub(crate) struct Plane {
    pub(crate) broker: Broker,
    pub(crate) process: Process,
    pub(crate) publisher: Publisher,
}

impl Plane {
    /// Starts both, and waits until the control plane has subscribed.
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same with more keys for the section `nats`.
    pub(crate) async fn start_with(nats: &str) -> Self {
        let broker = Broker::start().await;
        let configuration = configuration::control_plane(&broker, nats);
        Self::start_on(broker, &configuration).await
    }

    /// The same with a changed configuration.
    pub(crate) async fn start_changed(change: impl FnOnce(String) -> String) -> Self {
        let broker = Broker::start().await;
        let configuration = change(configuration::control_plane(&broker, ""));
        Self::start_on(broker, &configuration).await
    }

    async fn start_on(broker: Broker, configuration: &str) -> Self {
        let process = Process::start("control-plane", configuration).await;
        let publisher = Publisher::connect(&broker).await;
        let plane = Self {
            broker,
            process,
            publisher,
        };
        plane.until_logged("subscriber-started").await;
        plane
    }

    /// The answer of the admin API to `GET PATH`.
    pub(crate) async fn get(&self, path: &str) -> Response {
        get(&self.process, path).await
    }

    /// The keys of `/routes`.
    pub(crate) async fn routes(&self) -> Vec<String> {
        let answer = self.get("/routes").await;
        assert_eq!(answer.status, StatusCode::OK);
        let routes: Value = serde_json::from_slice(&answer.body).expect("JSON");
        routes
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    }

    /// Waits until exactly these routes are registered.
    pub(crate) async fn until_routes(&self, expected: &[&str]) {
        eventually("these routes", BOUND, async || {
            let routes = self.routes().await;
            if routes == expected {
                Ok(())
            } else {
                Err(format!("{routes:?}; {}", self.process.log()))
            }
        })
        .await;
    }

    /// Registers as a publisher does, again and again, until the route is there: a server that has just come back may
    /// not know yet who listens.
    pub(crate) async fn until_registered(&self, message: &Emitted) {
        let uri = &message.uris[0];
        eventually("the route", BOUND, async || {
            self.publisher.register(message).await;
            let routes = self.routes().await;
            if routes.contains(uri) {
                Ok(())
            } else {
                Err(format!("{routes:?}"))
            }
        })
        .await;
    }

    /// One sample of `/metrics`, by its name with labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.text().to_owned();
        let line = text.lines().find(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(' '))
        });
        let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
        line.rsplit(' ')
            .next()
            .and_then(|value| value.parse().ok())
            .expect("a number")
    }

    /// Waits until a sample has at least this value.
    pub(crate) async fn until_metric(&self, name: &str, at_least: f64) {
        eventually(name, BOUND, async || {
            let value = self.metric(name).await;
            if value >= at_least {
                Ok(())
            } else {
                Err(value.to_string())
            }
        })
        .await;
    }

    /// Log lines with this message.
    pub(crate) fn logged(&self, message: &str) -> Vec<Value> {
        logged(&self.process, message)
    }

    /// Waits for a log line with this message.
    pub(crate) async fn until_logged(&self, message: &str) {
        until_logged(&self.process, message, 1).await;
    }
}

/// The answer of a control plane's admin API to `GET PATH`.
pub(crate) async fn get(process: &Process, path: &str) -> Response {
    let mut client = Client::connect(process.address("admin")).await;
    client.get("127.0.0.1", path).await.expect("an answer")
}

/// Log lines of a process with this message.
pub(crate) fn logged(process: &Process, message: &str) -> Vec<Value> {
    let log = process.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == message).collect()
}

/// Waits for so many log lines with this message.
pub(crate) async fn until_logged(process: &Process, message: &str, count: usize) {
    eventually(&format!("{count} lines of {message}"), BOUND, async || {
        if logged(process, message).len() >= count {
            Ok(())
        } else {
            Err(process.log())
        }
    })
    .await;
}

/// The next message of a subscription, as JSON.
pub(crate) async fn next_json(messages: &mut async_nats::Subscriber) -> Value {
    let payload = next(messages).await;
    serde_json::from_slice(&payload).expect("JSON")
}

/// The payload of the next message of a subscription.
pub(crate) async fn next(messages: &mut async_nats::Subscriber) -> Bytes {
    let message = tokio::time::timeout(BOUND, messages.next())
        .await
        .expect("a message in time");
    message.expect("an open subscription").payload
}
