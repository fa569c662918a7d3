//! What a closing step does: removals, and what follows from what was not sent.

use std::sync::atomic::Ordering;

use pointsman_route_key::digest;

use super::Writer;
use super::absence::Absence;
use crate::{Removal, Route, View};

impl Writer {
    /// Takes out what was removed, in the segment that lost it and in no other. Only what this
    /// epoch has not sent goes in whichever segment: there is no word of this epoch about where it
    /// lives.
    pub(super) fn remove(&mut self, removal: &Removal) {
        let Removal {
            key,
            address,
            segment,
        } = removal;
        if address.is_empty() {
            return self.remove_attributes(removal);
        }
        let here = self
            .store
            .get(key)
            .and_then(|route| route.endpoint(address))
            .is_some_and(|endpoint| {
                let seen = endpoint.seen.load(Ordering::Relaxed);
                endpoint.segment() == segment || !self.book.is_of_epoch(seen)
            });
        if here {
            self.drop_endpoint(key, address);
        }
        self.rejected
            .remove_endpoint(key, address, Some(segment), &mut self.book);
    }

    fn remove_attributes(&mut self, removal: &Removal) {
        let Removal { key, segment, .. } = removal;
        let known = self.store.get(key);
        if known.and_then(|route| route.held(segment)).is_none() {
            return;
        }
        let held = self.store.change(key, |route| route.remove_held(segment));
        if let Some(held) = held {
            let digest = digest::of_route(segment, key, held.generation);
            self.book.leave(digest, held.seen.load(Ordering::Relaxed));
            self.changed = true;
        }
        self.rejected.remove_route(key, segment);
    }

    /// Takes out the endpoints that belong to the earlier life of a route that was born anew, and
    /// were not sent again since.
    pub(super) fn void_reborn(&mut self) {
        for reborn in std::mem::take(&mut self.reborn) {
            let void: Vec<String> = self.store.get(&reborn.key).map_or_else(Vec::new, |route| {
                route
                    .endpoints()
                    .iter()
                    .filter(|endpoint| {
                        *endpoint.segment() == *reborn.segment
                            && endpoint.seen.load(Ordering::Relaxed) < reborn.step
                    })
                    .map(|endpoint| endpoint.address().to_string())
                    .collect()
            });
            for address in void {
                self.drop_endpoint(&reborn.key, &address);
            }
        }
    }

    /// Compares with what the control plane expects, and takes out what it turns out to lack.
    /// Says whether both agree.
    pub(super) fn settle(&mut self, expected: View, complete: bool) -> bool {
        if complete {
            self.standing.set_whole();
            self.remove_absent(true);
        }
        let agrees = self.book.received() == expected;
        // With both in agreement, what this epoch did not send is unknown to the control plane.
        if agrees && self.book.unconfirmed().things > 0 && self.standing.may_infer() {
            self.remove_absent(false);
        }
        agrees
    }

    /// Takes out the things whose absence means that they are gone. In a `complete` table also
    /// things of this epoch can be absent.
    fn remove_absent(&mut self, complete: bool) {
        let is_gone = |seen: u64| {
            let of_epoch = self.book.is_of_epoch(seen);
            let absent = !self.book.is_of_step(seen) && (complete || !of_epoch);
            absent && self.standing.absent(of_epoch) == Absence::Gone
        };
        let mut gone: Vec<Removal> = self
            .store
            .iter()
            .flat_map(|route| names(route, is_gone))
            .collect();
        gone.extend(
            self.rejected
                .endpoints()
                .filter(|(.., seen)| is_gone(*seen))
                .map(|(key, address, segment, _)| Removal {
                    key: key.clone(),
                    address: address.to_owned(),
                    segment: segment.to_owned(),
                }),
        );
        for removal in gone {
            self.remove(&removal);
        }
    }
}

/// The things of a route that are gone.
fn names(route: &Route, is_gone: impl Fn(u64) -> bool) -> Vec<Removal> {
    let removal = |address: &str, segment: &str| Removal {
        key: route.key().clone(),
        address: address.to_owned(),
        segment: segment.to_owned(),
    };
    let endpoints = route
        .endpoints()
        .iter()
        .filter(|endpoint| is_gone(endpoint.seen.load(Ordering::Relaxed)))
        .map(|endpoint| removal(endpoint.address().as_str(), endpoint.segment()));
    let held = route
        .all_held()
        .iter()
        .filter(|held| is_gone(held.seen.load(Ordering::Relaxed)))
        .map(|held| removal("", &held.segment));
    endpoints.chain(held).collect()
}
