//! Endpoints that failed, on their way from the workers to the control plane.

use std::collections::HashMap;
use std::sync::Arc;

use pointsman_route_key::RouteKey;
use pointsman_routing::{Endpoint, Route};
use tokio::sync::mpsc;

/// How many failures wait for the control thread. Above that they are not noted: one failure
/// more of an endpoint that fails all the time tells nothing new.
const WAITING: usize = 4096;

/// How many different failures one report names.
const NAMED: usize = 1024;

/// A way for failures to reach the report to the control plane.
#[must_use]
pub fn channel() -> (FailureReporter, Failures) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let failures = Failures {
        receiver,
        counts: HashMap::new(),
    };
    (FailureReporter { sender }, failures)
}

/// The workers' end.
#[derive(Clone, Debug)]
pub struct FailureReporter {
    sender: mpsc::Sender<Failure>,
}

#[derive(Debug)]
struct Failure {
    route: Arc<Route>,
    endpoint: Arc<Endpoint>,
    reason: &'static str,
}

impl FailureReporter {
    /// Notes that an attempt at `endpoint` failed, in the one word of the data plane's reasons.
    /// It never waits.
    pub fn note(&self, route: &Arc<Route>, endpoint: &Arc<Endpoint>, reason: &'static str) {
        // A full channel loses the note, see `WAITING`; a closed one means that the process ends.
        let _lost = self.sender.try_send(Failure {
            route: Arc::clone(route),
            endpoint: Arc::clone(endpoint),
            reason,
        });
    }
}

/// One kind of failure since the last report.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FailureKind {
    /// The route.
    pub route: RouteKey,
    /// The address as registered.
    pub address: String,
    /// Why, in one word.
    pub reason: &'static str,
}

/// The control thread's end.
#[derive(Debug)]
pub struct Failures {
    receiver: mpsc::Receiver<Failure>,
    counts: HashMap<FailureKind, u64>,
}

impl Failures {
    /// What failed since the last call, and how often.
    pub fn take(&mut self) -> Vec<(FailureKind, u64)> {
        while let Ok(failure) = self.receiver.try_recv() {
            let kind = FailureKind {
                route: failure.route.key().clone(),
                address: failure.endpoint.address().to_string(),
                reason: failure.reason,
            };
            if self.counts.len() < NAMED || self.counts.contains_key(&kind) {
                *self.counts.entry(kind).or_default() += 1;
            }
        }
        self.counts.drain().collect()
    }
}
