//! The instance's route on NATS, as Cloud Foundry's route-emitter publishes it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use async_nats::{Client, Subscriber};
use bytes::Bytes;
use serde::Serialize;
use tokio_stream::StreamExt;

const REGISTER: &str = "router.register";
const UNREGISTER: &str = "router.unregister";
/// What a router publishes when it starts: publishers then send all they have.
const START: &str = "router.start";

/// The message of route-emitter for a route without TLS.
#[derive(Serialize)]
struct Message<'a> {
    host: String,
    port: u16,
    uris: [&'a str; 1],
    protocol: &'a str,
    app: &'a str,
    private_instance_id: &'a str,
    private_instance_index: &'a str,
    tags: BTreeMap<&'a str, &'a str>,
}

/// A route that is kept registered.
pub(crate) struct Registration {
    client: Client,
    starts: Subscriber,
    payload: Bytes,
    interval: Duration,
}

impl Registration {
    /// Connects to the broker and registers for the first time.
    pub(crate) async fn publish(
        nats: &str,
        route: &str,
        name: &str,
        address: SocketAddr,
        interval: Duration,
    ) -> anyhow::Result<Self> {
        let connected = async_nats::ConnectOptions::new()
            .retry_on_initial_connect()
            .connect(nats);
        let client = connected
            .await
            .with_context(|| format!("the broker at {nats}"))?;
        let starts = client.subscribe(START).await.context(START)?;
        let message = Message {
            host: address.ip().to_string(),
            port: address.port(),
            uris: [route],
            protocol: "http1",
            app: "5d3f5d1c-6c34-4b0c-9a77-2a9c3c1d8f10",
            private_instance_id: name,
            private_instance_index: name.rsplit('-').next().unwrap_or("0"),
            tags: BTreeMap::from([("app_name", "sample"), ("process_type", "web")]),
        };
        let payload = serde_json::to_vec(&message)
            .context("the registration")?
            .into();
        let registration = Self {
            client,
            starts,
            payload,
            interval,
        };
        registration.send(REGISTER).await?;
        Ok(registration)
    }

    /// Registers again at every interval, and at once when a router starts. Ends only with an error.
    pub(crate) async fn keep(&mut self) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.reset();
        loop {
            tokio::select! {
                _tick = ticks.tick() => {}
                start = self.starts.next() => {
                    start.context("the subscription to router.start ended")?;
                    ticks.reset();
                }
            }
            self.send(REGISTER).await?;
        }
    }

    /// Takes the route back.
    pub(crate) async fn withdraw(self) -> anyhow::Result<()> {
        self.send(UNREGISTER).await
    }

    async fn send(&self, subject: &'static str) -> anyhow::Result<()> {
        self.client
            .publish(subject, self.payload.clone())
            .await
            .context(subject)?;
        self.client.flush().await.context(subject)
    }
}
