//! What holds after every event, and what one event comes to.

use std::collections::{BTreeMap, HashMap};

use pointsman_route_key::digest;

use crate::capability::Capabilities;
use crate::outcome::Sum;
use crate::time::Time;

use super::Registry;
use super::records::{Entry, SegmentId};

mod empty_pools;
mod figures;
mod fingerprints;
mod options;
mod registering;
mod segments;
mod staleness;
mod standing;
mod tags;
mod unregistering;

impl Registry {
    /// Everything that is kept twice says the same.
    pub(crate) fn check(&self) {
        let mut things: BTreeMap<SegmentId, Vec<(u64, Entry)>> = BTreeMap::new();
        let mut sums: HashMap<(SegmentId, Capabilities), Sum> = HashMap::new();
        let mut addresses: HashMap<&str, u32> = HashMap::new();
        for (id, route) in self
            .routes
            .from(0)
            .map(|(next, route)| (next as u32 - 1, route))
        {
            assert_eq!(self.keys.get(&route.key), Some(&id));
            assert!(!route.presences.is_empty());
            assert!(
                route
                    .endpoints
                    .is_sorted_by_key(|id| &self.endpoints[*id].address)
            );
            for presence in &route.presences {
                let here = |id: &&u32| self.endpoints[**id].segment == presence.segment;
                assert_eq!(
                    route.endpoints.iter().filter(here).count(),
                    presence.endpoints as usize
                );
                assert_eq!(presence.endpoints == 0, presence.leaves.is_some());
                assert!(
                    route.birth <= presence.needs_since
                        && presence.needs_since <= presence.revision
                );
                let name = &self.segments[presence.segment].name;
                let digest = digest::of_route(name, &route.key, presence.generation);
                sums.entry((presence.segment, presence.needs))
                    .or_default()
                    .add(digest);
                let entry = (presence.revision, Entry::Route(id));
                things.entry(presence.segment).or_default().push(entry);
            }
            for id in &route.endpoints {
                let record = &self.endpoints[*id];
                *addresses.entry(&record.address).or_default() += 1;
                let name = &self.segments[record.segment].name;
                let silent = record.is_silent();
                let generation = record.generation;
                let digest =
                    digest::of_endpoint(name, &route.key, &record.address, generation, silent);
                let needs = record.description.needs() | route.presence(record.segment).needs;
                sums.entry((record.segment, needs)).or_default().add(digest);
                let entry = (record.revision, Entry::Endpoint(*id));
                things.entry(record.segment).or_default().push(entry);
                let due = &self.sources[usize::from(record.source)].due;
                let queued = due.contains(&(record.due, super::Due::Endpoint(*id)));
                assert_eq!(queued, record.due != Time::NEVER);
            }
        }
        let endpoints: usize = self
            .routes
            .from(0)
            .map(|(_, route)| route.endpoints.len())
            .sum();
        assert_eq!(self.endpoints.len(), endpoints);
        assert_eq!(self.addresses.len(), addresses.len());
        assert!(
            addresses
                .iter()
                .all(|(address, count)| self.addresses.get(*address) == Some(count))
        );
        let mut removals = 0;
        for (id, segment) in self.segments.numbered() {
            let mut wanted = things.remove(&id).unwrap_or_default();
            wanted.sort_by_key(|(revision, _)| *revision);
            let living = segment
                .index
                .iter()
                .map(|(revision, entry)| (*revision, *entry));
            let (graves, living): (Vec<_>, Vec<_>) =
                living.partition(|(_, entry)| *entry == Entry::Removal);
            assert_eq!(living, wanted);
            removals += graves.len();
            assert!(
                graves
                    .iter()
                    .all(|(at, _)| self.removals.get(*at).is_some_and(|it| it.segment == id))
            );
            assert!(!segment.index.is_empty());
            for (needs, sum) in &segment.sums {
                assert_eq!(sums.remove(&(id, *needs)), Some(*sum));
            }
        }
        assert!(things.is_empty() && sums.is_empty());
        assert_eq!(self.removals.len(), removals);
    }
}
