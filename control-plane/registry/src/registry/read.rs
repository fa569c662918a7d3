//! What a reader asks of the registry.

use std::sync::Arc;

use crate::capability::Capabilities;
use crate::segment::SegmentFilter;
use crate::thing::{Removal, Thing};

use super::Registry;
use super::records::{EndpointId, Entry, RouteId, SegmentId, SegmentRecord};

/// What stands at a revision, as far as a reader with some view is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concern {
    /// It may have this.
    Grant(Granted),
    /// It may not have this, and may still have what it was before.
    Withhold(Granted),
    /// This is gone.
    Removal(u64),
}

/// A thing in one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    /// The attributes of a route.
    Route(RouteId, SegmentId),
    /// An endpoint.
    Endpoint(EndpointId),
}

impl Registry {
    /// The segments that a filter sees.
    pub(crate) fn seen<'a>(
        &'a self,
        filter: &'a SegmentFilter,
    ) -> impl Iterator<Item = (SegmentId, &'a SegmentRecord)> {
        self.segments
            .numbered()
            .filter(|(_, record)| filter.sees(&record.name))
    }

    /// What an entry of a segment means to a reader.
    pub(crate) fn concern(
        &self,
        (segment, revision, entry): (SegmentId, u64, Entry),
        capabilities: Capabilities,
    ) -> Concern {
        let (needs, thing) = match entry {
            Entry::Removal => return Concern::Removal(revision),
            Entry::Route(route) => {
                let needs = self.routes[route].presence(segment).needs;
                (needs, Granted::Route(route, segment))
            }
            Entry::Endpoint(id) => (self.endpoints[id].needs, Granted::Endpoint(id)),
        };
        if capabilities.cover(needs) {
            Concern::Grant(thing)
        } else {
            Concern::Withhold(thing)
        }
    }

    /// A thing as it is now.
    pub(crate) fn thing(&self, granted: Granted) -> Thing {
        match granted {
            Granted::Route(route, segment) => {
                let record = &self.routes[route];
                Thing::Route(self.route_thing(record, record.presence(segment)))
            }
            Granted::Endpoint(id) => Thing::Endpoint(self.endpoint_thing(id)),
        }
    }

    /// The name of a thing that a reader is no longer to have.
    pub(crate) fn name(&self, granted: Granted) -> Removal {
        let (route, address, segment) = match granted {
            Granted::Route(route, segment) => (route, &self.no_address, segment),
            Granted::Endpoint(id) => {
                let record = &self.endpoints[id];
                (record.route, &record.address, record.segment)
            }
        };
        Removal {
            route: Arc::clone(&self.routes[route].key),
            address: Arc::clone(address),
            segment: Arc::clone(&self.segments[segment].name),
        }
    }

    /// The attributes that an endpoint needs beside it: which they are, when they changed last, and since when they
    /// need what they need.
    pub(crate) fn attributes_of(&self, id: EndpointId) -> (Granted, u64, u64) {
        let record = &self.endpoints[id];
        let presence = self.routes[record.route].presence(record.segment);
        (
            Granted::Route(record.route, record.segment),
            presence.revision,
            presence.needs_since,
        )
    }

    /// The revision of the latest change of a thing.
    pub(crate) fn revision_of(&self, granted: Granted) -> u64 {
        match granted {
            Granted::Route(route, segment) => self.routes[route].presence(segment).revision,
            Granted::Endpoint(id) => self.endpoints[id].revision,
        }
    }

    /// A removal, unless the endpoint lives on in another segment that the reader sees, where it may have it: then it
    /// has been given from there.
    pub(crate) fn removal(
        &self,
        revision: u64,
        filter: &SegmentFilter,
        capabilities: Capabilities,
    ) -> Option<Removal> {
        let grave = self.removals.get(revision)?;
        let route = self.find_route(&grave.route);
        let living = route.and_then(|route| self.find_endpoint(route, &grave.address).ok());
        let moved = living.is_some_and(|id| {
            let record = &self.endpoints[id];
            filter.sees(&self.segments[record.segment].name) && capabilities.cover(record.needs)
        });
        (!moved).then(|| Removal {
            route: Arc::clone(&grave.route),
            address: Arc::clone(&grave.address),
            segment: Arc::clone(&self.segments[grave.segment].name),
        })
    }

    /// What is registered under a name, if it still is.
    pub(crate) fn find(&self, name: &Removal) -> Option<Granted> {
        let route = self.find_route(&name.route)?;
        if name.address.is_empty() {
            let mut presences = self.routes[route].presences.iter();
            let segment = presences.find(|it| self.segments[it.segment].name == name.segment)?;
            return Some(Granted::Route(route, segment.segment));
        }
        self.find_endpoint(route, &name.address)
            .ok()
            .map(Granted::Endpoint)
    }

    /// Whether a reader may have a thing.
    pub(crate) fn grants(
        &self,
        thing: Granted,
        filter: &SegmentFilter,
        capabilities: Capabilities,
    ) -> bool {
        let (segment, needs) = match thing {
            Granted::Route(route, segment) => (segment, self.routes[route].presence(segment).needs),
            Granted::Endpoint(id) => (self.endpoints[id].segment, self.endpoints[id].needs),
        };
        filter.sees(&self.segments[segment].name) && capabilities.cover(needs)
    }
}
