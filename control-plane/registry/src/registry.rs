//! The registry: one event at one instant, and what changed.

use std::sync::Arc;

use pointsman_route_key::RouteKey;

use crate::outcome::{Counts, Expired, Registered, Unregistered};
use crate::registration::{Fingerprint, Registration};
use crate::settings::Settings;
use crate::standing::Standing;
use crate::thing::RouteListing;
use crate::time::Time;

/// Everything that is registered. Whoever owns it tells it what happened and when; nobody else changes it.
#[derive(Debug)]
pub struct Registry {
    settings: Settings,
}

/// One source of registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceId(u8);

/// What becomes of the ages of endpoints while their source is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileAway {
    /// They stand still.
    Wait,
    /// They go on, as Gorouter's without `suspend_pruning_if_nats_unavailable`.
    Age,
}

/// A place in a listing of routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListingCursor(usize);

impl Registry {
    /// An empty registry. `epoch` is random and names this life of it; 0 is taken for 1.
    #[must_use]
    pub fn new(settings: Settings, epoch: u64) -> Self {
        let _ = epoch;
        Self { settings }
    }

    /// The name of this life.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        todo!()
    }

    /// The revision of the latest change.
    #[must_use]
    pub fn head(&self) -> u64 {
        todo!()
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Adds a source, which is away until [`Self::source_returned`].
    pub fn add_source(&mut self, name: &str, while_away: WhileAway) -> SourceId {
        todo!("{name} {while_away:?}")
    }

    /// The source is away, and the last that was heard of it was at `last_heard`. Dropped messages count as this,
    /// followed by [`Self::source_returned`].
    pub fn source_lost(&mut self, source: SourceId, last_heard: Time) {
        todo!("{source:?} {last_heard:?}")
    }

    /// The source is back.
    pub fn source_returned(&mut self, source: SourceId, now: Time) {
        todo!("{source:?} {now:?}")
    }

    /// Applies a registration; the outcomes are those of its URIs, in their order.
    pub fn register(
        &mut self,
        source: SourceId,
        message: &Registration,
        now: Time,
    ) -> Vec<Registered> {
        todo!("{source:?} {message:?} {now:?}")
    }

    /// Applies a repetition of a registration. `false` where it is not known, and has to be parsed and applied.
    pub fn heard(&mut self, source: SourceId, fingerprint: Fingerprint, now: Time) -> bool {
        todo!("{source:?} {fingerprint:?} {now:?}")
    }

    /// Applies an unregistration; the outcomes are those of its URIs, in their order.
    pub fn unregister(&mut self, message: &Registration, now: Time) -> Vec<Unregistered> {
        todo!("{message:?} {now:?}")
    }

    /// An endpoint fails at whoever uses it. Removes it if it has been silent for ten thresholds.
    pub fn reported_failing(&mut self, route: &RouteKey, address: &str, now: Time) -> bool {
        todo!("{route} {address} {now:?}")
    }

    /// Applies what is due at `now`, at most `budget` entries of it. Call it again at once where as many came back.
    pub fn expire(&mut self, now: Time, budget: usize) -> Vec<Expired> {
        todo!("{now:?} {budget}")
    }

    /// When [`Self::expire`] will next have something to do, if the sources stay as they are.
    #[must_use]
    pub fn next_due(&self, now: Time) -> Option<Time> {
        todo!("{now:?}")
    }

    /// What the registry's word is worth. `fleet_holds_things`: somebody serves a table that is not empty.
    #[must_use]
    pub fn standing(&self, now: Time, fleet_holds_things: bool) -> Standing {
        todo!("{now:?} {fleet_holds_things}")
    }

    /// How much is registered.
    #[must_use]
    pub fn counts(&self, now: Time) -> Counts {
        todo!("{now:?}")
    }

    /// The routes from a place on, at most `limit` of them, and the next place; `None` at the end. What changes
    /// meanwhile may be missed or not; what stays is listed once.
    #[must_use]
    pub fn route_keys(
        &self,
        from: ListingCursor,
        limit: usize,
    ) -> (Vec<Arc<RouteKey>>, Option<ListingCursor>) {
        todo!("{from:?} {limit}")
    }

    /// One route.
    #[must_use]
    pub fn route(&self, key: &RouteKey, now: Time) -> Option<RouteListing> {
        todo!("{key} {now:?}")
    }
}
