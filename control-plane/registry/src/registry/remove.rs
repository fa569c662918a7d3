//! Unregistration, and every other way in which an endpoint goes.

use std::sync::Arc;

use pointsman_route_key::RouteKey;

use crate::outcome::Unregistered;
use crate::registration::{Registration, Uri};
use crate::time::Time;

use super::Registry;
use super::attributes::Leaving;
use super::records::{EndpointId, EndpointRecord, SegmentId};
use super::staleness::SILENT_THRESHOLDS;

impl Registry {
    /// Applies an unregistration; the outcomes are those of its URIs, in their order. It goes by route and address,
    /// whatever else the message says, and in whichever segment the endpoint is. What a source declares is not touched.
    pub fn unregister(&mut self, message: &Registration, now: Time) -> Vec<Unregistered> {
        if !self.settings.accepted.sees(&message.segment) {
            return vec![Unregistered::ForeignSegment; message.uris.len()];
        }
        message
            .uris
            .iter()
            .map(|uri| self.unregister_one(message, uri, now))
            .collect()
    }

    fn unregister_one(&mut self, message: &Registration, uri: &Uri, now: Time) -> Unregistered {
        let Some(route) = self.find_route(uri.key()) else {
            self.bury_unknown(message, uri, now);
            return Unregistered::UnknownRoute;
        };
        let Ok(id) = self.find_endpoint(route, &message.address) else {
            self.bury_unknown(message, uri, now);
            return Unregistered::UnknownEndpoint;
        };
        let record = &self.endpoints[id];
        if self.is_declared(id) {
            return Unregistered::OlderTag;
        }
        if let Some(tag) = &record.tag
            && **tag != message.tag
            && !tag.succeeded_by(&message.tag)
        {
            return Unregistered::OlderTag;
        }
        if self.is_older(&message.description, record, now) {
            return Unregistered::OlderTag;
        }
        let other_segment = *self.segments[record.segment].name != *message.segment;
        Unregistered::Removed {
            route_gone: self.remove_endpoint(id, now),
            other_segment,
        }
    }

    /// Remembers the removal of what is not known, as long as that may only mean that it was not heard yet: somebody
    /// may have it from an earlier life of the registry, and has to be told that it is gone. Once everything that lives
    /// was heard, its absence tells the same.
    fn bury_unknown(&mut self, message: &Registration, uri: &Uri, now: Time) {
        self.tell_removals(uri.key(), &message.address);
        if message.address.is_empty() || self.standing(now, false).authoritative {
            return;
        }
        let Some(segment) = self.enter_segment(&message.segment) else {
            return;
        };
        let (route, address) = (Arc::clone(uri.key()), Arc::clone(&message.address));
        if !self
            .removals
            .remembers(&(segment, Arc::clone(&route), Arc::clone(&address)))
        {
            self.bury(segment, route, address, now);
        }
        self.segments.leave_if_empty(segment);
    }

    /// An endpoint fails at whoever uses it. One that has been silent for ten thresholds goes, unless the guard holds
    /// it; whether it did.
    pub fn reported_failing(&mut self, route: &RouteKey, address: &str, now: Time) -> bool {
        let route = self.find_route(route);
        let Some(Ok(id)) = route.map(|route| self.find_endpoint(route, address)) else {
            return false;
        };
        let record = &self.endpoints[id];
        let silent = self.reading(record.source, now).since(record.silent_since);
        let long = record.is_silent() && silent >= self.threshold(record) * SILENT_THRESHOLDS;
        let goes = long && !self.guard.holds(id) && self.may_go(id, now);
        if goes {
            self.remove_endpoint(id, now);
        }
        goes
    }

    /// Takes an endpoint out of the table. Whether its route went with it.
    pub(super) fn remove_endpoint(&mut self, id: EndpointId, now: Time) -> bool {
        self.detach(id);
        self.unschedule(id);
        self.guard.let_off(id);
        self.lift_endpoint(id);
        let Some(record) = self.endpoints.remove(id) else {
            return false;
        };
        let route = &mut self.routes[record.route];
        if let Some(at) = route.endpoints.iter().position(|other| *other == id) {
            route.endpoints.remove(at);
        }
        let key = Arc::clone(&route.key);
        self.addresses.give_back(&record.address);
        self.bury(record.segment, key, Arc::clone(&record.address), now);
        let EndpointRecord {
            route,
            segment,
            source,
            ..
        } = record;
        self.vacate(
            Leaving {
                route,
                segment,
                source,
                id,
            },
            now,
        )
    }

    /// The endpoint stands in another segment now, and the one that it left remembers that.
    pub(super) fn leave_segment(&mut self, id: EndpointId, left: SegmentId, now: Time) {
        let record = &self.endpoints[id];
        let (route, source) = (record.route, record.source);
        let (key, address) = (
            Arc::clone(&self.routes[route].key),
            Arc::clone(&record.address),
        );
        self.bury(left, key, address, now);
        self.vacate(
            Leaving {
                route,
                segment: left,
                source,
                id,
            },
            now,
        );
    }
}
