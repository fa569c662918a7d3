//! Changes that not everybody is to have yet: what they are, and what stood there before.
//!
//! A staged change is made in the registry at once, as every other one is; readers that are not admitted to it pass over
//! what it changed, and keep what they have of that. Only what was changed or removed is staged: what is added goes to
//! everybody. And whatever is changed by somebody else afterwards is not staged any more, since it stands at a later
//! revision then: a registration never waits for a roll-out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use pointsman_route_key::RouteKey;

use crate::capability::Capabilities;
use crate::outcome::Sum;
use crate::segment::SegmentFilter;

use super::Registry;
use super::records::SegmentId;
use crate::time::Time;

/// How long removals are kept beyond their age for those who have waited for them.
const LINGER: Duration = Duration::from_secs(300);

/// What is staged, and whether what is done now is to be.
#[derive(Debug, Default)]
pub(super) struct Staged {
    /// Counts the changes that were staged. Readers are admitted up to one of them.
    part: u64,
    /// What is done now is part of the staged change.
    recording: bool,
    /// What an operator lets go is part of it as well.
    releases: bool,
    /// What was taken out of the index by what is done now, and is put back or buried before that is over.
    lifted: HashMap<Name, Vec<Version>>,
    /// By the revision of the latest change.
    entries: BTreeMap<u64, Entry>,
    /// The staged removals of each route.
    buried: HashMap<Arc<RouteKey>, Vec<u64>>,
    /// Counts the changes of `entries`.
    changes: u64,
    /// Counts how often everything was given to everybody.
    ends: u64,
    /// When that was the last time.
    ended: Option<Time>,
}

/// A thing, whichever segment an endpoint is in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    route: Arc<RouteKey>,
    /// Empty where the attributes of the route are meant.
    address: Arc<str>,
    /// Of attributes only: an endpoint is one thing in whichever segment.
    segment: Option<SegmentId>,
}

impl Name {
    pub(super) fn new(route: &Arc<RouteKey>, address: &Arc<str>, segment: SegmentId) -> Self {
        Self {
            route: Arc::clone(route),
            address: Arc::clone(address),
            segment: address.is_empty().then_some(segment),
        }
    }
}

/// What a thing adds to a sum, and to whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) segment: SegmentId,
    pub(super) needs: Capabilities,
    pub(super) digest: u64,
}

/// A thing as it was since a revision.
#[derive(Clone, Copy, Debug)]
struct Version {
    revision: u64,
    /// What it needed; `None` where it was gone.
    needs: Option<Capabilities>,
    /// `None` where it was gone, or counts elsewhere.
    share: Option<Share>,
}

/// A thing that a staged change has changed or removed.
#[derive(Debug)]
struct Entry {
    route: Arc<RouteKey>,
    /// What it was before, each time that it was staged. Never empty.
    versions: Vec<Version>,
    /// What it is; `None` where it is gone, or counted where it went to.
    share: Option<Share>,
}

impl Entry {
    /// The version that somebody has who has everything up to a revision that these capabilities may have. Who has none is
    /// given it as something new.
    fn at(&self, reach: u64, capabilities: Capabilities) -> Option<&Version> {
        let versions = self.versions.iter().rev();
        let mut known = versions.skip_while(|it| it.revision > reach);
        let granted = |it: &&Version| it.needs.is_some_and(|needs| capabilities.cover(needs));
        known.next().filter(granted)
    }

    fn differs(&self) -> bool {
        self.versions[0].share != self.share
    }
}

impl Staged {
    /// A thing leaves its place in the index.
    pub(super) fn lift(&mut self, name: impl FnOnce() -> Name, revision: u64, share: Share) {
        if !self.recording && self.entries.is_empty() {
            return;
        }
        let mut versions = self.take(revision).map_or_else(Vec::new, |it| it.versions);
        if self.recording {
            versions.push(Version {
                revision,
                needs: Some(share.needs),
                share: Some(share),
            });
            self.lifted.insert(name(), versions);
        }
    }

    /// A thing takes its place in the index.
    pub(super) fn place(&mut self, name: impl FnOnce() -> Name, revision: u64, share: Share) {
        if self.recording {
            let name = name();
            if let Some(mut versions) = self.lifted.get(&name).cloned() {
                keep_only(&mut versions, share.segment);
                self.enter(revision, name.route, versions, Some(share));
            }
        }
    }

    /// The removal of a thing takes its place in the index. `None`: it lives on elsewhere.
    pub(super) fn bury(&mut self, name: impl FnOnce() -> Name, segment: SegmentId, revision: u64) {
        if !self.recording {
            return;
        }
        let name = name();
        let Some(mut versions) = self.lifted.get(&name).cloned() else {
            return;
        };
        keep_only(&mut versions, segment);
        let buried = self.buried.entry(Arc::clone(&name.route)).or_default();
        buried.push(revision);
        self.enter(revision, name.route, versions, None);
    }

    /// What was removed lives again.
    pub(super) fn revive(&mut self, name: impl FnOnce() -> Name, revision: u64) {
        let Some(entry) = self.take(revision) else {
            return;
        };
        if self.recording {
            let mut versions = entry.versions;
            versions.push(Version {
                revision,
                needs: None,
                share: None,
            });
            self.lifted.insert(name(), versions);
        }
    }

    /// A route is born again: whoever is told so gives up the endpoints of its earlier life, staged or not.
    pub(super) fn born(&mut self, route: &RouteKey) {
        if self.recording || self.buried.is_empty() {
            return;
        }
        for revision in self.buried.remove(route).unwrap_or_default() {
            self.entries.remove(&revision);
            self.changes += 1;
        }
    }

    fn enter(
        &mut self,
        revision: u64,
        route: Arc<RouteKey>,
        versions: Vec<Version>,
        share: Option<Share>,
    ) {
        let entry = Entry {
            route,
            versions,
            share,
        };
        self.entries.insert(revision, entry);
        self.changes += 1;
    }

    fn take(&mut self, revision: u64) -> Option<Entry> {
        let entry = self.entries.remove(&revision)?;
        self.changes += 1;
        if let Some(buried) = self.buried.get_mut(&entry.route) {
            buried.retain(|other| *other != revision);
            if buried.is_empty() {
                self.buried.remove(&entry.route);
            }
        }
        Some(entry)
    }
}

/// Of a thing that moves between segments, each of them counts what was in it.
fn keep_only(versions: &mut [Version], segment: SegmentId) {
    for version in versions {
        version.share = version.share.filter(|share| share.segment == segment);
    }
}

impl Registry {
    /// Begins a change that only those are to have who are admitted to it, beside what is staged already: what is done
    /// while [`Self::record_staged`] says so. Its number, which is greater than that of all before it.
    pub fn begin_staging(&mut self) -> u64 {
        self.staged.part += 1;
        self.staged.part
    }

    /// What is done from here on is part of the staged change, or is not any more.
    pub fn record_staged(&mut self, recording: bool) {
        self.staged.recording = recording;
        self.staged.lifted.clear();
    }

    /// What was let go by [`Self::release`] is part of the staged change, or is not.
    pub fn stage_releases(&mut self, staged: bool) {
        self.staged.releases = staged;
    }

    /// Everybody is to have everything: nothing is staged any more.
    pub fn end_staging(&mut self, now: Time) {
        let part = self.staged.part;
        let changes = self.staged.changes + 1;
        let ends = self.staged.ends + 1;
        self.staged = Staged {
            part,
            changes,
            ends,
            ended: Some(now),
            ..Staged::default()
        };
    }

    /// How many routes are staged that are another than before.
    #[must_use]
    pub fn staged_routes(&self) -> usize {
        let differing = self.staged.entries.values().filter(|it| it.differs());
        differing.map(|it| &it.route).collect::<HashSet<_>>().len()
    }

    /// How many routes would lose something by [`Self::release`].
    #[must_use]
    pub fn releasable_routes(&self, up_to_revision: u64) -> usize {
        let held = self.releasable(up_to_revision);
        held.map(|id| self.endpoints[id].route)
            .collect::<HashSet<_>>()
            .len()
    }

    /// The number of the latest staged change; 0 where nothing is staged.
    pub(crate) fn staged_part(&self) -> u64 {
        if self.staged.entries.is_empty() {
            0
        } else {
            self.staged.part
        }
    }

    /// Counts the changes of what is staged.
    pub(crate) fn staged_changes(&self) -> u64 {
        self.staged.changes
    }

    /// Counts how often everything was given to everybody.
    pub(crate) fn staged_ends(&self) -> u64 {
        self.staged.ends
    }

    /// Whether what stands at a revision is staged, and another version of it is held by somebody who has everything up
    /// to `reach`.
    pub(crate) fn is_staged(&self, revision: u64, (reach, may): (u64, Capabilities)) -> bool {
        if revision <= reach {
            return false;
        }
        let entry = self.staged.entries.get(&revision);
        entry.is_some_and(|entry| entry.at(reach, may).is_some())
    }

    /// What the sum of somebody lacks who has everything up to `reach`, and of what is staged what it was then; and what is
    /// too much in it.
    pub(crate) fn staged_sums(
        &self,
        filter: &SegmentFilter,
        capabilities: Capabilities,
        reach: u64,
    ) -> (Sum, Sum) {
        let (mut lacks, mut exceeds) = (Sum::default(), Sum::default());
        let seen: HashSet<SegmentId> = self.seen(filter).map(|(id, _)| id).collect();
        let counts = |it: &Share| seen.contains(&it.segment) && capabilities.cover(it.needs);
        // What stands at or below that is held as it is now.
        for (_, entry) in self.staged.entries.range(reach.saturating_add(1)..) {
            let Some(held) = entry.at(reach, capabilities) else {
                continue;
            };
            if let Some(share) = held.share.filter(counts) {
                lacks.add(share.digest);
            }
            if let Some(share) = entry.share.filter(counts) {
                exceeds.add(share.digest);
            }
        }
        (lacks, exceeds)
    }

    /// Whether something is staged, so that removals are not forgotten for their age: whoever waits would need everything.
    pub(super) fn keeps_removals(&self, now: Time) -> bool {
        !self.staged.entries.is_empty() || self.staged_until().is_some_and(|until| now < until)
    }

    /// Until when those who have waited may take to read what they waited for; `None` while nobody has.
    pub(super) fn staged_until(&self) -> Option<Time> {
        Some(self.staged.ended?.plus(LINGER))
    }

    /// Whether something is staged.
    pub(super) fn has_staged(&self) -> bool {
        !self.staged.entries.is_empty()
    }

    /// Runs what an operator lets go, as part of the staged change where that is so.
    pub(super) fn as_released<Done>(&mut self, act: impl FnOnce(&mut Self) -> Done) -> Done {
        let releases = self.staged.releases;
        self.record_staged(releases);
        let done = act(self);
        self.record_staged(false);
        done
    }
}
