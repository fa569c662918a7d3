//! The removals that are remembered, for readers that were away.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::HashMap;
use pointsman_route_key::RouteKey;

use crate::time::Time;

use super::records::SegmentId;

/// What is gone, since when, from where.
#[derive(Debug)]
pub(super) struct Grave {
    pub(super) route: Arc<RouteKey>,
    /// Empty where the attributes of the route are meant.
    pub(super) address: Arc<str>,
    pub(super) segment: SegmentId,
    since: Time,
}

type Name = (SegmentId, Arc<RouteKey>, Arc<str>);

/// Each removal stands once, at its revision. What comes to life again is no removal any more.
#[derive(Debug, Default)]
pub(super) struct Removals {
    graves: BTreeMap<u64, Grave>,
    by_name: HashMap<Name, u64>,
    horizon: u64,
    /// Every removal below this is kept, whatever comes.
    kept_below: u64,
}

impl Removals {
    /// The oldest revision from which a reader can go on: every later removal is remembered.
    pub(super) fn horizon(&self) -> u64 {
        self.horizon
    }

    pub(super) fn len(&self) -> usize {
        self.graves.len()
    }

    pub(super) fn get(&self, revision: u64) -> Option<&Grave> {
        self.graves.get(&revision)
    }

    pub(super) fn bury(&mut self, revision: u64, (segment, route, address): Name, since: Time) {
        self.by_name.insert(
            (segment, Arc::clone(&route), Arc::clone(&address)),
            revision,
        );
        self.graves.insert(
            revision,
            Grave {
                route,
                address,
                segment,
                since,
            },
        );
    }

    /// Whether the removal of this is remembered.
    pub(super) fn remembers(&self, name: &Name) -> bool {
        self.by_name.contains_key(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.graves.is_empty()
    }

    /// Takes back the removal of what lives again, and says where it stood.
    pub(super) fn revive(&mut self, name: &Name) -> Option<u64> {
        let revision = self.by_name.remove(name)?;
        self.graves.remove(&revision);
        Some(revision)
    }

    /// Forgets the oldest removal that is not kept if it is older than `since`, or one of more than `most`.
    pub(super) fn forget(
        &mut self,
        (since, most): (Time, usize),
        is_kept: impl Fn(u64) -> bool,
    ) -> Option<(u64, SegmentId)> {
        let mut oldest = self.graves.range(self.kept_below..);
        let (revision, grave) = oldest.find(|(revision, _)| !is_kept(**revision))?;
        let revision = *revision;
        self.kept_below = revision;
        if grave.since >= since && self.by_name.len() <= most {
            return None;
        }
        let grave = self.graves.remove(&revision)?;
        self.by_name
            .remove(&(grave.segment, grave.route, grave.address));
        self.horizon = self.horizon.max(revision);
        Some((revision, grave.segment))
    }

    /// What was kept whatever came is not any more.
    pub(super) fn keep_none(&mut self) {
        self.kept_below = 0;
    }

    /// A removal stands at a later revision. Whether it is remembered.
    pub(super) fn move_up(&mut self, from: u64, to: u64) -> bool {
        let Some(grave) = self.graves.remove(&from) else {
            return false;
        };
        let name = (
            grave.segment,
            Arc::clone(&grave.route),
            Arc::clone(&grave.address),
        );
        self.by_name.insert(name, to);
        self.graves.insert(to, grave);
        true
    }

    /// Since when the oldest removal is remembered.
    pub(super) fn oldest(&self) -> Option<Time> {
        self.graves.first_key_value().map(|(_, grave)| grave.since)
    }
}
