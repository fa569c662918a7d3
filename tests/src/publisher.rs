//! What publishes routes: messages and manners of route-emitter and route-registrar.

mod emitter;
mod message;

pub use emitter::{Emitter, Told};
pub use message::{Emitted, Message, Registrar};

use std::time::Duration;

use async_nats::Client;
use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::{Broker, eventually};

/// The subject of registrations.
pub const REGISTER: &str = "router.register";
/// The subject of unregistrations.
pub const UNREGISTER: &str = "router.unregister";

/// The subject that publishers ask for the interval of registrations on.
pub const GREET: &str = "router.greet";

/// How long a router may take until it answers.
const GREETED: Duration = Duration::from_secs(20);

/// A connection to a broker that routes are published on.
#[derive(Clone, Debug)]
pub struct Publisher {
    client: Client,
}

/// A registration that is repeated until it is taken back or dropped.
///
/// Dropping it is the publisher's crash: the heartbeats end, and nobody says goodbye.
#[derive(Debug)]
pub struct Registered {
    publisher: Publisher,
    payload: Bytes,
    heartbeats: JoinHandle<()>,
}

impl Publisher {
    /// Connects to the broker.
    ///
    /// # Panics
    ///
    /// When it is not reached.
    pub async fn connect(broker: &Broker) -> Self {
        Self::connect_to(broker, &broker.url()).await
    }

    /// The same where the broker has another address from here.
    ///
    /// # Panics
    ///
    /// When it is not reached.
    pub async fn connect_to(broker: &Broker, url: &str) -> Self {
        let connected = broker.options().connect(url).await;
        let client = connected.unwrap_or_else(|error| panic!("{url}: {error}"));
        Self { client }
    }

    /// The connection itself, for messages that no publisher sends.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until a router answers `router.greet`, as route-emitter does before its first registration: what is published
    /// before that is heard by nobody, for core NATS keeps nothing.
    ///
    /// # Panics
    ///
    /// When none answers.
    pub async fn greet(&self) {
        eventually("an answer to router.greet", GREETED, async || {
            let answered = self.client.request(GREET, Bytes::new()).await;
            answered.map(drop).map_err(|error| error.to_string())
        })
        .await;
    }

    /// Publishes one registration; it has left this process when this returns.
    pub async fn register(&self, message: &impl Message) {
        self.publish(REGISTER, message.payload()).await;
    }

    /// Publishes one unregistration; it has left this process when this returns.
    pub async fn unregister(&self, message: &impl Message) {
        self.publish(UNREGISTER, message.payload()).await;
    }

    /// Publishes any bytes on any subject.
    ///
    /// # Panics
    ///
    /// When the connection is closed for good.
    pub async fn publish(&self, subject: &str, payload: impl Into<Bytes>) {
        let published = self
            .client
            .publish(subject.to_owned(), payload.into())
            .await;
        published.expect("publish to the broker");
        self.client.flush().await.expect("flush to the broker");
    }

    /// Registers now, and again at every interval.
    pub async fn keep_registered(&self, message: &impl Message, interval: Duration) -> Registered {
        let payload = message.payload();
        self.publish(REGISTER, payload.clone()).await;
        let heartbeats = tokio::spawn(repeat(self.clone(), payload.clone(), interval));
        Registered {
            publisher: self.clone(),
            payload,
            heartbeats,
        }
    }
}

impl Registered {
    /// Ends the heartbeats and takes the registration back.
    pub async fn unregister(self) {
        self.heartbeats.abort();
        self.publisher
            .publish(UNREGISTER, self.payload.clone())
            .await;
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.heartbeats.abort();
    }
}

async fn repeat(publisher: Publisher, payload: Bytes, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        // A broker that is away takes messages up again when it is back: a publisher does not end over that.
        let _may_be_away = publisher.client.publish(REGISTER, payload.clone()).await;
    }
}
