//! Requests at a rate that does not wait for answers, each with an id of its own, each counted.
//!
//! The clients behave as a balancer's do: they keep connections, they use another router when one refuses to be
//! connected to, since nothing was sent then, and they never send a request twice, so whatever is lost is counted.

mod client;
mod exchange;
mod outcome;

pub use outcome::{Lost, Outcome};

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

use crate::eventually;

/// How long a number of requests may take on a machine that is busy with other tests.
const BOUND: Duration = Duration::from_secs(60);
/// The longest that a request may take, and connecting for it, where nothing else was said.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running load; it ends when the value is dropped.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the clients and the test look at together.
#[derive(Debug)]
struct Shared {
    /// Requests per second, while it is not paused.
    rate: u64,
    routers: Vec<Router>,
    hosts: Mutex<Vec<Arc<str>>>,
    /// By host, how many requests are unanswered.
    in_flight: Mutex<HashMap<Arc<str>, u64>>,
    outcomes: Mutex<Vec<Outcome>>,
    ended: AtomicU64,
    paused: AtomicBool,
    stop: AtomicBool,
    /// The longest that a request may take, and connecting for it.
    patience: Mutex<Duration>,
}

/// A router as a balancer sees it.
#[derive(Debug)]
struct Router {
    address: Mutex<SocketAddr>,
    /// Whether the balancer gives it requests.
    healthy: AtomicBool,
}

impl Load {
    /// Starts paused, for these routers.
    ///
    /// # Panics
    ///
    /// When there is no thread to be had.
    #[must_use]
    pub fn start(rate: u64, routers: &[SocketAddr]) -> Self {
        let routers = routers.iter().map(|&address| Router {
            address: Mutex::new(address),
            healthy: AtomicBool::new(true),
        });
        let shared = Arc::new(Shared {
            rate,
            routers: routers.collect(),
            hosts: Mutex::default(),
            in_flight: Mutex::default(),
            outcomes: Mutex::default(),
            ended: AtomicU64::new(0),
            paused: AtomicBool::new(true),
            stop: AtomicBool::new(false),
            patience: Mutex::new(PATIENCE),
        });
        let clients = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("load".to_owned())
            .spawn(move || client::run(&clients))
            .expect("a thread for the load");
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// The hosts that are asked for from now on, each as often as it stands there; with a path, where they are asked for
    /// what is below that.
    pub fn ask_for(&self, hosts: Vec<Arc<str>>) {
        *self.shared.hosts.lock() = hosts;
    }

    /// Says whether a router gets new connections and requests, as a balancer's health check would.
    pub fn set_healthy(&self, router: usize, healthy: bool) {
        self.shared.routers[router]
            .healthy
            .store(healthy, Ordering::SeqCst);
    }

    /// How long the clients wait for the answers to what they send from now on, and to be connected.
    pub fn set_patience(&self, patience: Duration) {
        *self.shared.patience.lock() = patience;
    }

    /// A router is found elsewhere from now on.
    pub fn moved(&self, router: usize, address: SocketAddr) {
        *self.shared.routers[router].address.lock() = address;
    }

    /// Begins, or begins again.
    pub fn go_on(&self) {
        self.shared.paused.store(false, Ordering::SeqCst);
    }

    /// Sends nothing more, and waits until everything that was sent has come to an end.
    ///
    /// # Panics
    ///
    /// When that takes longer than any request may.
    pub async fn pause(&self) {
        self.shared.paused.store(true, Ordering::SeqCst);
        eventually("every request to end", BOUND, async || {
            let in_flight: u64 = self.shared.in_flight.lock().values().sum();
            if in_flight == 0 {
                Ok(())
            } else {
                Err(format!("{in_flight} are in flight"))
            }
        })
        .await;
    }

    /// Waits until this many more requests have come to an end.
    ///
    /// # Panics
    ///
    /// When they do not.
    pub async fn ended(&self, count: u64) {
        let wanted = self.shared.ended.load(Ordering::SeqCst) + count;
        eventually(
            &format!("{count} more requests to end"),
            BOUND,
            async || {
                let missing = wanted.saturating_sub(self.shared.ended.load(Ordering::SeqCst));
                if missing == 0 {
                    Ok(())
                } else {
                    Err(format!("{missing} are missing"))
                }
            },
        )
        .await;
    }

    /// Whether no request for this host is unanswered, and none will be: it must not be asked for any more.
    #[must_use]
    pub fn is_quiet(&self, host: &str) -> bool {
        matches!(self.shared.in_flight.lock().get(host), None | Some(0))
    }

    /// What came to an end since the last call.
    #[must_use]
    pub fn outcomes(&self) -> Vec<Outcome> {
        std::mem::take(&mut *self.shared.outcomes.lock())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed, and what it did not send is missed by whoever waits for it.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Load, Lost};
    use crate::endpoint::{Answer, Reply};
    use crate::{Endpoint, eventually};

    async fn echo() -> Endpoint {
        Endpoint::with(|head| {
            let id = head.target.trim_start_matches('/');
            Answer::Reply(Reply::text(&format!("{id} 80")))
        })
        .await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_request_is_counted_once_with_its_answer() {
        let endpoint = echo().await;
        let load = Load::start(1000, &[endpoint.address()]);
        load.ask_for(vec!["app".into()]);
        load.go_on();
        load.ended(200).await;
        load.pause().await;
        let outcomes = load.outcomes();
        assert!(outcomes.len() >= 200);
        assert_eq!(outcomes.len(), endpoint.request_count());
        assert!(outcomes.iter().all(|outcome| outcome.answer == Ok(80)));
        assert!(outcomes.iter().any(|outcome| outcome.post));
        let seen = endpoint.requests();
        let bodies = seen.iter().filter(|request| !request.body.is_empty());
        assert!(bodies.count() > 0, "some have bodies");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_not_answered_well_is_told() {
        let endpoint = Endpoint::with(|_head| Reply::status(404).into()).await;
        let mut load = Load::start(1000, &[endpoint.address()]);
        load.ask_for(vec!["app".into()]);
        load.go_on();
        load.ended(1).await;
        endpoint.script(|_head| Answer::Close);
        eventually("a broken exchange", Duration::from_secs(10), async || {
            let broken = |lost: &Lost| matches!(lost, Lost::Broken(_));
            let outcomes = load.outcomes();
            if outcomes
                .iter()
                .any(|one| one.answer.as_ref().is_err_and(broken))
            {
                Ok(())
            } else {
                Err(format!("{outcomes:?}"))
            }
        })
        .await;
        endpoint.script(|_head| Reply::text("another's 80").into());
        eventually("another's answer", Duration::from_secs(10), async || {
            let mixed = |lost: &Lost| matches!(lost, Lost::NotOurs(_));
            let outcomes = load.outcomes();
            if outcomes
                .iter()
                .any(|one| one.answer.as_ref().is_err_and(mixed))
            {
                Ok(())
            } else {
                Err(format!("{outcomes:?}"))
            }
        })
        .await;
        load.shared
            .paused
            .store(true, std::sync::atomic::Ordering::SeqCst);
        load = Load::start(1000, &[endpoint.address()]);
        drop(load);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_router_that_refuses_is_passed_over() {
        let mut gone = echo().await;
        gone.close().await;
        let there = echo().await;
        let load = Load::start(1000, &[gone.address(), there.address()]);
        load.ask_for(vec!["app".into()]);
        load.go_on();
        load.ended(100).await;
        load.pause().await;
        for outcome in load.outcomes() {
            assert_eq!(
                (outcome.router, &outcome.answer),
                (1, &Ok(80)),
                "{outcome:?}"
            );
        }
    }
}
