//! What a closing step does: removals, and what follows from what was not sent.

use pointsman_route_key::{RouteKey, digest};

use super::Writer;
use super::absence::Absence;
use crate::evidence::Evidence;
use crate::{Removal, Route, Time, View};

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
            if !self.disown_attributes(key, segment) {
                self.remove_attributes(key, segment);
            }
            return;
        }
        let here = self
            .store
            .get(key)
            .and_then(|route| route.endpoint(address))
            .is_some_and(|endpoint| {
                endpoint.segment() == segment || !self.book.is_of_epoch(endpoint.evidence.get())
            });
        if here {
            self.drop_endpoint(key, address);
        }
        self.rejected
            .remove_endpoint(key, address, Some(segment), &mut self.book);
    }

    /// A control plane that removes the attributes of a route knows no endpoint of it any more. Those
    /// that only an earlier epoch sent it may never have known: the attributes stay with them, though
    /// nobody speaks for them. Says whether there are such.
    fn disown_attributes(&mut self, key: &RouteKey, segment: &str) -> bool {
        let Some(route) = self.store.get(key) else {
            return false;
        };
        let unknown = route.endpoints().iter().any(|endpoint| {
            endpoint.segment() == segment && !self.book.is_of_epoch(endpoint.evidence.get())
        });
        let held = route.held(segment).filter(|held| held.content().is_some());
        let Some(held) = held.filter(|_| unknown) else {
            return false;
        };
        let digest = digest::of_route(segment, key, held.generation);
        self.book.disown(digest, &held.evidence);
        true
    }

    pub(super) fn remove_attributes(&mut self, key: &RouteKey, segment: &str) {
        let known = self.store.get(key);
        if known.and_then(|route| route.held(segment)).is_none() {
            return;
        }
        let held = self.store.change(key, |route| route.remove_held(segment));
        if let Some(held) = held {
            let digest = digest::of_route(segment, key, held.generation);
            self.book.leave(digest, held.evidence.get());
            self.changed = true;
        }
        self.rejected.remove_route(key, segment);
    }

    /// Takes out the attributes of a route for which nobody speaks, in the segments where no
    /// endpoint of it is left: a route without endpoints serves nobody, so there is nothing to
    /// keep them for.
    pub(super) fn remove_deserted_attributes(&mut self, key: &RouteKey) {
        let deserted = self.store.get(key).map_or_else(Vec::new, deserted);
        for segment in deserted {
            self.remove_attributes(key, &segment);
        }
    }

    /// Takes out the endpoints that belong to the earlier life of a route that was born anew, and
    /// were not sent again since. What only an earlier epoch sent is none of them: this one knows
    /// nothing of it.
    pub(super) fn void_reborn(&mut self) {
        for reborn in std::mem::take(&mut self.reborn) {
            let void: Vec<String> = self.store.get(&reborn.key).map_or_else(Vec::new, |route| {
                route
                    .endpoints()
                    .iter()
                    .filter(|endpoint| {
                        let evidence = endpoint.evidence.get();
                        *endpoint.segment() == *reborn.segment
                            && self.book.is_of_epoch_before(reborn.step, evidence)
                    })
                    .map(|endpoint| endpoint.address().to_string())
                    .collect()
            });
            for address in void {
                self.drop_endpoint(&reborn.key, &address);
            }
        }
    }

    /// Compares with what the control plane expects, and draws from what it turns out to lack what
    /// may be drawn. Says whether both agree.
    pub(super) fn settle(
        &mut self,
        expected: View,
        (complete, revision): (bool, u64),
        now: Time,
    ) -> bool {
        if complete {
            self.standing.set_whole();
            self.remove_unsent();
        }
        let agrees = self.book.received() == expected;
        // With both in agreement, what this epoch did not send is unknown to the control plane.
        if agrees && self.standing.may_infer() && self.has_open_questions() {
            self.judge(revision, now);
        }
        agrees
    }

    fn has_open_questions(&self) -> bool {
        let held_by_another_epoch = self.book.held() > 0 && !self.standing.is_judged();
        self.book.open_questions() > 0 || held_by_another_epoch
    }

    /// After everything was sent, takes out the things that are gone because they were not among
    /// it.
    fn remove_unsent(&mut self) {
        let (book, standing) = (&self.book, &self.standing);
        let is_gone = |evidence: Evidence, segment: &str| {
            let sent_in_epoch = book.is_of_epoch(evidence);
            !book.is_of_step(evidence) && standing.absent(sent_in_epoch, segment) == Absence::Gone
        };
        let mut gone: Vec<Removal> = self
            .store
            .iter()
            .flat_map(|route| names(route, is_gone))
            .collect();
        let rejected = self.rejected.endpoints();
        gone.extend(
            rejected
                .filter(|(.., segment, seen)| is_gone(Evidence::Sent(*seen), segment))
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
pub(super) fn names(route: &Route, is_gone: impl Fn(Evidence, &str) -> bool) -> Vec<Removal> {
    let removal = |address: &str, segment: &str| Removal {
        key: route.key().clone(),
        address: address.to_owned(),
        segment: segment.to_owned(),
    };
    let endpoints = route
        .endpoints()
        .iter()
        .filter(|endpoint| is_gone(endpoint.evidence.get(), endpoint.segment()))
        .map(|endpoint| removal(endpoint.address().as_str(), endpoint.segment()));
    let held = route
        .all_held()
        .iter()
        .filter(|held| is_gone(held.evidence.get(), held.segment()))
        .map(|held| removal("", held.segment()));
    endpoints.chain(held).collect()
}

/// The segments of a route whose attributes are doubted, and that have no endpoint of it.
pub(super) fn deserted(route: &Route) -> Vec<String> {
    route
        .all_held()
        .iter()
        .filter(|held| matches!(held.evidence.get(), Evidence::Doubted(_)))
        .filter(|held| {
            let mut endpoints = route.endpoints().iter();
            !endpoints.any(|endpoint| endpoint.segment() == held.segment())
        })
        .map(|held| held.segment().to_owned())
        .collect()
}
