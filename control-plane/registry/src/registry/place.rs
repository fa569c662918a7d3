//! The index and the sums: where a thing stands, and what a segment adds up to.

use std::sync::Arc;

use pointsman_route_key::{RouteKey, digest};

use crate::capability::Capabilities;
use crate::time::Time;

use super::Registry;
use super::records::{EndpointId, Entry, Presence, RouteId, SegmentId};
use super::staged::Name;

impl Registry {
    /// Puts an endpoint into the index, at the next revision.
    pub(super) fn place_endpoint(&mut self, id: EndpointId) {
        let revision = self.next_revision();
        let record = &mut self.endpoints[id];
        let route = &self.routes[record.route];
        let ejected = self.ejections.concern(&route.key, record);
        let segment = &mut self.segments[record.segment];
        record.revision = revision;
        record.digest = digest::of_endpoint(
            &segment.name,
            &route.key,
            &record.address,
            record.generation,
            record.is_silent(),
        );
        record.needs = record.description.needs()
            | route.presence(record.segment).needs
            | Capabilities::EJECTED.when(ejected);
        segment.index.push(revision, Entry::Endpoint(id));
        segment.add(record.needs, record.digest);
        if ejected {
            self.ejections.placed(revision, id);
        }
        let share = record.share();
        if !self.removals.is_empty() || self.staged.is_recording() {
            let (route, address) = (Arc::clone(&route.key), Arc::clone(&record.address));
            self.revive(share.segment, &route, &address);
            let name = || Name::new(&route, &address, share.segment);
            self.staged.place(name, revision, share);
            self.tell_removals(&route, &address);
        }
    }

    /// Takes an endpoint out of the index. It is placed again, or buried, before anybody reads.
    pub(super) fn lift_endpoint(&mut self, id: EndpointId) {
        let record = &mut self.endpoints[id];
        let revision = std::mem::take(&mut record.revision);
        let segment = &mut self.segments[record.segment];
        segment.index.remove(revision);
        segment.subtract(record.needs, record.digest);
        let route = &self.routes[record.route].key;
        let name = || Name::new(route, &record.address, record.segment);
        self.staged.lift(name, revision, record.share());
        if record.needs.cover(Capabilities::EJECTED) {
            self.ejections.lifted(revision, id);
        }
    }

    /// Puts the attributes of a route into the index, at the next revision.
    pub(super) fn place_presence(&mut self, route: RouteId, segment: SegmentId) {
        let revision = self.next_revision();
        let record = &mut self.routes[route];
        let key = Arc::clone(&record.key);
        let presence = record.presence_mut(segment);
        presence.revision = revision;
        presence.digest = digest::of_route(&self.segments[segment].name, &key, presence.generation);
        let share = presence.share();
        self.revive(segment, &key, &Arc::clone(&self.no_address));
        let name = || Name::new(&key, &self.no_address, segment);
        let staged = self.staged.place(name, revision, share);
        let index = &mut self.segments[segment];
        index.index.push(revision, Entry::Route(route));
        index.add(share.needs, share.digest);
        if !staged {
            self.tell_birth(route, segment);
        }
    }

    /// Takes the attributes of a route out of the index.
    pub(super) fn lift_presence(&mut self, key: &Arc<RouteKey>, presence: &Presence) {
        let segment = &mut self.segments[presence.segment];
        segment.index.remove(presence.revision);
        segment.subtract(presence.needs, presence.digest);
        let name = || Name::new(key, &self.no_address, presence.segment);
        self.staged.lift(name, presence.revision, presence.share());
    }

    fn revive(&mut self, segment: SegmentId, route: &Arc<RouteKey>, address: &Arc<str>) {
        if self.removals.is_empty() {
            return;
        }
        let buried = (segment, Arc::clone(route), Arc::clone(address));
        if let Some(revision) = self.removals.revive(&buried) {
            self.segments[segment].index.remove(revision);
            let name = || Name::new(route, address, segment);
            self.staged.revive(name, revision);
        }
    }

    /// Remembers that something is gone from a segment. An empty address stands for the attributes of the route.
    pub(super) fn bury(
        &mut self,
        segment: SegmentId,
        route: Arc<RouteKey>,
        address: Arc<str>,
        now: Time,
    ) {
        self.tell_removals(&route, &address);
        let revision = self.next_revision();
        self.segments[segment].index.push(revision, Entry::Removal);
        let name = || Name::new(&route, &address, segment);
        self.staged.bury(name, segment, revision);
        self.removals.bury(revision, (segment, route, address), now);
        // One went in, so at most one is too many.
        self.forget_oldest(now);
    }

    /// Forgets the oldest removal if it is too old, or one too many. Whether there was one.
    pub(super) fn forget_oldest(&mut self, now: Time) -> bool {
        let memory = self.settings.memory;
        let live = self.routes.len() + self.endpoints.len();
        let since = if self.keeps_removals(now) {
            Time::ZERO
        } else {
            Time::since_origin(now.as_duration().saturating_sub(memory.age))
        };
        // What is staged was live until then, so that it has a bound of its own.
        let most = memory.removals.max(live / 4) + self.staged_removals(now);
        self.forget_beyond((since, most))
    }

    /// The number of a segment, which may be new; `None` where too many hold something. Segments that only remember
    /// removals make room, and with them everything that went before: readers that were away for longer get all there is.
    pub(super) fn enter_segment(&mut self, name: &Arc<str>) -> Option<SegmentId> {
        let entered = self.segments.enter(name);
        if entered.is_some() || !self.segments.has_lifeless() {
            return entered;
        }
        while self.segments.is_full() && self.forget_beyond((Time::NEVER, 0)) {}
        self.segments.enter(name)
    }

    /// Forgets the oldest removal if it is from before a time, or one of more than so many. Whether there was one.
    fn forget_beyond(&mut self, bounds: (Time, usize)) -> bool {
        let staged = &self.staged;
        let forgotten = self.removals.forget(bounds, |it| staged.has_staged(it));
        if let Some((revision, segment)) = forgotten {
            self.segments[segment].index.remove(revision);
            self.segments.leave_if_empty(segment);
            self.keep_ejected_above(revision);
        }
        forgotten.is_some()
    }
}
