//! Things that are not held, by name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use pointsman_route_key::RouteKey;

use super::book::Book;
use crate::evidence::Evidence;
use crate::{RejectedThing, View};

/// Rejected things and why. Attributes are counted where they stand, among what their route holds;
/// endpoints are counted here.
#[derive(Debug, Default)]
pub(super) struct Rejected {
    /// By route and segment.
    routes: BTreeMap<(RouteKey, String), String>,
    /// By route and address.
    endpoints: BTreeMap<(RouteKey, String), RejectedEndpoint>,
}

/// An endpoint that is not held.
#[derive(Debug)]
pub(super) struct RejectedEndpoint {
    pub(super) segment: String,
    /// Its digest, as the control plane adds it up.
    pub(super) digest: u64,
    pub(super) reason: String,
    /// The writer's step at which it was last sent.
    pub(super) seen: u64,
}

impl Rejected {
    /// The attributes of a route in one segment are rejected.
    pub(super) fn put_route(&mut self, key: RouteKey, segment: String, reason: String) {
        self.routes.insert((key, segment), reason);
    }

    /// They are not rejected any more.
    pub(super) fn remove_route(&mut self, key: &RouteKey, segment: &str) {
        if !self.routes.is_empty() {
            self.routes.remove(&(key.clone(), segment.to_owned()));
        }
    }

    /// The endpoint with this route and address is rejected.
    pub(super) fn put_endpoint(
        &mut self,
        name: (RouteKey, String),
        rejected: RejectedEndpoint,
        book: &mut Book,
    ) {
        book.enter(rejected.digest);
        if let Some(old) = self.endpoints.insert(name, rejected) {
            book.leave(old.digest, Evidence::Sent(old.seen));
        }
    }

    /// An endpoint is not rejected any more; where `segment` is given, only if it was sent there.
    pub(super) fn remove_endpoint(
        &mut self,
        key: &RouteKey,
        address: &str,
        segment: Option<&str>,
        book: &mut Book,
    ) {
        if self.endpoints.is_empty() {
            return;
        }
        if let Entry::Occupied(entry) = self.endpoints.entry((key.clone(), address.to_owned()))
            && segment.is_none_or(|segment| entry.get().segment == segment)
        {
            let old = entry.remove();
            book.leave(old.digest, Evidence::Sent(old.seen));
        }
    }

    /// Endpoints with the step in which they were last sent, to find those that are absent.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = (&RouteKey, &str, &str, u64)> {
        self.endpoints.iter().map(|((key, address), rejected)| {
            (
                key,
                address.as_str(),
                rejected.segment.as_str(),
                rejected.seen,
            )
        })
    }

    /// What the rejected endpoints of this epoch add up to.
    pub(super) fn endpoints_view(&self, book: &Book) -> View {
        self.endpoints
            .values()
            .filter(|rejected| book.is_of_epoch(Evidence::Sent(rejected.seen)))
            .fold(View::default(), |view, rejected| view.with(rejected.digest))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = RejectedThing<'_>> {
        let routes = self
            .routes
            .iter()
            .map(|((key, segment), reason)| RejectedThing {
                key,
                address: "",
                segment,
                reason,
            });
        let endpoints = self
            .endpoints
            .iter()
            .map(|((key, address), rejected)| RejectedThing {
                key,
                address,
                segment: &rejected.segment,
                reason: &rejected.reason,
            });
        routes.chain(endpoints)
    }
}
