//! What holds after every event, and what one event comes to.

use std::collections::{BTreeMap, HashMap};

use pointsman_route_key::digest;

use crate::capability::Capabilities;
use crate::outcome::Sum;
use crate::time::Time;

use super::Registry;
use super::records::{Entry, RouteRecord, SegmentId};
use super::staleness::Due;

mod alike;
mod changes;
mod declaring;
mod ejections;
mod empty_pools;
mod figures;
mod fingerprints;
mod freezing;
mod guard;
mod options;
mod registering;
mod segments;
mod staleness;
mod standing;
mod tags;
mod unregistering;

/// What the index, the sums and the addresses ought to be, found out from the records alone.
#[derive(Default)]
struct Wanted<'a> {
    things: BTreeMap<SegmentId, Vec<(u64, Entry)>>,
    sums: HashMap<(SegmentId, Capabilities), Sum>,
    addresses: HashMap<&'a str, u32>,
    endpoints: usize,
    ejected: usize,
}

impl Registry {
    /// Everything that is kept twice says the same.
    pub(crate) fn check(&self) {
        let mut wanted = Wanted::default();
        for (id, route) in (0..).zip(self.routes.slots()) {
            let Some(route) = route else { continue };
            assert_eq!(self.find_route(&route.key), Some(id));
            self.check_route(id, route, &mut wanted);
            for endpoint in route.endpoints.iter() {
                self.check_endpoint(*endpoint, &mut wanted);
            }
        }
        assert_eq!(self.endpoints.len(), wanted.endpoints);
        assert_eq!(self.ejected(), wanted.ejected);
        let addresses = self.addresses.iter();
        assert_eq!(addresses.collect::<HashMap<_, _>>(), wanted.addresses);
        self.check_segments(wanted);
        self.check_staged();
    }

    fn check_route<'a>(&'a self, id: u32, route: &'a RouteRecord, wanted: &mut Wanted<'a>) {
        assert!(!route.presences.is_empty());
        assert!(
            route
                .endpoints
                .is_sorted_by_key(|id| &self.endpoints[*id].address)
        );
        for presence in route.presences.iter() {
            let here = |id: &&u32| self.endpoints[**id].segment == presence.segment;
            assert_eq!(
                route.endpoints.iter().filter(here).count(),
                presence.endpoints as usize
            );
            let declared = presence.declared().is_some();
            assert!(presence.endpoints > 0 || presence.stays.is_some());
            assert!(presence.endpoints == 0 || presence.stays.is_none() || declared);
            assert!((route.birth..=presence.revision).contains(&presence.needs_since));
            let name = &self.segments[presence.segment].name;
            let digest = digest::of_route(name, &route.key, presence.generation);
            wanted
                .sums
                .entry((presence.segment, presence.needs))
                .or_default()
                .add(digest);
            let entry = (presence.revision, Entry::Route(id));
            wanted
                .things
                .entry(presence.segment)
                .or_default()
                .push(entry);
        }
    }

    fn check_endpoint<'a>(&'a self, id: u32, wanted: &mut Wanted<'a>) {
        let record = &self.endpoints[id];
        let route = &self.routes[record.route];
        wanted.endpoints += 1;
        *wanted.addresses.entry(&record.address).or_default() += 1;
        let name = &self.segments[record.segment].name;
        let (generation, silent) = (record.generation, record.is_silent());
        let digest = digest::of_endpoint(name, &route.key, &record.address, generation, silent);
        let ejected = self.ejections.concern(&route.key, record);
        assert_eq!(self.ejections.is_out(record.revision, id), ejected);
        let needs = record.description.needs()
            | route.presence(record.segment).needs
            | Capabilities::EJECTED.when(ejected);
        wanted.ejected += usize::from(ejected);
        wanted
            .sums
            .entry((record.segment, needs))
            .or_default()
            .add(digest);
        let entry = (record.revision, Entry::Endpoint(id));
        wanted.things.entry(record.segment).or_default().push(entry);
        // What is held waits for no time.
        assert!(!self.guard.holds(id) || record.due == Time::NEVER);
        let due = &self.sources[usize::from(record.source)].due;
        assert_eq!(
            due.contains(&(record.due, Due::endpoint(id))),
            record.due != Time::NEVER
        );
    }

    fn check_segments(&self, mut wanted: Wanted<'_>) {
        let mut removals = 0;
        for (id, segment) in self.segments.numbered() {
            assert!(!segment.index.is_empty());
            let mut things = wanted.things.remove(&id).unwrap_or_default();
            things.sort_by_key(|(revision, _)| *revision);
            let entries = segment.index.after(0);
            let (graves, living): (Vec<_>, Vec<_>) =
                entries.partition(|(_, entry)| *entry == Entry::Removal);
            assert_eq!(living, things);
            removals += graves.len();
            for (revision, _) in graves {
                assert_eq!(
                    self.removals.get(revision).map(|grave| grave.segment),
                    Some(id)
                );
            }
            for (needs, sum) in &segment.sums {
                assert_eq!(wanted.sums.remove(&(id, *needs)), Some(*sum));
            }
        }
        assert!(wanted.things.is_empty() && wanted.sums.is_empty());
        assert_eq!(self.removals.len(), removals);
    }
}
