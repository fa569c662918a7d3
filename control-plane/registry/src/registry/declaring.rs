//! Routes that a source declares, and endpoints that it no longer says.
//!
//! A source that declares says everything that it has, and nothing of it ages: it is there until the source says
//! otherwise. Endpoints of several sources stand side by side in a route, by address; one that a declaring source says is
//! its own, whatever others register or unregister, and its attributes count more than those that endpoints say.

use std::sync::Arc;

use pointsman_route_key::RouteKey;

use crate::declaration::Declaration;
use crate::outcome::{Declared, Dropped, Lapsed};
use crate::registration::{Registration, Uri};
use crate::time::Time;

use super::records::{self, EndpointId, Presence, RouteId, SegmentId, Stays};
use super::{Absence, Registry, SourceId};

impl Registry {
    /// Whether what a source says counts until it says otherwise.
    pub(super) fn declares(&self, source: u8) -> bool {
        self.sources[usize::from(source)].clock.is_lasting()
    }

    /// Has a route be there by the word of a source, with or without endpoints.
    pub fn declare(&mut self, source: SourceId, declaration: &Declaration, now: Time) -> Declared {
        if !self.settings.accepted.sees(&declaration.segment) {
            return Declared::Dropped(Dropped::ForeignSegment);
        }
        let known = self.find_route(declaration.uri.key());
        if known.is_none() && self.is_full() {
            return Declared::Dropped(Dropped::TooManyRoutes);
        }
        let Some(segment) = self.enter_segment(&declaration.segment) else {
            return Declared::Dropped(Dropped::TooManySegments);
        };
        let before = known.and_then(|route| self.routes[route].find_presence(segment)?.declared());
        match before {
            Some(before) if before.source != source.0 => return Declared::Taken,
            Some(before) if !before.withdrawn && before.options == declaration.options => {
                return Declared::Unchanged;
            }
            _ => {}
        }
        self.last_update = Some(now);
        let route = known.unwrap_or_else(|| {
            let hash = self.keys.hash(declaration.uri.key());
            self.bear_route(&declaration.uri, hash)
        });
        self.hold_presence(route, segment);
        let stays = Stays::Declared(records::Declared {
            source: source.0,
            options: Arc::clone(&declaration.options),
            withdrawn: false,
        });
        self.routes[route].presence_mut(segment).stays = Some(Box::new(stays));
        self.decide(route, segment, None);
        if known.is_none() {
            Declared::Born
        } else {
            Declared::Changed
        }
    }

    /// A source no longer declares a route. It goes with the last endpoint that the source has in it; whether it is gone.
    pub fn withdraw(&mut self, source: SourceId, key: &RouteKey, segment: &str, now: Time) -> bool {
        let Some(route) = self.find_route(key) else {
            return false;
        };
        let Some(segment) = self.segments.find(segment) else {
            return false;
        };
        let presences = &mut self.routes[route].presences;
        let presence = presences.iter_mut().find(|it| it.segment == segment);
        match presence.and_then(|presence| presence.stays.as_deref_mut()) {
            Some(Stays::Declared(declared)) if declared.source == source.0 => {
                declared.withdrawn = true;
            }
            _ => return false,
        }
        self.end_declaration(route, segment);
        let presence = self.routes[route].presence(segment);
        presence.endpoints == 0 && self.drop_presence(route, segment, now)
    }

    /// Ends a declaration that is withdrawn, once no endpoint of its source is left in the segment.
    pub(super) fn end_declaration(&mut self, route: RouteId, segment: SegmentId) {
        let record = &self.routes[route];
        let declared = record.find_presence(segment).and_then(Presence::declared);
        let Some(source) = declared.and_then(|it| it.withdrawn.then_some(it.source)) else {
            return;
        };
        let endpoints = record.endpoints.iter().copied();
        let mut here = endpoints.filter(|id| self.endpoints[*id].segment == segment);
        let first = here.clone().next();
        if here.any(|id| self.endpoints[id].source == source) {
            return;
        }
        self.routes[route].presence_mut(segment).stays = None;
        if first.is_some() {
            self.decide(route, segment, first);
        }
    }

    /// A source that says everything that it has no longer says an endpoint; the outcomes are those of the URIs, in their order. What is
    /// only inferred from absence goes through the guard, as what is not heard does.
    pub fn lapse(
        &mut self,
        source: SourceId,
        message: &Registration,
        absence: Absence,
        now: Time,
    ) -> Vec<Lapsed> {
        let uris = message.uris.iter();
        uris.map(|uri| self.lapse_one(source, (uri, &message.address), absence, now))
            .collect()
    }

    /// A source that declares has said all that changed. What the guard kept when the source said nothing of its route
    /// is gone where it says the route without it now: somebody has written that. What is gone, by its route, as it was
    /// registered; no route goes with it.
    pub fn settle(&mut self, source: SourceId, now: Time) -> Vec<(Arc<RouteKey>, Registration)> {
        let held = self
            .guard
            .held()
            .filter(|id| self.is_said_without(*id, source));
        let gone: Vec<_> = held.collect();
        let gone = gone.into_iter().map(|id| {
            let record = &self.endpoints[id];
            let registration = Registration {
                uris: Vec::new(),
                address: Arc::clone(&record.address),
                segment: Arc::clone(&self.segments[record.segment].name),
                description: Arc::clone(&record.description),
                stale_threshold_seconds: record.stale_threshold_seconds,
                tag: record.tag.as_deref().cloned().unwrap_or_default(),
                fingerprint: None,
            };
            let route = Arc::clone(&self.routes[record.route].key);
            self.remove_endpoint(id, now);
            (route, registration)
        });
        gone.collect()
    }

    fn is_said_without(&self, id: EndpointId, source: SourceId) -> bool {
        let record = &self.endpoints[id];
        let declared = self.routes[record.route]
            .presence(record.segment)
            .declared();
        record.source == source.0
            && declared.is_some_and(|it| it.source == source.0 && !it.withdrawn)
    }

    /// Whether an endpoint is there by the word of a source that declares, and nobody else's. What the source says
    /// nothing of any more, and the guard keeps, is anybody's.
    pub(super) fn is_declared(&self, id: EndpointId) -> bool {
        self.declares(self.endpoints[id].source) && !self.guard.holds(id)
    }

    fn lapse_one(
        &mut self,
        source: SourceId,
        (uri, address): (&Uri, &str),
        absence: Absence,
        now: Time,
    ) -> Lapsed {
        let route = self.find_route(uri.key());
        let Some(Ok(id)) = route.map(|route| self.find_endpoint(route, address)) else {
            return Lapsed::Unknown;
        };
        if self.endpoints[id].source != source.0 {
            return Lapsed::Unknown;
        }
        let held = self.guard.holds(id);
        if absence == Absence::Inferred && (held || !self.may_go(id, now)) {
            return Lapsed::Held;
        }
        Lapsed::Removed {
            route_gone: self.remove_endpoint(id, now),
        }
    }
}
