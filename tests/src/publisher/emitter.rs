//! The manners of route-emitter: it asks for the interval, repeats everything at that, and begins anew when a router
//! starts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::Client;
use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at, sleep, timeout};
use tokio_stream::StreamExt as _;

use super::{GREET, Message, Publisher, REGISTER};

/// How long it waits between two greetings.
const BETWEEN_GREETINGS: Duration = Duration::from_secs(1);

/// How often it greets before it gives up.
const GREETINGS: usize = 30;

/// An emitter of routes. It ends with the value, and says nothing then.
#[derive(Debug)]
pub struct Emitter {
    told: Arc<Mutex<Told>>,
    task: JoinHandle<()>,
}

/// What an emitter has done so far.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// How often it has greeted.
    pub greetings: usize,
    /// The interval that a router asked for last.
    pub interval: Option<Duration>,
    /// Times that it sent everything because a router had started, each with how long it waited before.
    pub restarts: Vec<Duration>,
    /// Times that it sent everything.
    pub rounds: usize,
}

struct Emitting {
    client: Client,
    routes: Vec<Bytes>,
    told: Arc<Mutex<Told>>,
}

impl Emitter {
    /// Starts with these routes, whether or not a router is there.
    pub async fn start(publisher: &Publisher, routes: &[&dyn Message]) -> Self {
        let told = Arc::new(Mutex::new(Told::default()));
        let emitting = Emitting {
            client: publisher.client().clone(),
            routes: routes.iter().map(|route| route.payload()).collect(),
            told: Arc::clone(&told),
        };
        let starts = emitting.client.subscribe("router.start").await;
        let starts = starts.expect("a subscription");
        emitting.client.flush().await.expect("a broker");
        Self {
            told,
            task: tokio::spawn(emitting.run(starts)),
        }
    }

    /// What it has done so far.
    #[must_use]
    pub fn told(&self) -> Told {
        locked(&self.told).clone()
    }
}

impl Drop for Emitter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Emitting {
    async fn run(self, mut starts: async_nats::Subscriber) {
        let Some(mut interval) = self.greet(&mut starts).await else {
            return;
        };
        let mut ticks = interval_at(Instant::now() + interval, interval);
        loop {
            let start = tokio::select! {
                _ = ticks.tick() => None,
                start = starts.next() => match start {
                    Some(start) => Some(start),
                    None => return,
                },
            };
            if let Some(start) = start {
                interval = asked(&start.payload).unwrap_or(interval);
                let wait = interval.mul_f64(fastrand::f64());
                sleep(wait).await;
                ticks = interval_at(Instant::now() + interval, interval);
                let mut told = locked(&self.told);
                told.interval = Some(interval);
                told.restarts.push(wait);
            }
            self.send_all().await;
        }
    }

    /// The interval, from the answer or from a router that starts meanwhile.
    async fn greet(&self, starts: &mut async_nats::Subscriber) -> Option<Duration> {
        for _ in 0..GREETINGS {
            locked(&self.told).greetings += 1;
            let answered = async {
                let answer = self.client.request(GREET, Bytes::new()).await;
                match answer {
                    Ok(answer) => asked(&answer.payload),
                    // Nobody is there: the next greeting is due when this one would have been over.
                    Err(_) => std::future::pending().await,
                }
            };
            let started = async { asked(&starts.next().await?.payload) };
            let heard = async {
                tokio::select! {
                    answered = answered => answered,
                    started = started => started,
                }
            };
            if let Ok(Some(interval)) = timeout(BETWEEN_GREETINGS, heard).await {
                locked(&self.told).interval = Some(interval);
                return Some(interval);
            }
        }
        None
    }

    async fn send_all(&self) {
        for route in &self.routes {
            // A broker that is away takes them up again when it is back.
            let _may_be_away = self.client.publish(REGISTER, route.clone()).await;
        }
        locked(&self.told).rounds += 1;
    }
}

fn asked(payload: &[u8]) -> Option<Duration> {
    let said: Value = serde_json::from_slice(payload).ok()?;
    let seconds = said["minimumRegisterIntervalInSeconds"].as_u64()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn locked(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
