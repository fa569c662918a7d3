//! What others do to a thing that is staged tells everybody what was staged of it before.

use std::sync::Arc;

use pointsman_route_key::RouteKey;

use crate::registry::Registry;
use crate::registry::records::{RouteId, SegmentId};

use super::Name;

impl Registry {
    /// Somebody else says something of an endpoint: that it went from another segment is told to everybody, who would
    /// otherwise have it where it was as well, or still have it though it is gone.
    pub(in crate::registry) fn tell_removals(&mut self, route: &Arc<RouteKey>, address: &Arc<str>) {
        if self.staged.recording || self.staged.buried.is_empty() || address.is_empty() {
            return;
        }
        // Which segment is meant makes no difference to an endpoint.
        let name = Name::new(route, address, 0);
        let removals: Vec<_> = self.staged.removals_of(&name).collect();
        for revision in removals {
            self.tell_removal(revision);
        }
    }

    /// Everybody is told of the attributes of a route. Where it was born again since something of it was staged, they give
    /// up with that what they have of it there and are not given anew: what is of its earlier life, and what they were
    /// given while they still knew of that one.
    pub(in crate::registry) fn tell_birth(&mut self, route: RouteId, segment: SegmentId) {
        if self.staged.entries.is_empty() {
            return;
        }
        let record = &self.routes[route];
        let (birth, key) = (record.birth, Arc::clone(&record.key));
        let endpoints = record.endpoints.iter().copied();
        let is_new = birth > self.staged.since;
        let held = endpoints.filter(|id| is_new && self.endpoints[*id].revision != 0);
        let held: Vec<_> = held.collect();
        let first = (Arc::clone(&key), Arc::clone(&self.no_address), 0);
        let removals = self.staged.buried.range(first..);
        let of_route = removals.take_while(|(other, ..)| *other == key);
        let earlier = of_route.map(|(.., revision)| *revision);
        let earlier: Vec<_> = earlier
            .filter(|at| *at < birth && self.is_removal_from(*at, segment))
            .collect();
        for revision in earlier {
            self.tell_removal(revision);
        }
        for id in held {
            if !self.staged.recording && self.endpoints[id].segment == segment {
                self.place_anew(id);
            }
        }
    }

    fn is_removal_from(&self, revision: u64, segment: SegmentId) -> bool {
        let entry = self.staged.entries.get(&revision);
        entry.is_some_and(|entry| entry.segment == segment)
    }

    /// A staged removal moves to the next revision, and is not staged there.
    fn tell_removal(&mut self, revision: u64) {
        let Some(entry) = self.staged.entries.get(&revision) else {
            return;
        };
        let segment = entry.segment;
        self.staged.take(revision);
        let next = self.next_revision();
        if self.removals.move_up(revision, next) {
            let index = &mut self.segments[segment].index;
            if let Some(removal) = index.remove(revision) {
                index.push(next, removal);
            }
        }
    }
}
