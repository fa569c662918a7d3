//! Things of a persisted table.

use std::time::Duration;

use super::Writer;
use super::absence::end_of;
use super::apply::{registered, unwanted};
use super::close::deserted;
use super::store::is_servable;
use crate::evidence::{Doubt, Evidence};
use crate::route::{Content, Held, Stamp};
use crate::{EndpointThing, RouteThing, Thing, Time};

/// How long restored endpoints live where no control plane says that they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredUntil {
    plain: Time,
    tls: Time,
}

impl RestoredUntil {
    /// So long from `now`: what is left of the age that a persisted table may reach, for endpoints
    /// that are reached in clear text, and for those whose identity TLS proves.
    #[must_use]
    pub fn new(plain: Duration, tls: Duration, now: Time) -> Self {
        Self {
            plain: end_of(plain, now),
            tls: end_of(tls, now),
        }
    }
}

impl Writer {
    /// Puts a thing of a persisted table: an orphan until a control plane confirms it.
    ///
    /// Give the things in the order of [`Self::things`], before a control plane has sent all that it
    /// has; afterwards, and where the thing cannot stand or is held already, nothing happens. Says
    /// whether it is held.
    pub fn restore(&mut self, thing: Thing, until: RestoredUntil) -> bool {
        !self.standing.is_whole() && self.put_doubted(thing, until)
    }

    /// Puts a thing of a table that another data plane lends: an orphan until a control plane confirms it.
    ///
    /// Give the things as for [`Self::restore`]. They may come as long as the control plane that is followed does not speak for
    /// what it lacks; afterwards, and where the thing cannot stand or is held already, nothing happens. Says whether it is held.
    pub fn borrow(&mut self, thing: Thing, until: RestoredUntil) -> bool {
        !self.standing.may_infer() && self.put_doubted(thing, until)
    }

    /// Takes out the attributes of all routes for which nobody speaks, where no endpoint of them was put: none of them may have
    /// had any time left.
    pub fn drop_deserted(&mut self) {
        let keys = self
            .store
            .iter()
            .filter(|route| !deserted(route).is_empty());
        let keys: Vec<_> = keys.map(|route| route.key().clone()).collect();
        for key in keys {
            self.remove_deserted_attributes(&key);
        }
    }

    fn put_doubted(&mut self, thing: Thing, until: RestoredUntil) -> bool {
        match thing {
            Thing::Route(route) => self.restore_route(&route),
            Thing::Endpoint(endpoint) => self.restore_endpoint(*endpoint, until),
            Thing::Rejected(_) => false,
        }
    }

    fn restore_route(&mut self, thing: &RouteThing) -> bool {
        let known = self.store.get(&thing.key);
        let known = known.and_then(|route| route.held(&thing.segment));
        if !is_servable(&thing.key) || known.is_some() {
            return false;
        }
        let content = Content {
            attributes: thing.attributes.clone(),
            registered: registered(thing),
        };
        // Whichever is given last counts, and everything that a control plane sends counts more.
        self.restored += 1;
        let stamp = Stamp {
            epoch: 0,
            revision: self.restored,
        };
        let doubt = Doubt::default();
        let held = Held::new(
            self.interned.said(&thing.segment, Some(content)),
            thing.generation,
            (stamp, thing.birth),
            Evidence::Doubted(doubt),
        );
        self.book.restore(doubt);
        self.store.change(&thing.key, |route| route.put_held(held));
        self.changed = true;
        true
    }

    fn restore_endpoint(&mut self, thing: EndpointThing, until: RestoredUntil) -> bool {
        let route = self.store.get(&thing.key);
        let known = route.and_then(|route| route.endpoint(thing.address.as_str()));
        if known.is_some() || unwanted(route, &thing).is_some() {
            return false;
        }
        let end = if thing.tls.is_some() {
            until.tls
        } else {
            until.plain
        };
        let doubt = Doubt {
            until: Some(end),
            ..Doubt::default()
        };
        let key = thing.key.clone();
        let endpoint = self.endpoint(thing, Evidence::Doubted(doubt));
        self.book.restore(doubt);
        self.orphan_until(Some(end));
        self.store
            .change(&key, |route| route.put_endpoint(endpoint.into()));
        self.changed = true;
        true
    }
}
