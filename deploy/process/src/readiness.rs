//! Whether this process may be given work, and if not, why not.
//!
//! Ready means warm: every part that has to be there first holds a [`Condition`], and the process is ready when all
//! of them are met. The reason of each unmet one is kept, so that `/readyz` and the log can say what is awaited.
//! Leaving is final: a process that drains never becomes ready again.

mod liveness;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

pub use liveness::{Liveness, Pulse};

/// The conditions of one process, shared by those who meet them and those who ask.
#[derive(Clone, Debug)]
pub struct Readiness {
    state: Arc<watch::Sender<State>>,
}

/// What is known about readiness at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Unmet conditions by name, each with its reason. Met ones hold `None`.
    conditions: BTreeMap<&'static str, Option<String>>,
    leaving: Option<String>,
}

impl State {
    /// Whether every condition is met and the process is not leaving.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.leaving.is_none() && self.conditions.values().all(Option::is_none)
    }

    /// Why the process is not ready, as `name: reason`, in a stable order; empty when it is ready.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let leaving = self.leaving.iter().cloned();
        let unmet = self.conditions.iter();
        let unmet = unmet.filter_map(|(name, why)| Some(format!("{name}: {}", why.as_ref()?)));
        leaving.chain(unmet).collect()
    }

    /// Whether the process has begun to leave, which is final.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }
}

impl Readiness {
    /// A process without conditions: ready until one is added.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(State::default())),
        }
    }

    /// Adds a condition that is not met yet, for the reason given.
    ///
    /// All conditions are added before the process begins to listen, so that it is never ready by accident. Adding
    /// a name twice makes both handles speak for the same condition.
    #[must_use]
    pub fn condition(&self, name: &'static str, reason: impl Into<String>) -> Condition {
        let condition = Condition {
            name,
            readiness: self.clone(),
        };
        condition.unmet(reason);
        condition
    }

    /// Makes the process unready for good.
    pub fn leave(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.state.send_if_modified(|state| {
            let first = state.leaving.is_none();
            state.leaving.get_or_insert(reason);
            first
        });
    }

    /// What is known now.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Whether the process may be given work now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state.borrow().is_ready()
    }

    /// A receiver that wakes on every change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Waits until the process is ready. Never returns for one that leaves before it was.
    pub async fn ready(&self) {
        let mut states = self.watch();
        // The sender lives as long as `self`, so waiting can only end with the state that is awaited.
        let _ = states.wait_for(State::is_ready).await;
    }

    fn set(&self, name: &'static str, why: Option<String>) {
        self.state
            .send_if_modified(|state| state.conditions.insert(name, why.clone()) != Some(why));
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

/// One thing that has to be so before work may come. Whoever holds it says whether it is.
///
/// Dropping it while the process runs makes it unmet, since nobody is left to vouch for it.
#[derive(Debug)]
pub struct Condition {
    name: &'static str,
    readiness: Readiness,
}

impl Condition {
    /// Says that it is so.
    pub fn met(&self) {
        self.readiness.set(self.name, None);
    }

    /// Says that it is not so, and why: half a sentence for an operator.
    pub fn unmet(&self, reason: impl Into<String>) {
        self.readiness.set(self.name, Some(reason.into()));
    }
}

impl Drop for Condition {
    fn drop(&mut self) {
        self.unmet("the part that looks after it has ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_only_when_every_condition_is_met_and_says_what_is_missing() {
        let readiness = Readiness::new();
        let table = readiness.condition("table", "no complete table yet");
        let nats = readiness.condition("nats", "not connected");
        assert!(!readiness.is_ready());
        nats.met();
        assert_eq!(
            readiness.state().reasons(),
            ["table: no complete table yet"]
        );
        table.met();
        assert!(readiness.is_ready());
        assert!(readiness.state().reasons().is_empty());
    }

    #[test]
    fn leaving_is_final() {
        let readiness = Readiness::new();
        let table = readiness.condition("table", "no table");
        readiness.leave("draining");
        readiness.leave("again");
        table.met();
        assert!(!readiness.is_ready());
        assert_eq!(readiness.state().reasons(), ["draining"]);
    }

    #[test]
    fn a_condition_whose_owner_ended_is_unmet() {
        let readiness = Readiness::new();
        let table = readiness.condition("table", "no table");
        table.met();
        drop(table);
        assert!(!readiness.is_ready());
    }

    #[tokio::test]
    async fn waiting_ends_when_the_last_condition_is_met() {
        let readiness = Readiness::new();
        let table = readiness.condition("table", "no table");
        let waiting = tokio::spawn({
            let readiness = readiness.clone();
            async move { readiness.ready().await }
        });
        table.met();
        tokio::time::timeout(std::time::Duration::from_secs(5), waiting)
            .await
            .expect("the wait ends")
            .expect("the task ends well");
    }
}
