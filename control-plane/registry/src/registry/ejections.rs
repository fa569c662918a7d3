//! Endpoints that an operator has taken out: no reader is given them, whatever is registered meanwhile.
//!
//! An ejected endpoint stays registered. It needs what no reader can claim, so readers that have it are told to give it
//! up, and it is in no sum of theirs; when it is reinstated, it is given to them as if it had just come.

use std::collections::BTreeSet;
use std::sync::Arc;

use pointsman_route_key::RouteKey;

use crate::capability::Capabilities;

use super::Registry;
use super::records::{EndpointId, EndpointRecord};

/// Which endpoints an operator takes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// The address, as it is registered.
    pub address: Arc<str>,
    /// Of this route only; `None`: of every route.
    pub route: Option<RouteKey>,
    /// Of this app only; `None`: of any.
    pub app_id: Option<Box<str>>,
}

impl Ejection {
    fn concerns(&self, route: &RouteKey, record: &EndpointRecord) -> bool {
        *self.address == *record.address
            && self.route.as_ref().is_none_or(|only| only == route)
            && self
                .app_id
                .as_deref()
                .is_none_or(|only| only == record.description.app_id())
    }
}

/// What is said, and which endpoints are out by that.
#[derive(Debug, Default)]
pub(super) struct Ejections {
    /// The same may be said twice, and then has to be taken back twice.
    said: Vec<Ejection>,
    /// By the revision of their latest change.
    out: BTreeSet<(u64, EndpointId)>,
}

impl Ejections {
    /// Whether an endpoint is taken out.
    #[inline]
    pub(super) fn concern(&self, route: &RouteKey, record: &EndpointRecord) -> bool {
        !self.said.is_empty() && self.said.iter().any(|one| one.concerns(route, record))
    }

    /// An endpoint that is out stands in the index.
    pub(super) fn placed(&mut self, revision: u64, id: EndpointId) {
        self.out.insert((revision, id));
    }

    #[cfg(test)]
    pub(super) fn is_out(&self, revision: u64, id: EndpointId) -> bool {
        self.out.contains(&(revision, id))
    }

    /// It does not any more.
    pub(super) fn lifted(&mut self, revision: u64, id: EndpointId) {
        self.out.remove(&(revision, id));
    }
}

impl Registry {
    /// Takes endpoints out, those that are registered and those that will be, until [`Self::reinstate`] is told the
    /// same. Where no route is named, every endpoint is looked at, which takes some milliseconds where there are a million.
    /// How many are out by it now.
    pub fn eject(&mut self, ejection: Ejection) -> usize {
        let named = self.named_by(&ejection);
        self.ejections.said.push(ejection);
        for id in &named {
            if !self.is_ejected(*id) {
                self.place_anew(*id);
            }
        }
        named.len()
    }

    /// Takes an ejection back. What no other one takes out is given to readers again.
    pub fn reinstate(&mut self, ejection: &Ejection) {
        let said = &mut self.ejections.said;
        let Some(at) = said.iter().position(|one| one == ejection) else {
            return;
        };
        said.swap_remove(at);
        let out: Vec<_> = self.ejections.out.iter().map(|(_, id)| *id).collect();
        for id in out {
            let record = &self.endpoints[id];
            let route = &self.routes[record.route].key;
            if !self.ejections.concern(route, record) {
                self.place_anew(id);
            }
        }
    }

    /// How many endpoints are out by an ejection, and maybe by others as well.
    #[must_use]
    pub fn ejected_by(&self, ejection: &Ejection) -> usize {
        let out = self.ejections.out.iter();
        out.filter(|(_, id)| self.is_named(ejection, *id)).count()
    }

    /// How many endpoints are out.
    #[must_use]
    pub fn ejected(&self) -> usize {
        self.ejections.out.len()
    }

    /// How many endpoints an ejection would take out, and the routes that would be left without any in a segment that
    /// has one now.
    #[must_use]
    pub fn would_eject(&self, ejection: &Ejection) -> (usize, Vec<Arc<RouteKey>>) {
        let named = self.named_by(ejection);
        let emptied = named.iter().filter(|id| self.is_last(**id));
        let emptied = emptied.map(|id| Arc::clone(&self.routes[self.endpoints[*id].route].key));
        (named.len(), emptied.collect())
    }

    /// Whether readers of its segment have this endpoint of its route, and no other one.
    fn is_last(&self, id: EndpointId) -> bool {
        let record = &self.endpoints[id];
        let others = self.routes[record.route].endpoints.iter().copied();
        let mut others = others.filter(|other| {
            *other != id
                && self.endpoints[*other].segment == record.segment
                && !self.is_ejected(*other)
        });
        !self.is_ejected(id) && others.next().is_none()
    }

    fn is_ejected(&self, id: EndpointId) -> bool {
        self.endpoints[id].needs.cover(Capabilities::EJECTED)
    }

    fn is_named(&self, ejection: &Ejection, id: EndpointId) -> bool {
        let record = &self.endpoints[id];
        ejection.concerns(&self.routes[record.route].key, record)
    }

    /// The registered endpoints that an ejection names.
    fn named_by(&self, ejection: &Ejection) -> Vec<EndpointId> {
        let Some(address) = self.addresses.find(&ejection.address) else {
            return Vec::new();
        };
        if let Some(key) = &ejection.route {
            let route = self.find_route(key);
            let found = route.and_then(|route| self.find_endpoint(route, address).ok());
            return found
                .into_iter()
                .filter(|id| self.is_named(ejection, *id))
                .collect();
        }
        // Endpoints share one copy of their address.
        let at_address = self
            .endpoints
            .from(0)
            .filter(|(_, record)| Arc::ptr_eq(&record.address, address));
        at_address
            .filter_map(|(next, _)| EndpointId::try_from(next - 1).ok())
            .filter(|id| self.is_named(ejection, *id))
            .collect()
    }

    /// Gives an endpoint the next revision, and what it needs now.
    pub(super) fn place_anew(&mut self, id: EndpointId) {
        self.lift_endpoint(id);
        self.place_endpoint(id);
    }

    /// Removals up to the horizon are forgotten: readers that come from elsewhere are told of later ones only. What is
    /// out has to be among those, or it would be taken for something that was not heard of yet.
    pub(super) fn keep_ejected_above(&mut self, horizon: u64) {
        while let Some((revision, id)) = self.ejections.out.first().copied() {
            if revision > horizon {
                return;
            }
            self.place_anew(id);
        }
    }
}
