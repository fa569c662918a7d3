//! Endpoints that failed, on their way from the workers to the control thread: it drops those that
//! are orphans, and tells the control plane of all.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use pointsman_route_key::RouteKey;
use pointsman_routing::{Ejection, Endpoint, Route};
use tokio::sync::mpsc;

/// How many failures wait for the control thread. Above that they are not noted: one failure
/// more of an endpoint that fails all the time tells nothing new.
const WAITING: usize = 4096;

/// How many different failures one report names.
const NAMED: usize = 1024;

/// How many endpoints that are out are shown by name.
const SHOWN: usize = 1024;

/// A way for failures to reach the report to the control plane.
#[must_use]
pub fn channel() -> (FailureReporter, Failures) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let failures = Failures {
        receiver,
        counts: HashMap::new(),
    };
    let reporter = FailureReporter {
        sender,
        ejected: Ejected::default(),
    };
    (reporter, failures)
}

/// The workers' end.
#[derive(Clone, Debug)]
pub struct FailureReporter {
    sender: mpsc::Sender<Failed>,
    ejected: Ejected,
}

/// One failure of an endpoint.
#[derive(Debug)]
pub struct Failed {
    /// The route, as the request found it.
    pub route: Arc<Route>,
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
    /// Why, in one word.
    pub reason: &'static str,
}

impl FailureReporter {
    /// Notes that an attempt at `endpoint` failed, in the one word of the data plane's reasons.
    /// It never waits.
    pub fn note(&self, route: &Arc<Route>, endpoint: &Arc<Endpoint>, reason: &'static str) {
        // A full channel loses the note, see `WAITING`; a closed one means that the process ends.
        let _lost = self.sender.try_send(Failed {
            route: Arc::clone(route),
            endpoint: Arc::clone(endpoint),
            reason,
        });
    }
}

impl FailureReporter {
    /// Notes that an endpoint was taken out because it behaves worse than its siblings.
    pub fn note_ejection(&self, route: &Arc<Route>, ejection: &Ejection) {
        self.note(route, &ejection.endpoint, ejection.cause.word());
        self.ejected.put(route, ejection);
    }

    /// The endpoints that are out.
    #[must_use]
    pub fn ejected(&self) -> Ejected {
        self.ejected.clone()
    }
}

/// The endpoints that the outlier detector has taken out, to be read at any time.
#[derive(Clone, Debug, Default)]
pub struct Ejected(Arc<Mutex<Vec<EjectedEndpoint>>>);

/// One endpoint that is out.
#[derive(Clone, Debug)]
pub struct EjectedEndpoint {
    /// The route whose request showed it.
    pub route: Arc<Route>,
    /// Which one, and why.
    pub ejection: Ejection,
}

impl Ejected {
    fn put(&self, route: &Arc<Route>, ejection: &Ejection) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = ejection.endpoint.state().index();
        all.retain(|other| is_out(other) && other.ejection.endpoint.state().index() != index);
        if all.len() < SHOWN {
            all.push(EjectedEndpoint {
                route: Arc::clone(route),
                ejection: ejection.clone(),
            });
        }
    }

    /// Those that were not readmitted yet.
    #[must_use]
    pub fn list(&self) -> Vec<EjectedEndpoint> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(is_out);
        all.clone()
    }
}

/// Whether it is there, and was not readmitted.
fn is_out(one: &EjectedEndpoint) -> bool {
    let state = one.ejection.endpoint.state();
    state.is_registered() && state.is_ejected()
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
    receiver: mpsc::Receiver<Failed>,
    counts: HashMap<FailureKind, u64>,
}

impl Failures {
    /// Waits for the next failure, and counts it. Where no worker is left to tell one, it waits for
    /// ever.
    pub async fn next(&mut self) -> Failed {
        let Some(failed) = self.receiver.recv().await else {
            return pending().await;
        };
        let kind = FailureKind {
            route: failed.route.key().clone(),
            address: failed.endpoint.address().to_string(),
            reason: failed.reason,
        };
        if self.counts.len() < NAMED || self.counts.contains_key(&kind) {
            *self.counts.entry(kind).or_default() += 1;
        }
        failed
    }

    /// What [`Self::next`] has told since the last call, and how often each.
    pub fn take(&mut self) -> Vec<(FailureKind, u64)> {
        self.counts.drain().collect()
    }
}
