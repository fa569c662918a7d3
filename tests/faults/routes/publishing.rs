//! The publishers: everything that is registered is repeated, until it is taken back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use bytes::Bytes;
use pointsman_tests::publisher::{GREET, Message, REGISTER, UNREGISTER};
use pointsman_tests::{Broker, Moment, eventually};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::Endpoint;

/// How often a publisher repeats itself.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Messages that wait while the broker is away.
const WAITING: usize = 65_536;
/// How long a control plane may take until it hears a broker.
const GREETED: Duration = Duration::from_secs(20);

/// A connection that repeats what is registered; the repeating ends when the value is dropped.
#[derive(Debug)]
pub(crate) struct Publishing {
    held: Arc<Mutex<Held>>,
    client: Client,
    heartbeats: JoinHandle<()>,
}

#[derive(Debug)]
struct Held {
    client: Client,
    registered: BTreeMap<(String, u32), Bytes>,
    silent: bool,
}

impl Publishing {
    pub(crate) async fn connect(broker: &Broker) -> Self {
        // Back at once: how a publisher's library waits is not what is looked at here.
        let options = ConnectOptions::new()
            .client_capacity(WAITING)
            .reconnect_delay_callback(|_| Duration::from_millis(50));
        let client = options.connect(broker.url()).await;
        let client = client.expect("a broker that has started");
        let held = Arc::new(Mutex::new(Held {
            client: client.clone(),
            registered: BTreeMap::new(),
            silent: false,
        }));
        let heartbeats = tokio::spawn(repeat(Arc::clone(&held)));
        Self {
            held,
            client,
            heartbeats,
        }
    }

    /// Registers now, and again and again.
    pub(crate) async fn register(&self, endpoint: &Endpoint) {
        let payload = endpoint.message.payload();
        let mut held = self.held.lock().await;
        held.registered.insert(key(endpoint), payload.clone());
        held.publish(REGISTER, payload).await;
    }

    /// Takes a registration back. Returns when that was said; it is on its way to the broker then.
    pub(crate) async fn unregister(&self, endpoint: &Endpoint) -> Moment {
        let mut held = self.held.lock().await;
        held.registered.remove(&key(endpoint));
        held.publish(UNREGISTER, endpoint.message.payload()).await;
        Moment::now()
    }

    /// Goes on without a word about this endpoint, as when its publisher had died.
    pub(crate) async fn forget(&self, endpoint: &Endpoint) -> Moment {
        self.held.lock().await.registered.remove(&key(endpoint));
        Moment::now()
    }

    /// Repeats nothing any more, or everything again.
    pub(crate) async fn set_silent(&self, silent: bool) {
        self.held.lock().await.silent = silent;
    }

    /// Waits until a control plane answers a greeting: what is registered from then on is heard.
    pub(crate) async fn greet(&self) {
        eventually("a control plane to hear", GREETED, async || {
            let answer = self.client.request(GREET, Bytes::new()).await;
            answer.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.heartbeats.abort();
    }
}

impl Held {
    async fn publish(&self, subject: &'static str, payload: Bytes) {
        let published = self.client.publish(subject, payload).await;
        published.expect("a client that waits for its broker");
    }
}

fn key(endpoint: &Endpoint) -> (String, u32) {
    let message = &endpoint.message;
    (
        message.uris.concat(),
        message.tls_port.unwrap_or(message.port),
    )
}

async fn repeat(held: Arc<Mutex<Held>>) {
    let mut ticks = tokio::time::interval(HEARTBEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // Held to the end, so that nothing is repeated after it was taken back.
        let held = held.lock().await;
        if held.silent {
            continue;
        }
        for payload in held.registered.values() {
            held.publish(REGISTER, payload.clone()).await;
        }
    }
}
