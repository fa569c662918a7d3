//! Adding and changing things.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use pointsman_route_key::{Host, Path, RouteKey, digest};

use super::Writer;
use super::rejected::RejectedEndpoint;
use super::store::is_servable;
use crate::endpoint::Rare;
use crate::evidence::{Evidence, EvidenceCell};
use crate::identity::Identity;
use crate::route::{Content, Held, Registered, Said};
use crate::{Endpoint, EndpointThing, Protocol, Rejection, Route, RouteThing, ThingKind};

/// A route whose attributes came with another birth: what its endpoints of `segment` were sent
/// before `step` belongs to its earlier life.
#[derive(Debug)]
pub(super) struct Reborn {
    pub(super) key: RouteKey,
    pub(super) segment: Arc<str>,
    pub(super) step: u64,
}

/// Attributes as they arrived, honoured or not.
struct Arrived {
    key: RouteKey,
    revision: u64,
    birth: u64,
    generation: u64,
    said: Arc<Said>,
}

impl Writer {
    pub(super) fn upsert_route(&mut self, thing: RouteThing) {
        if !is_servable(&thing.key) {
            return self.reject(Rejection {
                key: thing.key,
                segment: thing.segment,
                kind: ThingKind::Route {
                    revision: thing.revision,
                    birth: thing.birth,
                    generation: thing.generation,
                },
                reason: "the table holds routes by path prefix only".to_owned(),
            });
        }
        self.rejected.remove_route(&thing.key, &thing.segment);
        let registered = registered(&thing);
        let content = Content {
            attributes: thing.attributes,
            registered,
        };
        let said = self.interned.said(&thing.segment, Some(content));
        self.put_attributes(Arrived {
            key: thing.key,
            revision: thing.revision,
            birth: thing.birth,
            generation: thing.generation,
            said,
        });
    }

    pub(super) fn reject(&mut self, rejection: Rejection) {
        let Rejection {
            key,
            segment,
            kind,
            reason,
        } = rejection;
        match kind {
            ThingKind::Route {
                revision,
                birth,
                generation,
            } => {
                let arrived = Arrived {
                    key: key.clone(),
                    revision,
                    birth,
                    generation,
                    said: self.interned.said(&segment, None),
                };
                self.put_attributes(arrived);
                self.rejected.put_route(key, segment, reason);
            }
            ThingKind::Endpoint {
                address,
                generation,
                silent,
            } => {
                // What was held under this name is out of date, and what replaces it cannot be
                // honoured.
                self.drop_endpoint(&key, &address);
                let rejected = RejectedEndpoint {
                    digest: digest::of_endpoint(&segment, &key, &address, generation, silent),
                    segment,
                    reason,
                    seen: self.book.step(),
                };
                self.rejected
                    .put_endpoint((key, address), rejected, &mut self.book);
            }
        }
    }

    fn put_attributes(&mut self, arrived: Arrived) {
        let stamp = self.book.stamp(arrived.revision);
        let known = self
            .store
            .get(&arrived.key)
            .and_then(|route| Some((route, route.held(&arrived.said.segment)?)));
        let mut known_before = None;
        if let Some((route, held)) = known {
            if held.stamp().epoch == stamp.epoch && held.birth() != arrived.birth {
                self.reborn.push(Reborn {
                    key: arrived.key.clone(),
                    segment: Arc::clone(&arrived.said.segment),
                    step: self.book.step(),
                });
            }
            let digest = digest::of_route(held.segment(), &route.key, held.generation);
            if held.generation == arrived.generation
                && held.content().is_some() == arrived.said.content.is_some()
            {
                held.renew(stamp, arrived.birth);
                self.book.confirm(digest, &held.evidence);
                if !route.is_ordered() {
                    self.store.change(&arrived.key, Route::order);
                    self.changed = true;
                }
                return;
            }
            known_before = Some((digest, held.evidence.get()));
        }
        if let Some((digest, evidence)) = known_before {
            self.book.leave(digest, evidence);
        }
        let digest = digest::of_route(&arrived.said.segment, &arrived.key, arrived.generation);
        self.book.enter(digest);
        let held = Held::new(
            arrived.said,
            arrived.generation,
            (stamp, arrived.birth),
            self.book.sent_now(),
        );
        self.store
            .change(&arrived.key, |route| route.put_held(held));
        self.changed = true;
    }

    pub(super) fn upsert_endpoint(&mut self, thing: EndpointThing) {
        let route = self.store.get(&thing.key);
        if let Some(reason) = unwanted(route, &thing) {
            return self.reject(Rejection {
                key: thing.key,
                segment: thing.segment,
                kind: ThingKind::Endpoint {
                    address: thing.address.as_str().to_owned(),
                    generation: thing.generation,
                    silent: thing.silent,
                },
                reason,
            });
        }
        let known = route.and_then(|route| route.endpoint(thing.address.as_str()));
        if let Some(known) = known
            && known.generation == thing.generation
            && known.silent == thing.silent
            && *known.segment() == *thing.segment
        {
            let digest = known.digest(&thing.key);
            self.book.confirm(digest, &known.evidence);
            return;
        }
        let set_aside = known
            .filter(|known| stays_set_aside(known, &thing))
            .map(Arc::clone);
        let (key, address) = (thing.key.clone(), thing.address.clone());
        self.rejected
            .remove_endpoint(&key, address.as_str(), None, &mut self.book);
        let mut endpoint = self.endpoint(thing, self.book.sent_now());
        if let Some(earlier) = set_aside {
            endpoint.inherit_set_aside(&earlier);
        }
        self.book.enter(endpoint.digest(&key));
        let endpoint = Arc::new(endpoint);
        let old = self
            .store
            .change(&key, |route| route.put_endpoint(endpoint));
        if let Some(old) = old {
            self.forget(&key, &old);
            self.remove_deserted_attributes(&key);
        }
        self.changed = true;
    }

    /// Takes an endpoint out of its route.
    pub(super) fn drop_endpoint(&mut self, key: &RouteKey, address: &str) {
        let known = self.store.get(key);
        if known.and_then(|route| route.endpoint(address)).is_none() {
            return;
        }
        let old = self
            .store
            .change(key, |route| route.remove_endpoint(address));
        if let Some(old) = old {
            self.forget(key, &old);
            self.remove_deserted_attributes(key);
            self.changed = true;
        }
    }

    fn forget(&mut self, key: &RouteKey, endpoint: &Endpoint) {
        self.book
            .leave(endpoint.digest(key), endpoint.evidence.get());
        self.states.unregister(&endpoint.state);
    }

    pub(super) fn endpoint(&mut self, mut thing: EndpointThing, evidence: Evidence) -> Endpoint {
        let rare = rare(&thing);
        let instance = self.interned.instance(&mut thing);
        let identity = Identity::new(thing.tls.as_deref(), &instance, thing.protocol);
        Endpoint {
            state: self.states.register(thing.address, identity),
            instance,
            rare,
            generation: thing.generation,
            updated_at_ns: thing.updated_at_ns,
            stale_threshold_seconds: thing.stale_threshold_seconds,
            max_connections: thing.max_connections,
            silent: thing.silent,
            evidence: EvidenceCell::new(evidence),
            set_aside_at: AtomicU64::new(0),
        }
    }
}

/// Why an endpoint cannot stand where it was sent to.
pub(super) fn unwanted(route: Option<&Route>, thing: &EndpointThing) -> Option<String> {
    let Some(route) = route else {
        return Some("the attributes of its route were not sent before it".to_owned());
    };
    let group = &route.content()?.attributes.group;
    (**group != *thing.group).then(|| {
        format!(
            "it names the group {:?}, and its route has the group {group:?} only",
            thing.group
        )
    })
}

/// A new generation readmits an endpoint, and so does the end of its silence; what else changes
/// leaves it set aside.
fn stays_set_aside(known: &Endpoint, thing: &EndpointThing) -> bool {
    known.generation == thing.generation && (thing.silent || !known.silent)
}

/// The spelling of a route, where its key does not say it.
pub(super) fn registered(thing: &RouteThing) -> Option<Registered> {
    let path = match &thing.key.path {
        Path::Prefix(path) if path.is_empty() => "/",
        Path::Prefix(path) | Path::Exact(path) | Path::Template(path) => path,
    };
    let as_in_key = match &thing.key.host {
        Host::Exact(host) => **host == *thing.host_as_registered,
        host @ (Host::Suffix(_) | Host::Any) => host.to_string() == thing.host_as_registered,
    } && *path == *thing.path_as_registered;
    (!as_in_key).then(|| Registered {
        host: thing.host_as_registered.as_str().into(),
        path: thing.path_as_registered.as_str().into(),
    })
}

/// What few endpoints have, where this one has some of it.
fn rare(thing: &EndpointThing) -> Option<Box<Rare>> {
    let usual = match thing.protocol {
        Protocol::Http1 => "http1",
        Protocol::Http2 => "http2",
    };
    let rare = Rare {
        group: thing.group.as_str().into(),
        route_service_url: thing.route_service_url.as_str().into(),
        protocol_text: if thing.protocol_text == usual {
            None
        } else {
            Some(thing.protocol_text.as_str().into())
        },
        balancing: thing.balancing.clone(),
    };
    (rare != Rare::default()).then(|| Box::new(rare))
}
