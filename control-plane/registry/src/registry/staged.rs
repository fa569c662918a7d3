//! Changes that not everybody is to have yet: what they are, and what stood there before.
//!
//! A staged change is made in the registry at once, as every other one is; readers that are not admitted to it pass over
//! what it changed, and keep what they have of that. Only what was changed or removed is staged: what is added goes to
//! everybody. And whatever is changed by somebody else afterwards is not staged any more, since it stands at a later
//! revision then: a registration never waits for a roll-out.

mod difference;
mod overtaken;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use pointsman_route_key::RouteKey;

use crate::capability::Capabilities;
use crate::time::Time;

use super::Registry;
use super::records::SegmentId;

pub(crate) use difference::Difference;

/// How long removals are kept beyond their age for those who have waited for them.
const LINGER: Duration = Duration::from_secs(300);

/// What is staged, and whether what is done now is to be.
#[derive(Debug, Default)]
pub(super) struct Staged {
    /// Counts the changes that were staged. Readers are admitted up to one of them.
    part: u64,
    /// The head when the first of what is staged began.
    since: u64,
    /// What is done now is part of the staged change.
    recording: bool,
    /// What an operator lets go is part of it as well.
    releases: bool,
    /// What was taken out of the index by what is done now, and is put back or buried before that is over.
    lifted: HashMap<Name, Vec<Version>>,
    /// By the revision of the latest change.
    entries: BTreeMap<u64, Entry>,
    /// The staged removals: of which route, of which address there, since which revision.
    buried: BTreeSet<(Arc<RouteKey>, Arc<str>, u64)>,
    /// What was staged and is not any more, the latest last, for those who have counted it; and how many were forgotten.
    undone: VecDeque<(u64, Entry)>,
    forgotten: u64,
    /// Counts how often everything was given to everybody.
    ends: u64,
    /// When that was the last time, and how many removals were staged then.
    ended: Option<(Time, usize)>,
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
    /// `None` where it was gone.
    share: Option<Share>,
}

/// A thing that a staged change has changed or removed, as one segment has it.
#[derive(Debug)]
struct Entry {
    name: Name,
    segment: SegmentId,
    /// What it was before, each time that it was staged, in whichever segment. Never empty.
    versions: Vec<Version>,
    /// What it is; `None` where it is gone from this segment.
    share: Option<Share>,
}

impl Entry {
    /// The version that somebody has who has everything up to a revision that these capabilities may have. Who has none is
    /// given it as something new.
    fn at(&self, reach: u64, capabilities: Capabilities) -> Option<Share> {
        let versions = self.versions.iter().rev();
        let mut known = versions.skip_while(|it| it.revision > reach);
        let share = known.next()?.share;
        share.filter(|share| capabilities.cover(share.needs))
    }

    /// What a version counts for in this segment. Of a thing that moves between segments, each counts what was in it.
    fn here(&self, share: Share) -> Option<Share> {
        (share.segment == self.segment).then_some(share)
    }

    fn differs(&self) -> bool {
        let first = self.versions.first().and_then(|it| it.share);
        first.and_then(|share| self.here(share)) != self.share
    }
}

impl Staged {
    /// Whether what is done now is staged.
    pub(super) fn is_recording(&self) -> bool {
        self.recording
    }

    /// A thing leaves its place in the index.
    pub(super) fn lift(&mut self, name: impl FnOnce() -> Name, revision: u64, share: Share) {
        if !self.recording && self.entries.is_empty() {
            return;
        }
        let mut versions = self.take(revision).unwrap_or_default();
        if self.recording {
            let share = Some(share);
            versions.push(Version { revision, share });
            self.lifted.insert(name(), versions);
        }
    }

    /// A thing takes its place in the index. Whether that is staged.
    pub(super) fn place(
        &mut self,
        name: impl FnOnce() -> Name,
        revision: u64,
        share: Share,
    ) -> bool {
        if !self.recording {
            return false;
        }
        let name = name();
        let Some(versions) = self.known(&name) else {
            return false;
        };
        let entry = Entry {
            name,
            segment: share.segment,
            versions,
            share: Some(share),
        };
        self.entries.insert(revision, entry);
        true
    }

    /// The removal of a thing from a segment takes its place in the index.
    pub(super) fn bury(&mut self, name: impl FnOnce() -> Name, segment: SegmentId, revision: u64) {
        if !self.recording {
            return;
        }
        let name = name();
        let Some(versions) = self.lifted.get(&name).cloned() else {
            return;
        };
        let (route, address) = (Arc::clone(&name.route), Arc::clone(&name.address));
        self.buried.insert((route, address, revision));
        let entry = Entry {
            name,
            segment,
            versions,
            share: None,
        };
        self.entries.insert(revision, entry);
    }

    /// What was removed lives again where it was.
    pub(super) fn revive(&mut self, name: impl FnOnce() -> Name, revision: u64) {
        if !self.entries.contains_key(&revision) {
            return;
        }
        let name = name();
        let known = self.known(&name);
        self.take(revision);
        if self.recording
            && let Some(known) = known
        {
            self.lifted.insert(name, known);
        }
    }

    /// What is known of a thing that is put into a place: what it was before it was taken out of one, or, of an endpoint
    /// that is gone by what is staged, what it was before that, from whichever segment it went last.
    fn known(&self, name: &Name) -> Option<Vec<Version>> {
        if let Some(versions) = self.lifted.get(name) {
            return Some(versions.clone());
        }
        let mut removals = self.removals_of(name).rev();
        let revision = removals.find(|at| {
            let same = |it: &Entry| it.name == *name;
            self.entries.get(at).is_some_and(same)
        })?;
        let mut versions = self.entries.get(&revision)?.versions.clone();
        let share = None;
        versions.push(Version { revision, share });
        Some(versions)
    }

    /// The revisions of the staged removals of what has this route and address.
    fn removals_of(&self, name: &Name) -> impl DoubleEndedIterator<Item = u64> {
        let at = |revision| (Arc::clone(&name.route), Arc::clone(&name.address), revision);
        let range = self.buried.range(at(0)..=at(u64::MAX));
        range.map(|(.., revision)| *revision)
    }

    /// Whether what stands at a revision is staged.
    pub(super) fn has_staged(&self, revision: u64) -> bool {
        self.entries.contains_key(&revision)
    }

    /// What stands at a revision is not staged any more. What was known of it.
    fn take(&mut self, revision: u64) -> Option<Vec<Version>> {
        let entry = self.entries.remove(&revision)?;
        if entry.share.is_none() {
            let (route, address) = (&entry.name.route, &entry.name.address);
            let removal = (Arc::clone(route), Arc::clone(address), revision);
            self.buried.remove(&removal);
        }
        let versions = entry.versions.clone();
        self.undo(revision, entry);
        Some(versions)
    }
}

impl Registry {
    /// Begins a change that only those are to have who are admitted to it, beside what is staged already: what is done
    /// while [`Self::record_staged`] says so. Its number, which is greater than that of all before it.
    pub fn begin_staging(&mut self) -> u64 {
        if self.staged.entries.is_empty() {
            self.staged.since = self.head;
        }
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
        let removals = self.staged_removals(now);
        self.staged = Staged {
            part: self.staged.part,
            since: self.head,
            ends: self.staged.ends + 1,
            ended: Some((now, removals)),
            ..Staged::default()
        };
        self.removals.keep_none();
    }

    /// How many routes are staged that are another than before.
    #[must_use]
    pub fn staged_routes(&self) -> usize {
        let differing = self.staged.entries.values().filter(|it| it.differs());
        let routes = differing.map(|it| &it.name.route);
        routes.collect::<HashSet<_>>().len()
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

    /// Whether what stands at a revision is staged.
    pub(crate) fn has_staged_at(&self, revision: u64) -> bool {
        self.staged.has_staged(revision)
    }

    /// Whether something is staged, so that removals are not forgotten for their age: whoever waits would need everything.
    pub(super) fn keeps_removals(&self, now: Time) -> bool {
        !self.staged.entries.is_empty() || self.staged_until().is_some_and(|until| now < until)
    }

    /// Until when those who have waited may take to read what they waited for; `None` while nobody has.
    pub(super) fn staged_until(&self) -> Option<Time> {
        let (ended, _) = self.staged.ended?;
        Some(ended.plus(LINGER))
    }

    /// How many removals are remembered beside those that always are: the staged ones, and those that were until lately.
    pub(super) fn staged_removals(&self, now: Time) -> usize {
        let lingers = self.staged_until().is_some_and(|until| now < until);
        let ended = self.staged.ended.filter(|_| lingers);
        self.staged.buried.len() + ended.map_or(0, |(_, removals)| removals)
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

#[cfg(test)]
mod tests;
