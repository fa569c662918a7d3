//! The attributes of a route: who decides about them, and when they come and go.

use std::sync::Arc;

use pointsman_route_key::digest::Digest;

use crate::options::Options;
use crate::registration::Uri;
use crate::settings::EffectiveValues;
use crate::thing::{self, AsRegistered, context_path};
use crate::time::Time;

use super::Registry;
use super::few::Few;
use super::keys::Hashed;
use super::records::{EndpointId, Presence, RouteId, RouteRecord, SegmentId, Stays, needs_of_key};
use super::staged::Name;
use super::staleness::Due;

/// An endpoint that leaves a segment.
#[derive(Clone, Copy)]
pub(super) struct Leaving {
    pub(super) route: RouteId,
    pub(super) segment: SegmentId,
    pub(super) source: u8,
    pub(super) id: EndpointId,
}

impl RouteRecord {
    /// The route as a segment holds it, which one of its endpoints is in.
    pub(super) fn presence(&self, segment: SegmentId) -> &Presence {
        self.find_presence(segment)
            .expect("a segment with an endpoint holds its route")
    }

    pub(super) fn presence_mut(&mut self, segment: SegmentId) -> &mut Presence {
        let mut presences = self.presences.iter_mut();
        let found = presences.find(|presence| presence.segment == segment);
        found.expect("a segment with an endpoint holds its route")
    }

    pub(super) fn find_presence(&self, segment: SegmentId) -> Option<&Presence> {
        self.presences
            .iter()
            .find(|presence| presence.segment == segment)
    }
}

impl Registry {
    /// A route that was not there. It gets its first segment at once.
    pub(super) fn bear_route(&mut self, uri: &Uri, hash: Hashed) -> RouteId {
        let key = Arc::clone(uri.key());
        let registered = if uri.is_host() {
            None
        } else {
            as_registered(uri)
        };
        let route = self.routes.insert(RouteRecord {
            key,
            birth: self.head + 1,
            registered,
            presences: Few::new(),
            endpoints: Few::new(),
        });
        self.keys.insert(hash, route);
        self.emptiness_confirmed = false;
        route
    }

    /// Has a segment hold a route, which may be new to it, and does not let it go by time.
    pub(super) fn hold_presence(&mut self, route: RouteId, segment: SegmentId) {
        let record = &mut self.routes[route];
        if record.find_presence(segment).is_none() {
            record.presences.push(Presence {
                segment,
                revision: 0,
                needs_since: 0,
                generation: 0,
                digest: 0,
                needs: needs_of_key(&record.key),
                endpoints: 0,
                options: None,
                decider: None,
                stays: None,
            });
        }
        let presence = record.presence_mut(segment);
        if let Some(Stays::Until(source, at)) = presence.stays.as_deref() {
            self.sources[usize::from(*source)]
                .due
                .remove(&(*at, Due::route(route, segment)));
            presence.stays = None;
        }
    }

    /// Counts an endpoint in a segment, which may be new to the route.
    pub(super) fn occupy(&mut self, route: RouteId, segment: SegmentId) {
        self.hold_presence(route, segment);
        self.routes[route].presence_mut(segment).endpoints += 1;
    }

    /// Counts an endpoint out of a segment, once its removal is remembered. Whether the whole route is gone.
    pub(super) fn vacate(&mut self, leaving: Leaving, now: Time) -> bool {
        let Leaving {
            route,
            segment,
            source,
            id,
        } = leaving;
        let presence = self.routes[route].presence_mut(segment);
        presence.endpoints -= 1;
        self.end_declaration(route, segment);
        let presence = self.routes[route].presence_mut(segment);
        let emptied = presence.endpoints == 0 && presence.declared().is_none();
        if emptied && self.settings.empty_pool_timeout.is_zero() {
            return self.drop_presence(route, segment, now);
        }
        if presence.decider == Some(id) {
            presence.decider = None;
            self.decide(route, segment, None);
        }
        if emptied {
            let at = self
                .reading(source, now)
                .plus(self.settings.empty_pool_timeout);
            self.routes[route].presence_mut(segment).stays =
                Some(Box::new(Stays::Until(source, at)));
            self.sources[usize::from(source)]
                .due
                .insert((at, Due::route(route, segment)));
        }
        false
    }

    /// Takes a route out of a segment that has no endpoint of it. Whether the whole route is gone.
    pub(super) fn drop_presence(&mut self, route: RouteId, segment: SegmentId, now: Time) -> bool {
        let record = &mut self.routes[route];
        let Some(at) = record
            .presences
            .iter()
            .position(|presence| presence.segment == segment)
        else {
            return false;
        };
        let presence = record.presences.remove(at);
        let (key, gone) = (Arc::clone(&record.key), record.presences.is_empty());
        self.lift_presence(&key, &presence);
        if gone {
            let hash = self.keys.hash(&key);
            self.keys.remove(hash, route);
            if let Some(record) = self.routes.remove(route) {
                self.guard.gone(record.birth);
            }
        }
        self.bury(segment, key, Arc::clone(&self.no_address), now);
        gone
    }

    /// Finds out what the attributes of a route are, after an endpoint of it was added or changed, or after the one
    /// that decided is gone. A declaration counts more than any endpoint.
    pub(super) fn decide(
        &mut self,
        route: RouteId,
        segment: SegmentId,
        changed: Option<EndpointId>,
    ) {
        let presence = self.routes[route].presence(segment);
        if let Some(declared) = presence.declared() {
            let options = Options::clone(&declared.options);
            self.routes[route].presence_mut(segment).decider = None;
            return self.set_options(route, segment, options);
        }
        let (decider, options) = match self.settings.effective_values {
            EffectiveValues::LastWriter => {
                let Some(writer) = changed else { return };
                let kept = presence
                    .options
                    .as_ref()
                    .and_then(|options| options.balancing.as_ref());
                (None, Options::of(&self.endpoints[writer].description, kept))
            }
            EffectiveValues::FunctionOfState => {
                let greatest = match (presence.decider, changed) {
                    (Some(decider), Some(changed)) if decider != changed => {
                        if self.rank(changed) <= self.rank(decider) {
                            return;
                        }
                        Some(changed)
                    }
                    _ => self.greatest(route, segment),
                };
                let description = greatest.map(|id| &self.endpoints[id].description);
                (
                    greatest,
                    description
                        .map(|it| Options::of(it, None))
                        .unwrap_or_default(),
                )
            }
        };
        self.routes[route].presence_mut(segment).decider = decider;
        self.set_options(route, segment, options);
    }

    /// The endpoint that decides in a segment.
    fn greatest(&self, route: RouteId, segment: SegmentId) -> Option<EndpointId> {
        let endpoints = self.routes[route].endpoints.iter().copied();
        let here = endpoints.filter(|id| self.endpoints[*id].segment == segment);
        here.max_by(|a, b| self.rank(*a).cmp(&self.rank(*b)))
    }

    /// By the platform's time, then the modification tag, then the digest: never by who came first.
    fn rank(&self, id: EndpointId) -> (i64, &str, u32, u64) {
        let record = &self.endpoints[id];
        let (guid, index) = record
            .tag
            .as_ref()
            .map_or(("", 0), |tag| (&*tag.guid, tag.index));
        (
            record.description.updated_at_ns(),
            guid,
            index,
            record.generation,
        )
    }

    fn set_options(&mut self, route: RouteId, segment: SegmentId, options: Options) {
        let record = &mut self.routes[route];
        let generation = generation(record, &options);
        let needs = needs_of_key(&record.key) | options.needs();
        let key = Arc::clone(&record.key);
        let presence = record.presence_mut(segment);
        let placed = presence.revision != 0;
        if placed && presence.generation == generation {
            return;
        }
        let changed_needs = presence.needs != needs;
        if placed {
            let index = &mut self.segments[segment];
            index.index.remove(presence.revision);
            index.subtract(presence.needs, presence.digest);
            let share = presence.share();
            let name = || Name::new(&key, &self.no_address, segment);
            self.staged.lift(name, presence.revision, share);
        }
        presence.generation = generation;
        presence.options = (!options.is_default()).then(|| Arc::new(options));
        presence.needs = needs;
        if changed_needs || !placed {
            presence.needs_since = self.head + 1;
        }
        self.place_presence(route, segment);
        if changed_needs && placed {
            self.move_endpoints_up(route, segment);
        }
    }

    /// What is granted to whom has changed for every endpoint of the route in this segment: each of them counts as
    /// changed, so that a reader from which they were withheld gets them now, or is told that they are gone.
    fn move_endpoints_up(&mut self, route: RouteId, segment: SegmentId) {
        let endpoints = self.routes[route].endpoints.to_vec();
        for id in endpoints {
            let record = &self.endpoints[id];
            if record.segment == segment && record.revision != 0 {
                self.lift_endpoint(id);
                self.place_endpoint(id);
            }
        }
    }
}

/// Host and path as they were registered, where the key spells them otherwise.
fn as_registered(uri: &Uri) -> Option<Arc<AsRegistered>> {
    let (host, path) = uri.host_and_path();
    let is_as_key = context_path(uri.key()) == path && thing::host(uri.key()) == host;
    (!is_as_key).then(|| {
        Arc::new(AsRegistered {
            host: host.into(),
            path: path.into(),
        })
    })
}

/// The digest of the attributes.
fn generation(record: &RouteRecord, options: &Options) -> u64 {
    let digest = match &record.registered {
        None => Digest::new()
            .field(thing::host(&record.key).as_bytes())
            .field(context_path(&record.key).as_bytes()),
        Some(it) => Digest::new()
            .field(it.host.as_bytes())
            .field(it.path.as_bytes()),
    };
    options.digest_into(digest).finish()
}
