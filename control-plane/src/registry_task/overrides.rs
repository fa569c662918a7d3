//! What an operator puts over the rules for a while (K-146): pruning is frozen, endpoints are taken out.
//!
//! Each has somebody who answers for it, a reason, and an end. They stand in the memory of this control plane: a data
//! plane that follows another one gets what that one has, and a restart ends them.

use std::time::Duration;

use jiff::Timestamp;
use pointsman_registry::Ejection;
use pointsman_route_key::RouteKey;
use tokio::sync::watch;
use tokio::time::Instant;

use super::history::Why;
use super::orders::Refused;
use super::{RegistryTask, log};

/// The most overrides at once.
pub(super) const MOST: usize = 64;

/// What an override does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing goes by age.
    FreezePruning,
    /// No data plane is given the endpoint.
    Eject(Target),
}

impl Effect {
    /// The words of [`Self::kind`].
    pub const KINDS: [&'static str; 2] = ["freeze-pruning", "eject"];

    /// Its name for people.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        let [freeze, eject] = Self::KINDS;
        match self {
            Self::FreezePruning => freeze,
            Self::Eject(_) => eject,
        }
    }
}

/// Which endpoints are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address, as it is registered.
    pub address: Box<str>,
    /// Of this route only; `None`: of every route.
    pub route: Option<RouteKey>,
    /// Of this app only; `None`: of any.
    pub app_id: Option<Box<str>>,
}

impl Target {
    /// The registry's word for it.
    pub(crate) fn ejection(&self) -> Ejection {
        Ejection {
            address: self.address.as_ref().into(),
            route: self.route.clone(),
            app_id: self.app_id.clone(),
        }
    }
}

/// An override that is to be put.
#[derive(Clone, Debug)]
pub struct NewOverride {
    /// What it does.
    pub effect: Effect,
    /// Who answers for it.
    pub who: Box<str>,
    /// What for.
    pub why: Box<str>,
    /// How long it stands.
    pub length: Duration,
    /// Also where it leaves routes without endpoints, or there is nothing that it takes out yet.
    pub force: bool,
}

/// An override that stands.
#[derive(Clone, Debug)]
pub struct Override {
    /// Its name: random, so that none of an earlier life of the process is meant by it.
    pub id: Box<str>,
    /// What it does.
    pub effect: Effect,
    /// Who answers for it.
    pub who: Box<str>,
    /// What for.
    pub why: Box<str>,
    /// When it began, by the wall clock.
    pub since: Timestamp,
    /// When it ends, by the wall clock as it was then.
    pub until: Timestamp,
    /// When it ends.
    pub ends: Instant,
}

/// Those that stand.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    standing: Vec<Override>,
    shown: watch::Sender<Vec<Override>>,
}

impl Overrides {
    /// Where they are shown.
    pub(super) fn shown(&self) -> watch::Receiver<Vec<Override>> {
        self.shown.subscribe()
    }

    fn name(&self) -> Box<str> {
        loop {
            let id = format!("{:08x}", fastrand::u32(..));
            if self.standing.iter().all(|other| *other.id != *id) {
                return id.into();
            }
        }
    }
}

impl RegistryTask {
    /// Puts something over the rules.
    pub(super) fn place_override(&mut self, new: NewOverride) -> Result<Override, Refused> {
        if self.overrides.standing.len() >= MOST {
            return Err(Refused::TooManyOverrides);
        }
        let now = self.clock.now();
        match &new.effect {
            Effect::FreezePruning => self.registry.freeze_pruning(true, now),
            Effect::Eject(target) => {
                let ejection = target.ejection();
                if !new.force {
                    self.check_ejection(&ejection)?;
                }
                self.registry.eject(ejection);
                self.recorder.changed(&self.registry, Why::Ejected, None);
            }
        }
        let since = Timestamp::now();
        let placed = Override {
            id: self.overrides.name(),
            effect: new.effect,
            who: new.who,
            why: new.why,
            since,
            until: since.saturating_add(new.length).unwrap_or(Timestamp::MAX),
            ends: Instant::now() + new.length,
        };
        self.overrides.standing.push(placed.clone());
        self.show_overrides();
        Ok(placed)
    }

    fn check_ejection(&self, ejection: &Ejection) -> Result<(), Refused> {
        let (named, emptied) = self.registry.would_eject(ejection);
        if named == 0 {
            return Err(Refused::NotRegistered);
        }
        if emptied.is_empty() {
            return Ok(());
        }
        let routes = emptied.iter().map(|key| key.to_string().into());
        Err(Refused::LastEndpoints {
            routes: routes.collect(),
        })
    }

    /// Ends an override before its time.
    pub(super) fn end_override(&mut self, id: &str) -> Result<Override, Refused> {
        let standing = &self.overrides.standing;
        let at = standing.iter().position(|it| *it.id == *id);
        let at = at.ok_or_else(|| Refused::NoOverride(id.into()))?;
        Ok(self.take_override_away(at))
    }

    /// Ends those whose time is over.
    pub(super) fn end_overrides(&mut self) {
        let now = Instant::now();
        while let Some(at) = self.overrides.standing.iter().position(|it| it.ends <= now) {
            let ended = self.take_override_away(at);
            log::override_ended(&ended);
        }
    }

    fn take_override_away(&mut self, at: usize) -> Override {
        let ended = self.overrides.standing.remove(at);
        match &ended.effect {
            Effect::FreezePruning => {
                let mut others = self.overrides.standing.iter();
                if !others.any(|it| it.effect == Effect::FreezePruning) {
                    self.registry.freeze_pruning(false, self.clock.now());
                }
            }
            Effect::Eject(target) => {
                self.registry.reinstate(&target.ejection());
                self.recorder.changed(&self.registry, Why::Reinstated, None);
            }
        }
        self.show_overrides();
        ended
    }

    fn show_overrides(&self) {
        let standing = &self.overrides.standing;
        self.metrics.overrides(standing);
        self.metrics.ejected(self.registry.ejected());
        self.overrides.shown.send_replace(standing.clone());
    }
}
