//! What is counted by app and by component, where somebody asks for it: what Gorouter shows as `/varz`, and which apps are
//! active (section 18 of the control-plane reference).
//!
//! Each worker keeps an account of its own, and adds to it when a request is over. Nobody else waits for that lock but who
//! reads, every few seconds. Where nobody asks there is no account, and a request finds that out by one look.

mod active;
mod ledger;
mod sample;
mod top;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pointsman_process::varz::{Figures, Http};

use crate::counters::{Counters, Totals};
use active::Active;
use ledger::Ledger;
use sample::Sample;
use top::Top;

/// What is counted beside what always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Requests, responses and latencies by component, and the apps with the most requests.
    pub varz: bool,
    /// The apps that had requests, for the control plane.
    pub active_apps: bool,
}

/// How many apps are in the list of those with the most requests.
const TOP: usize = 10;

/// One worker's account.
#[derive(Debug)]
pub(crate) struct Account {
    ledger: Option<Mutex<Ledger>>,
    active: Option<Mutex<Active>>,
}

/// A request that is over and had an endpoint, or a route service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a> {
    /// The tag `component` of the endpoint; empty without one.
    pub(crate) component: &'a str,
    /// Its app; empty without one.
    pub(crate) app: &'a str,
    /// How many attempts there were.
    pub(crate) attempts: u32,
    /// The status of the answer.
    pub(crate) status: u16,
    /// When the request came, in seconds of the Unix epoch.
    pub(crate) second: u64,
    /// How long it took, where it came to its end.
    pub(crate) time: Option<Duration>,
    /// When it is over, since the start of the process.
    pub(crate) now: Duration,
    /// A random number.
    pub(crate) draw: u64,
}

impl Census {
    /// The account of a worker, where there is something to count.
    pub(crate) fn account(self) -> Option<Box<Account>> {
        (self.varz || self.active_apps).then(|| {
            Box::new(Account {
                ledger: self.varz.then(Mutex::default),
                active: self.active_apps.then(Mutex::default),
            })
        })
    }
}

impl Account {
    /// Enters a request.
    #[cold]
    pub(crate) fn enter(&self, counted: &Counted<'_>) {
        if let Some(active) = &self.active
            && !counted.app.is_empty()
        {
            let mut active = active.lock().unwrap_or_else(PoisonError::into_inner);
            active.mark(counted.app, counted.second);
        }
        if let Some(ledger) = &self.ledger {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.enter(counted);
        }
    }
}

fn accounts(workers: &[Arc<Counters>]) -> impl Iterator<Item = &Account> {
    workers
        .iter()
        .filter_map(|worker| worker.account.as_deref())
}

/// What `/varz` shows of the requests of all workers, at this second of the Unix epoch.
pub(crate) fn figures(workers: &[Arc<Counters>], totals: &Totals, second: u64) -> Figures {
    let mut all = Sample::default();
    let mut components: BTreeMap<Box<str>, (Http, Sample)> = BTreeMap::new();
    let mut apps: HashMap<Box<str>, u64> = HashMap::new();
    for account in accounts(workers) {
        if let Some(ledger) = &account.ledger {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.add_to(&mut all, &mut components);
            ledger.top().trim(second.saturating_sub(top::WINDOW));
            ledger.top().add_to(&mut apps);
        }
    }
    let shown = |(http, sample): (Http, Sample)| Http {
        latency: sample.percentiles(),
        ..http
    };
    Figures {
        all: shown((of_totals(totals), all)),
        components: components
            .into_iter()
            .map(|(name, account)| (name, shown(account)))
            .collect(),
        bad_requests: totals.rejected_requests,
        bad_gateways: totals.bad_gateways,
        top_apps: top::most(apps, TOP),
    }
}

fn of_totals(totals: &Totals) -> Http {
    Http {
        requests: totals.attempts,
        responses: [
            totals.responses_2xx,
            totals.responses_3xx,
            totals.responses_4xx,
            totals.responses_5xx,
            totals.responses_xxx,
        ],
        latency: [0.0; 5],
    }
}

/// Apps that had requests since they were last taken, at most `most`, each with the second of its last one. The others
/// stay for the next time.
pub(crate) fn take_active(workers: &[Arc<Counters>], most: usize) -> HashMap<Box<str>, u64> {
    let mut taken = HashMap::new();
    for account in accounts(workers) {
        if let Some(active) = &account.active {
            let mut active = active.lock().unwrap_or_else(PoisonError::into_inner);
            active.take_into(&mut taken, most);
        }
    }
    taken
}

#[cfg(test)]
mod tests;
