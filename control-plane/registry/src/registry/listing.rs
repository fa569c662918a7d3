//! Looking at the registry, for people: figures, and routes in bounded pieces.

use std::sync::Arc;

use pointsman_route_key::RouteKey;

use crate::capability::Capabilities;
use crate::outcome::Counts;
use crate::thing::{Ageing, Endpoint, EndpointListing, Route, RouteListing};
use crate::time::Time;

use super::Registry;
use super::records::{EndpointId, Presence, RouteRecord};

/// A place in a listing of routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListingCursor(usize);

impl Registry {
    /// How much is registered.
    #[must_use]
    pub fn counts(&self, now: Time) -> Counts {
        Counts {
            routes: self.routes.len(),
            endpoints: self.endpoints.len(),
            addresses: self.addresses.len(),
            removals: self.removals.len(),
            since_last_update: self.last_update.map(|last| now.since(last)),
        }
    }

    /// The routes from a place on, at most `limit` of them, and the next place; `None` at the end. What comes or
    /// goes meanwhile may be listed or not; what stays is listed once.
    #[must_use]
    pub fn route_keys(
        &self,
        from: ListingCursor,
        limit: usize,
    ) -> (Vec<Arc<RouteKey>>, Option<ListingCursor>) {
        let mut keys = Vec::new();
        for (next, route) in self.routes.from(from.0) {
            keys.push(Arc::clone(&route.key));
            if keys.len() >= limit {
                return (keys, Some(ListingCursor(next)));
            }
        }
        (keys, None)
    }

    /// One route.
    #[must_use]
    pub fn route(&self, key: &RouteKey, now: Time) -> Option<RouteListing> {
        let record = &self.routes[self.find_route(key)?];
        let attributes = record.presences.iter();
        let endpoints = record.endpoints.iter();
        Some(RouteListing {
            attributes: attributes
                .map(|presence| self.route_thing(record, presence))
                .collect(),
            endpoints: endpoints
                .map(|id| self.endpoint_listing(*id, now))
                .collect(),
        })
    }

    pub(super) fn route_thing(&self, record: &RouteRecord, presence: &Presence) -> Route {
        Route {
            key: Arc::clone(&record.key),
            segment: Arc::clone(&self.segments[presence.segment].name),
            revision: presence.revision,
            birth: record.birth,
            generation: presence.generation,
            registered: record.registered.clone(),
            options: presence.options.clone(),
        }
    }

    pub(super) fn endpoint_thing(&self, id: EndpointId) -> Endpoint {
        let record = &self.endpoints[id];
        Endpoint {
            route: Arc::clone(&self.routes[record.route].key),
            address: Arc::clone(&record.address),
            segment: Arc::clone(&self.segments[record.segment].name),
            generation: record.generation,
            description: Arc::clone(&record.description),
            stale_threshold_seconds: record.stale_threshold_seconds,
            silent: record.is_silent(),
            ejected: record.needs.cover(Capabilities::EJECTED),
        }
    }

    fn endpoint_listing(&self, id: EndpointId, now: Time) -> EndpointListing {
        let record = &self.endpoints[id];
        let source = &self.sources[usize::from(record.source)];
        EndpointListing {
            endpoint: self.endpoint_thing(id),
            revision: record.revision,
            last_heard: source.clock.at(now).since(self.last_heard(record)),
            source: Arc::clone(&source.name),
            held: self.guard.holds(id),
            ageing: if self.settings.prune_interval.is_none() || source.clock.is_lasting() {
                Ageing::Never
            } else if source.clock.is_away() || self.frozen {
                Ageing::Suspended
            } else {
                Ageing::Goes
            },
        }
    }
}
