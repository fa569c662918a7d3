//! Writing the history: what an event has changed, and why.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use pointsman_registry::{
    Expired, Now, Put, Registered, Registration, Registry, Removal, SourceId, Thing, Unregistered,
    Uri,
};
use pointsman_route_key::RouteKey;

use super::{History, Record, Subject, What, Why};
use crate::registry_task::clock::wall_ms;

/// Refusals that are remembered, so that one that is repeated with each heartbeat is told once.
const REFUSALS: usize = 4096;

/// About what a name weighs besides its texts.
const NAME: usize = 64;

/// Writes the history.
#[derive(Debug)]
pub(in crate::registry_task) struct Recorder {
    history: Arc<History>,
    sources: Vec<(SourceId, Arc<str>)>,
    /// What is recorded already.
    recorded: u64,
    refusals: HashSet<u64>,
}

impl Recorder {
    pub(in crate::registry_task) fn new(history: Arc<History>) -> Self {
        Self {
            history,
            sources: Vec::new(),
            recorded: 0,
            refusals: HashSet::new(),
        }
    }

    /// What is written.
    #[cfg(test)]
    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// A source has this name.
    pub(in crate::registry_task) fn name(&mut self, id: SourceId, name: &str) {
        self.sources.push((id, name.into()));
    }

    fn source(&self, id: SourceId) -> Option<Arc<str>> {
        let found = self.sources.iter().find(|(known, _)| *known == id);
        found.map(|(_, name)| Arc::clone(name))
    }

    /// What changed since the last time, for this reason.
    pub(in crate::registry_task) fn changed(
        &mut self,
        registry: &Registry,
        why: Why,
        source: Option<SourceId>,
    ) {
        self.record(registry, source, |now| (what(now, None), why_of(now, why)));
    }

    /// The same for a registration.
    pub(in crate::registry_task) fn registered(
        &mut self,
        registry: &Registry,
        source: SourceId,
        message: &Registration,
        outcomes: &[Registered],
    ) {
        let mut added = Added {
            message,
            outcomes,
            at: 0,
        };
        let before = self.recorded;
        self.record(registry, Some(source), |now| {
            let is_new = match now {
                Now::Is(Thing::Endpoint(endpoint)) => added.is_new(&endpoint.route),
                Now::Is(Thing::Route(route)) => route.birth > before,
                Now::Gone(_) => false,
            };
            (what(now, Some(is_new)), Why::Registered)
        });
        let lost = outcomes.iter().zip(&message.uris);
        let lost = lost.filter(|(outcome, _)| outcome.put == Put::Unmodified);
        for (_, uri) in lost {
            self.refused(registry, source, message, uri);
        }
    }

    /// The same for an unregistration.
    pub(in crate::registry_task) fn unregistered(
        &mut self,
        registry: &Registry,
        source: SourceId,
        message: &Registration,
        outcomes: &[Unregistered],
    ) {
        self.changed(registry, Why::Unregistered, Some(source));
        let lost = outcomes.iter().zip(&message.uris);
        let lost = lost.filter(|(outcome, _)| **outcome == Unregistered::OlderTag);
        for (_, uri) in lost {
            self.refused(registry, source, message, uri);
        }
    }

    /// The same for a declaration, which may give birth to a route.
    pub(in crate::registry_task) fn declared(&mut self, registry: &Registry, source: SourceId) {
        let before = self.recorded;
        self.record(registry, Some(source), |now| {
            let born = matches!(now, Now::Is(Thing::Route(route)) if route.birth > before);
            (what(now, Some(born)), Why::Declared)
        });
    }

    /// The same for time.
    pub(in crate::registry_task) fn expired(&mut self, registry: &Registry, expired: &[Expired]) {
        let released: HashSet<_> = expired.iter().filter_map(released).collect();
        let empty: HashSet<_> = expired.iter().filter_map(empty).collect();
        self.record(registry, None, |now| {
            let why = match now {
                Now::Gone(name) if released.contains(&(&*name.route, &*name.address)) => {
                    Why::Released
                }
                Now::Gone(name) if name.address.is_empty() && empty.contains(&&*name.route) => {
                    Why::Empty
                }
                Now::Gone(_) | Now::Is(_) => why_of(now, Why::Expired),
            };
            let silent = matches!(now, Now::Is(Thing::Endpoint(endpoint)) if endpoint.silent);
            let what = if silent {
                What::Silent
            } else {
                what(now, None)
            };
            (what, why)
        });
        for one in expired {
            if let Expired::Held { route, address } = one {
                let name = Removal {
                    route: Arc::clone(route),
                    address: Arc::clone(address),
                    segment: "".into(),
                };
                self.tell(registry, (What::Held, Why::Expired), None, name);
            }
        }
    }

    fn record(
        &mut self,
        registry: &Registry,
        source: Option<SourceId>,
        mut judge: impl FnMut(&Now) -> (What, Why),
    ) {
        let head = registry.head();
        if head == self.recorded {
            return;
        }
        let source = source.and_then(|id| self.source(id));
        let at_ms = wall_ms();
        let changes = registry.changes_since(self.recorded).into_iter();
        self.history.push(changes.map(|change| {
            let weight = change.weight() + NAME;
            let (what, why) = judge(&change.now);
            let record = Record {
                revision: change.revision,
                at_ms,
                what,
                why,
                source: source.clone(),
                subject: change.now.into(),
            };
            (record, weight)
        }));
        self.recorded = head;
    }

    /// A message did not count, since something newer is there. Whoever sends it sends it again and again.
    fn refused(
        &mut self,
        registry: &Registry,
        source: SourceId,
        message: &Registration,
        uri: &Uri,
    ) {
        let mut hasher = DefaultHasher::new();
        let tag = &message.tag;
        (uri.key(), &message.address, &tag.guid, tag.index).hash(&mut hasher);
        if self.refusals.len() >= REFUSALS {
            self.refusals = HashSet::new();
        }
        if self.refusals.insert(hasher.finish()) {
            let name = Removal {
                route: Arc::clone(uri.key()),
                address: Arc::clone(&message.address),
                segment: Arc::clone(&message.segment),
            };
            let source = self.source(source);
            // Nothing is older than anything without a tag.
            let why = if tag.guid.is_empty() {
                Why::OtherSource
            } else {
                Why::OlderTag
            };
            self.tell(registry, (What::Refused, why), source, name);
        }
    }

    /// Records what is no change.
    fn tell(
        &self,
        registry: &Registry,
        (what, why): (What, Why),
        source: Option<Arc<str>>,
        name: Removal,
    ) {
        let weight = name.address.len() + NAME;
        let record = Record {
            revision: registry.head(),
            at_ms: wall_ms(),
            what,
            why,
            source,
            subject: Subject::Named(name),
        };
        self.history.push([(record, weight)]);
    }
}

/// What became of something. `is_new`: it was not there before, as far as that is known.
fn what(now: &Now, is_new: Option<bool>) -> What {
    match now {
        Now::Gone(_) => What::Removed,
        Now::Is(_) if is_new == Some(true) => What::Added,
        Now::Is(_) => What::Changed,
    }
}

/// Why something that goes or stays has changed. What is ejected changes once more when older removals are forgotten.
fn why_of(now: &Now, why: Why) -> Why {
    match now {
        Now::Is(Thing::Endpoint(endpoint)) if endpoint.ejected => Why::Ejected,
        Now::Is(_) | Now::Gone(_) => why,
    }
}

fn released(expired: &Expired) -> Option<(&RouteKey, &str)> {
    match expired {
        Expired::Endpoint {
            route,
            address,
            released: true,
            ..
        } => Some((route, address)),
        Expired::Endpoint { .. }
        | Expired::Held { .. }
        | Expired::Silent { .. }
        | Expired::EmptyRoute { .. } => None,
    }
}

fn empty(expired: &Expired) -> Option<&RouteKey> {
    match expired {
        Expired::EmptyRoute { route } => Some(route),
        Expired::Endpoint { .. } | Expired::Held { .. } | Expired::Silent { .. } => None,
    }
}

/// Which endpoints of a registration are new. They changed in the order of its URIs, so that each is looked for from
/// where the one before was found.
struct Added<'a> {
    message: &'a Registration,
    outcomes: &'a [Registered],
    at: usize,
}

impl Added<'_> {
    fn is_new(&mut self, route: &Arc<RouteKey>) -> bool {
        let uris = self.message.uris.len();
        let mut places = (self.at..uris).chain(0..self.at.min(uris));
        let found = places.find(|at| {
            let key = self.message.uris[*at].key();
            // What is new has the very key that was registered.
            Arc::ptr_eq(key, route) || **key == **route
        });
        let Some(at) = found else { return false };
        self.at = at + 1;
        self.outcomes
            .get(at)
            .is_some_and(|outcome| outcome.put == Put::Added)
    }
}
