//! The registry: one event at one instant, and what changed.

mod addresses;
mod attributes;
mod changes;
mod clock;
mod declaring;
mod ejections;
mod few;
mod guard;
mod index;
mod keys;
mod listing;
mod messages;
mod place;
mod put;
mod read;
mod records;
mod removals;
mod remove;
mod segments;
mod slab;
mod staged;
mod staleness;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::registration::Fingerprint;
use crate::settings::Settings;
use crate::standing::Standing;
use crate::time::Time;

use addresses::Addresses;
use clock::Clock;
use ejections::Ejections;
use guard::Guard;
use keys::Keys;
use messages::Messages;
use records::{EndpointRecord, RouteRecord};
use removals::Removals;
use segments::Segments;
use slab::Slab;
use staged::Staged;
use staleness::Due;

pub use changes::{Change, Now};
pub use ejections::Ejection;
pub(crate) use index::After;
pub use listing::ListingCursor;
pub(crate) use read::{Concern, Granted};
pub(crate) use records::Entry;
pub(crate) use staged::Difference;

/// Everything that is registered. Whoever owns it tells it what happened and when; nobody else changes it.
///
/// Each thing that lives and each removal that is remembered stands once, at its latest change, in the index of its
/// segment; the sum of each segment is that of the things in its index.
#[derive(Debug)]
pub struct Registry {
    settings: Settings,
    epoch: u64,
    head: u64,
    keys: Keys,
    routes: Slab<RouteRecord>,
    endpoints: Slab<EndpointRecord>,
    addresses: Addresses,
    /// The address of what has none.
    no_address: Arc<str>,
    segments: Segments,
    removals: Removals,
    messages: Messages,
    sources: Vec<SourceRecord>,
    guard: Guard,
    ejections: Ejections,
    staged: Staged,
    /// An operator said that nothing goes by age.
    frozen: bool,
    /// An operator said that nothing is registered is right.
    emptiness_confirmed: bool,
    last_update: Option<Time>,
    /// When the owner was last known to be awake.
    awake: Option<Time>,
}

/// A process that did nothing for longer than this has stood still.
const STOOD_STILL: Duration = Duration::from_secs(5);

/// One source of registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceId(u8);

#[derive(Debug)]
struct SourceRecord {
    name: Arc<str>,
    clock: Clock,
    /// What to look at, by the clock of the source. An endpoint that was heard meanwhile is put back.
    due: BTreeSet<(Time, Due)>,
}

/// Why a source that says everything that it has no longer says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Somebody has said so: the route is still declared, without this endpoint.
    Explicit,
    /// Nothing says anything of the whole route any more, which may be a mistake.
    Inferred,
}

/// What becomes of the ages of endpoints while their source is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileAway {
    /// They stand still.
    Wait,
    /// They go on, as Gorouter's without `suspend_pruning_if_nats_unavailable`.
    Age,
}

impl Registry {
    /// An empty registry. `epoch` is random and names this life of it; 0 is taken for 1.
    #[must_use]
    pub fn new(settings: Settings, epoch: u64) -> Self {
        Self {
            settings,
            epoch: epoch.max(1),
            head: 0,
            keys: Keys::default(),
            routes: Slab::new(),
            endpoints: Slab::new(),
            addresses: Addresses::default(),
            no_address: Arc::from(""),
            segments: Segments::default(),
            removals: Removals::default(),
            messages: Messages::new(),
            sources: Vec::new(),
            guard: Guard::default(),
            ejections: Ejections::default(),
            staged: Staged::default(),
            frozen: false,
            emptiness_confirmed: false,
            last_update: None,
            awake: None,
        }
    }

    /// The name of this life.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The revision of the latest change.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The oldest revision from which a reader can go on without a snapshot.
    #[must_use]
    pub fn horizon(&self) -> u64 {
        self.removals.horizon()
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Adds a source, which is away until [`Self::source_returned`].
    ///
    /// # Panics
    ///
    /// Where there are 256 sources already.
    pub fn add_source(&mut self, name: &str, while_away: WhileAway) -> SourceId {
        let clock = Clock::new(while_away, self.settings.registration_interval);
        self.add_source_with(name, clock)
    }

    /// Adds a source that declares: it says everything that it has at once, which counts until it says otherwise. It is
    /// away until [`Self::source_returned`], once it has said it all.
    ///
    /// # Panics
    ///
    /// Where there are 256 sources already.
    pub fn add_declaring_source(&mut self, name: &str) -> SourceId {
        let clock = Clock::lasting(self.settings.registration_interval);
        self.add_source_with(name, clock)
    }

    fn add_source_with(&mut self, name: &str, clock: Clock) -> SourceId {
        let id = u8::try_from(self.sources.len()).expect("a process has a handful of sources");
        self.sources.push(SourceRecord {
            name: name.into(),
            clock,
            due: BTreeSet::new(),
        });
        SourceId(id)
    }

    /// The source is away, and the last that was heard of it was at `last_heard`. Dropped messages count as this,
    /// followed by [`Self::source_returned`].
    pub fn source_lost(&mut self, source: SourceId, last_heard: Time) {
        self.sources[usize::from(source.0)].clock.lost(last_heard);
    }

    /// The source is back.
    pub fn source_returned(&mut self, source: SourceId, now: Time) {
        self.sources[usize::from(source.0)].clock.returned(now);
    }

    /// The owner is awake. Say so before anything that came in is applied and anything that is due is looked at, and once
    /// a second at least.
    ///
    /// Where the last time is longer ago than five seconds, the process itself stood still, or its clock leapt: nothing
    /// could be heard meanwhile, so each source counts as having been away for that long.
    pub fn awake(&mut self, now: Time) {
        let Some(last) = self.awake.replace(now) else {
            return;
        };
        if now.since(last) <= STOOD_STILL {
            return;
        }
        let clocks = self.sources.iter_mut().map(|source| &mut source.clock);
        for clock in clocks.filter(|clock| !clock.is_away() && !clock.is_lasting()) {
            clock.lost(last);
            clock.returned(now);
        }
    }

    /// Applies a repetition of a registration, which costs the same however many routes it has. `false` where it is
    /// not known, or something that it registered has changed since: then it has to be parsed and applied.
    pub fn heard(&mut self, source: SourceId, fingerprint: Fingerprint, now: Time) -> bool {
        let reading = self.reading(source.0, now);
        let Some(message) = self
            .messages
            .find(fingerprint)
            .filter(|known| known.source == source.0)
        else {
            return false;
        };
        message.heard = message.heard.max(reading);
        self.last_update = Some(now);
        true
    }

    /// What the registry's word is worth. `fleet_holds_things`: somebody serves a table that is not empty.
    ///
    /// It is open once every source was listened to for the start delay, and authoritative once that was the stale
    /// threshold; but never with an empty table while the fleet's is not, unless [`Self::confirm_emptiness`] said so, nor
    /// while a source is away or has just come back: what was said meanwhile is heard only when it is repeated.
    #[must_use]
    pub fn standing(&self, now: Time, fleet_holds_things: bool) -> Standing {
        let threshold = self.settings.authoritative_after();
        let least = self
            .sources
            .iter()
            .min_by_key(|source| source.clock.connected(now));
        let Some((source, heard)) = least.map(|source| (source, source.clock.connected(now)))
        else {
            return Standing {
                open: true,
                authoritative: true,
                reason: String::new(),
            };
        };
        let open = heard >= self.settings.start_delay;
        let suspicious = self.keys.is_empty() && fleet_holds_things && !self.emptiness_confirmed;
        let mut sources = self.sources.iter();
        let unsettled = sources.find(|source| source.clock.unsettled(now) > Duration::ZERO);
        let reason = if heard < threshold && source.clock.is_lasting() {
            format!("{} could not be read yet", source.name)
        } else if heard < threshold {
            format!(
                "{} was listened to for {} of {} seconds{}",
                source.name,
                heard.as_secs(),
                if open {
                    threshold.as_secs()
                } else {
                    self.settings.start_delay.as_secs()
                },
                if source.clock.is_away() {
                    ", and is away"
                } else {
                    ""
                },
            )
        } else if let Some(source) = unsettled {
            let is_away = source.clock.is_away();
            let state = if source.clock.is_lasting() {
                "cannot all be read"
            } else if is_away {
                "is away"
            } else {
                "has just come back"
            };
            format!("{} {state}", source.name)
        } else if suspicious {
            "nothing is registered, and data planes still serve routes".to_owned()
        } else {
            String::new()
        };
        Standing {
            open,
            authoritative: heard >= threshold && unsettled.is_none() && !suspicious,
            reason,
        }
    }

    /// An operator says that it is right that nothing is registered, though data planes serve routes. Counts until
    /// something is registered. Whether nothing is.
    pub fn confirm_emptiness(&mut self) -> bool {
        self.emptiness_confirmed = self.keys.is_empty();
        self.emptiness_confirmed
    }

    /// When the standing may change by time alone.
    #[must_use]
    pub fn standing_due(&self, now: Time) -> Option<Time> {
        let threshold = self.settings.authoritative_after();
        let marks = [self.settings.start_delay, threshold];
        self.sources
            .iter()
            .filter(|source| !source.clock.is_away())
            .flat_map(|source| {
                let heard = source.clock.connected(now);
                marks
                    .into_iter()
                    .map(move |mark| mark.saturating_sub(heard))
                    .chain([source.clock.unsettled(now)])
                    .filter(|left| *left > Duration::ZERO)
            })
            .min()
            .map(|left| now.plus(left))
    }

    fn reading(&self, source: u8, now: Time) -> Time {
        self.sources[usize::from(source)].clock.at(now)
    }

    fn next_revision(&mut self) -> u64 {
        self.head += 1;
        self.head
    }
}

#[cfg(test)]
mod tests;
