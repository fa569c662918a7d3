//! Registration.

use std::sync::Arc;

use pointsman_route_key::digest::Digest;

use crate::description::Description;
use crate::outcome::{Dropped, Put, Registered};
use crate::registration::{Registration, Uri};
use crate::tag::ModificationTag;
use crate::time::Time;

use super::few::Few;
use super::records::{EndpointId, EndpointRecord, MessageId, RouteId, SegmentId};
use super::{Registry, SourceId};
use crate::capability::Capabilities;

/// For how many registration intervals who was heard counts as still being heard: one repetition may be lost.
const HEARD_INTERVALS: u32 = 2;

/// A registration that may be applied, with what all its URIs share.
struct Incoming<'a> {
    message: &'a Registration,
    source: u8,
    segment: SegmentId,
    /// On the clock of the source.
    heard: Time,
    now: Time,
    stale_threshold_seconds: i64,
    generation: u64,
}

impl Incoming<'_> {
    /// Whether it says what is known of an endpoint. Who has no tags and says nothing else than one who has repeats it as
    /// well: otherwise the two would replace each other for ever.
    fn repeats(&self, record: &EndpointRecord) -> bool {
        let untagged = self.message.tag.is_empty()
            && record.stale_threshold_seconds == self.stale_threshold_seconds;
        (record.generation == self.generation || untagged)
            && record.segment == self.segment
            && record.description == self.message.description
    }
}

impl Registry {
    /// Applies a registration; the outcomes are those of its URIs, in their order.
    pub fn register(
        &mut self,
        source: SourceId,
        message: &Registration,
        now: Time,
    ) -> Vec<Registered> {
        let all = |dropped| {
            let outcome = Registered {
                put: Put::Dropped(dropped),
                route_born: false,
            };
            vec![outcome; message.uris.len()]
        };
        if !self.settings.accepted.sees(&message.segment) {
            return all(Dropped::ForeignSegment);
        }
        // An empty address is the name of the attributes of a route.
        if message.address.is_empty() {
            return all(Dropped::NoAddress);
        }
        self.last_update = Some(now);
        let Some(segment) = self.enter_segment(&message.segment) else {
            return all(Dropped::TooManySegments);
        };
        let stale_threshold_seconds = self.effective_threshold(message.stale_threshold_seconds);
        let incoming = Incoming {
            message,
            source: source.0,
            segment,
            heard: self.reading(source.0, now),
            now,
            stale_threshold_seconds,
            generation: generation(message, stale_threshold_seconds),
        };
        let mut outcomes = Vec::with_capacity(message.uris.len());
        let mut endpoints = Vec::with_capacity(message.uris.len());
        for uri in &message.uris {
            let (outcome, endpoint) = self.put(&incoming, uri);
            outcomes.push(outcome);
            endpoints.extend(endpoint);
        }
        if endpoints.len() == message.uris.len() && !endpoints.is_empty() {
            self.remember(&incoming, endpoints);
        }
        self.segments.leave_if_empty(segment);
        outcomes
    }

    /// 0 and everything above the default is the default; what is below stays, negative values too (C-155 to C-158).
    fn effective_threshold(&self, seconds: i64) -> i64 {
        let default = i64::try_from(self.settings.stale_threshold.as_secs()).unwrap_or(i64::MAX);
        if seconds == 0 {
            default
        } else {
            seconds.min(default)
        }
    }

    /// One URI. The endpoint is named where it is now as the message says.
    fn put(&mut self, incoming: &Incoming<'_>, uri: &Uri) -> (Registered, Option<EndpointId>) {
        let hash = self.keys.hash(uri.key());
        let route = self.find_hashed(hash, uri.key());
        let known =
            route.and_then(|route| self.find_endpoint(route, &incoming.message.address).ok());
        if let Some(id) = known {
            let put = self.renew(incoming, id);
            let holds = put != Put::Unmodified;
            return (
                Registered {
                    put,
                    route_born: false,
                },
                holds.then_some(id),
            );
        }
        let limits = self.settings.limits;
        let dropped = match route {
            None if self.is_full() => Some(Dropped::TooManyRoutes),
            Some(route) if self.routes[route].endpoints.len() >= limits.endpoints_per_route => {
                Some(Dropped::TooManyEndpoints)
            }
            _ => None,
        };
        if let Some(dropped) = dropped {
            return (
                Registered {
                    put: Put::Dropped(dropped),
                    route_born: false,
                },
                None,
            );
        }
        let route_born = route.is_none();
        let route = route.unwrap_or_else(|| self.bear_route(uri, hash));
        let id = self.add(incoming, route);
        (
            Registered {
                put: Put::Added,
                route_born,
            },
            Some(id),
        )
    }

    /// Whether there are as many routes as there may be.
    pub(super) fn is_full(&self) -> bool {
        self.routes.len() >= self.settings.limits.routes
    }

    /// Where an address stands in its route, or would stand.
    pub(super) fn find_endpoint(&self, route: RouteId, address: &str) -> Result<EndpointId, usize> {
        let endpoints = &self.routes[route].endpoints;
        let found = endpoints.binary_search_by(|id| (*self.endpoints[*id].address).cmp(address));
        found.map(|at| endpoints[at])
    }

    fn add(&mut self, incoming: &Incoming<'_>, route: RouteId) -> EndpointId {
        let address = self.addresses.take(&incoming.message.address);
        let place = self
            .find_endpoint(route, &address)
            .err()
            .unwrap_or_default();
        let id = self.endpoints.insert(EndpointRecord {
            route,
            message: None,
            segment: incoming.segment,
            source: incoming.source,
            address,
            description: Arc::clone(&incoming.message.description),
            tag: boxed(&incoming.message.tag),
            stale_threshold_seconds: incoming.stale_threshold_seconds,
            revision: 0,
            generation: incoming.generation,
            digest: 0,
            needs: Capabilities::NONE,
            heard: incoming.heard,
            due: Time::NEVER,
            silent_since: Time::NEVER,
        });
        self.routes[route].endpoints.insert(place, id);
        self.occupy(route, incoming.segment);
        self.decide(route, incoming.segment, Some(id));
        self.place_endpoint(id);
        self.schedule(id);
        id
    }

    /// An endpoint that is known, announced again.
    fn renew(&mut self, incoming: &Incoming<'_>, id: EndpointId) -> Put {
        let record = &self.endpoints[id];
        let message = incoming.message;
        let same = incoming.repeats(record);
        if !same {
            let succeeded = match &record.tag {
                Some(tag) => tag.succeeded_by(&message.tag),
                None => true,
            };
            if !succeeded || self.is_older(&message.description, record, incoming.now) {
                return Put::Unmodified;
            }
        }
        let changes_hands = record.source != incoming.source;
        if changes_hands && self.is_declared(id) {
            return Put::Unmodified;
        }
        let (route, segment, was_silent) = (record.route, record.segment, record.is_silent());
        self.take_over(incoming, id);
        if !same {
            self.detach(id);
            self.replace(incoming, id);
        } else if was_silent {
            self.place_anew(id);
        }
        if changes_hands {
            self.end_declaration(route, segment);
        }
        if same { Put::Refreshed } else { Put::Updated }
    }

    /// Whether what is said of an endpoint is older than what is known, as publishers tell it: a message that was overtaken
    /// on its way. Only what is still being heard is known better. Otherwise its publisher has fallen silent, and
    /// who speaks now has a clock that was set back, or another one.
    pub(super) fn is_older(&self, said: &Description, record: &EndpointRecord, now: Time) -> bool {
        let (said, known) = (said.updated_at_ns(), record.description.updated_at_ns());
        if said <= 0 || said >= known {
            return false;
        }
        let unheard = self
            .reading(record.source, now)
            .since(self.last_heard(record));
        unheard <= self.settings.registration_interval * HEARD_INTERVALS
    }

    /// The endpoint was heard from this source.
    fn take_over(&mut self, incoming: &Incoming<'_>, id: EndpointId) {
        let record = &mut self.endpoints[id];
        let was_silent = record.is_silent();
        record.silent_since = Time::NEVER;
        let was_held = self.guard.let_off(id);
        let record = &mut self.endpoints[id];
        if record.source == incoming.source {
            record.heard = record.heard.max(incoming.heard);
            if was_silent || was_held {
                self.schedule(id);
            }
            return;
        }
        // Another source has another clock, on which nothing that was noted on the old one has a meaning.
        self.detach(id);
        self.unschedule(id);
        let record = &mut self.endpoints[id];
        record.source = incoming.source;
        record.heard = incoming.heard;
        self.schedule(id);
    }

    /// Puts what the message says in the place of what was said before. Attributes come first, what is gone comes
    /// last: a reader never has an endpoint without its route, nor neither the old one nor the new one.
    fn replace(&mut self, incoming: &Incoming<'_>, id: EndpointId) {
        self.lift_endpoint(id);
        let record = &mut self.endpoints[id];
        let left = std::mem::replace(&mut record.segment, incoming.segment);
        record.description = Arc::clone(&incoming.message.description);
        record.tag = boxed(&incoming.message.tag);
        record.stale_threshold_seconds = incoming.stale_threshold_seconds;
        record.generation = incoming.generation;
        let route = record.route;
        if left != incoming.segment {
            self.occupy(route, incoming.segment);
        }
        self.decide(route, incoming.segment, Some(id));
        self.place_endpoint(id);
        self.unschedule(id);
        self.schedule(id);
        if left != incoming.segment {
            self.leave_segment(id, left, incoming.now);
        }
    }

    /// Makes the message known by its fingerprint, and what carried these endpoints before unknown.
    fn remember(&mut self, incoming: &Incoming<'_>, mut endpoints: Vec<EndpointId>) {
        let Some(fingerprint) = incoming.message.fingerprint else {
            return;
        };
        endpoints.sort_unstable();
        endpoints.dedup();
        for id in &endpoints {
            self.detach(*id);
        }
        if let Some(other) = self.messages.in_place_of(fingerprint) {
            self.disperse(other);
        }
        let message = self.messages.insert(
            fingerprint,
            incoming.source,
            incoming.heard,
            Few::from(&*endpoints),
        );
        for id in &endpoints {
            self.endpoints[*id].message = Some(message);
        }
    }

    /// Makes the message that carries an endpoint unknown, because the endpoint is no longer as it left it.
    pub(super) fn detach(&mut self, id: EndpointId) {
        if let Some(message) = self.endpoints[id].message {
            self.disperse(message);
        }
    }

    fn disperse(&mut self, id: MessageId) {
        let Some(message) = self.messages.remove(id) else {
            return;
        };
        for id in message.endpoints.iter() {
            let record = &mut self.endpoints[*id];
            record.message = None;
            record.heard = record.heard.max(message.heard);
        }
    }
}

/// The digest of what is compared: everything that the endpoint is, but not where it is registered.
fn generation(message: &Registration, stale_threshold_seconds: i64) -> u64 {
    Digest::new()
        .number(message.description.digest())
        .number(stale_threshold_seconds.cast_unsigned())
        .field(message.tag.guid.as_bytes())
        .number(u64::from(message.tag.index))
        .finish()
}

fn boxed(tag: &ModificationTag) -> Option<Box<ModificationTag>> {
    (!tag.is_empty()).then(|| Box::new(tag.clone()))
}
