//! The other end of a reader, as simple as it can be: applies what it is given, and complains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pointsman_route_key::{RouteKey, digest};

use crate::outcome::Sum;
use crate::{
    Closing, Endpoint, Held, Reader, Registry, Removal, Route, Step, Thing, Transfer, View,
};

type Key = Arc<RouteKey>;

/// A table that is filled by a reader.
#[derive(Default)]
pub(super) struct Replica {
    pub(super) routes: BTreeMap<(Key, Arc<str>), Route>,
    pub(super) endpoints: BTreeMap<(Key, Arc<str>), Endpoint>,
    told: BTreeSet<Removal>,
    given: BTreeSet<(Key, Arc<str>, Option<Arc<str>>)>,
    /// Routes that were born again since the last closing step.
    reborn: Vec<(Key, Arc<str>)>,
    pub(super) epoch: u64,
    pub(super) revision: u64,
    /// The filter under which the table was filled, and that under which it is being filled.
    filter_digest: u64,
    next_filter_digest: u64,
    /// How many things it was given, all in all.
    pub(super) received: usize,
}

impl Replica {
    /// Says hello.
    pub(super) fn connect(&mut self, registry: &Registry, view: View) -> (Reader, Transfer) {
        let held = Held {
            things: 0,
            epoch: self.epoch,
            revision: self.revision,
            filter_digest: self.filter_digest,
            may_hold_more: false,
            rejected: Vec::new(),
        };
        self.next_filter_digest = view.filter.digest();
        self.told.clear();
        self.given.clear();
        let (reader, transfer) = Reader::new(registry, view, held);
        self.epoch = registry.epoch();
        if transfer == Transfer::Snapshot {
            // A snapshot fills the table with things that no earlier revision vouches for.
            self.revision = 0;
        }
        (reader, transfer)
    }

    /// Applies a step; a closing step that ends one says whether the sums agree.
    pub(super) fn apply(&mut self, step: Step) -> Option<bool> {
        match step {
            Step::Batch(things) => {
                things.into_iter().for_each(|thing| self.put(thing));
                None
            }
            Step::Closing(closing) => self.close(closing),
            Step::Idle => None,
        }
    }

    fn put(&mut self, thing: Thing) {
        self.received += 1;
        match thing {
            Thing::Route(route) => {
                let name = (Arc::clone(&route.key), Arc::clone(&route.segment));
                self.told.retain(|it| {
                    !(it.address.is_empty() && it.route == name.0 && it.segment == name.1)
                });
                self.given
                    .insert((Arc::clone(&name.0), "".into(), Some(Arc::clone(&name.1))));
                let birth = route.birth;
                let before = self.routes.insert(name.clone(), route);
                if before.is_some_and(|before| before.birth != birth) {
                    self.reborn.push(name);
                }
            }
            Thing::Endpoint(endpoint) => {
                let attributes = (Arc::clone(&endpoint.route), Arc::clone(&endpoint.segment));
                assert!(
                    self.routes.contains_key(&attributes),
                    "{endpoint:?} without attributes"
                );
                let name = (Arc::clone(&endpoint.route), Arc::clone(&endpoint.address));
                self.told
                    .retain(|it| (&it.route, &it.address) != (&name.0, &name.1));
                self.given
                    .insert((Arc::clone(&name.0), Arc::clone(&name.1), None));
                self.endpoints.insert(name, endpoint);
            }
        }
    }

    fn close(&mut self, closing: Closing) -> Option<bool> {
        self.told.extend(closing.removals);
        if closing.continues {
            return None;
        }
        for gone in std::mem::take(&mut self.told) {
            if gone.address.is_empty() {
                self.routes.remove(&(gone.route, gone.segment));
            } else {
                let name = (gone.route, gone.address);
                if self
                    .endpoints
                    .get(&name)
                    .is_some_and(|it| it.segment == gone.segment)
                {
                    self.endpoints.remove(&name);
                }
            }
        }
        let given = std::mem::take(&mut self.given);
        for (key, segment) in std::mem::take(&mut self.reborn) {
            self.endpoints.retain(|(route, address), it| {
                let void = *route == key && it.segment == segment;
                !void || given.contains(&(Arc::clone(route), Arc::clone(address), None))
            });
        }
        if closing.complete {
            self.routes.retain(|(key, segment), _| {
                given.contains(&(Arc::clone(key), "".into(), Some(Arc::clone(segment))))
            });
            self.endpoints.retain(|(key, address), _| {
                given.contains(&(Arc::clone(key), Arc::clone(address), None))
            });
        }
        self.filter_digest = self.next_filter_digest;
        let agrees = self.sum() == closing.sum;
        // What does not add up is nothing to go on from.
        self.revision = if agrees { closing.revision } else { 0 };
        Some(agrees)
    }

    pub(super) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        for route in self.routes.values() {
            sum.add(digest::of_route(
                &route.segment,
                &route.key,
                route.generation,
            ));
        }
        for it in self.endpoints.values() {
            sum.add(digest::of_endpoint(
                &it.segment,
                &it.route,
                &it.address,
                it.generation,
                it.silent,
            ));
        }
        sum
    }

    /// Takes steps until there is nothing to take.
    pub(super) fn follow(&mut self, reader: &mut Reader, registry: &Registry, limit: usize) {
        for _ in 0..1_000_000 {
            match reader.next(registry, limit) {
                Step::Idle => return,
                step => assert_ne!(self.apply(step), Some(false), "the sums differ"),
            }
        }
        panic!("the reader never comes to an end");
    }
}
