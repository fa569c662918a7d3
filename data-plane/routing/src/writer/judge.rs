//! What becomes of the things that an authoritative control plane turns out to lack.

use super::absence::{Absence, Standing, end_of};
use super::book::Book;
use super::close::deserted;
use super::{AbsenceSettings, Writer};
use crate::evidence::{Doubt, Evidence};
use crate::{Endpoint, Removal, Route, Time};

/// One look at everything that is held.
struct Look<'a> {
    book: &'a mut Book,
    standing: &'a Standing,
    settings: &'a AbsenceSettings,
    now: Time,
    /// How many more endpoints may be taken for gone.
    allowance: u64,
    /// The number under which the rest is held.
    hold: u32,
    passed: u64,
    /// The earliest end of an orphan that came to be.
    first_end: Option<Time>,
    /// What is gone at once.
    gone: Vec<Removal>,
}

impl Writer {
    /// Looks at everything that this epoch has not sent: its endpoints become orphans as far as
    /// the guard lets them, and the rest is held. It costs a walk through the table, but copies
    /// nothing of it; what was looked at is not looked at again before another epoch.
    pub(super) fn judge(&mut self, revision: u64, now: Time) {
        let allowance = self
            .guard
            .allowance(&self.absence, self.store.routes(), now);
        let mut look = Look {
            hold: self.guard.hold(self.book.epoch(), revision),
            book: &mut self.book,
            standing: &self.standing,
            settings: &self.absence,
            now,
            allowance,
            passed: 0,
            first_end: None,
            gone: Vec::new(),
        };
        for route in self.store.iter() {
            look.at_route(route);
        }
        for (key, address, segment, seen) in self.rejected.endpoints() {
            if look.absence(Evidence::Sent(seen), segment) != Absence::Kept {
                look.gone.push(Removal {
                    key: key.clone(),
                    address: address.to_owned(),
                    segment: segment.to_owned(),
                });
            }
        }
        let (passed, gone, first_end) = (look.passed, look.gone, look.first_end);
        self.guard.pass(passed, now);
        self.orphan_until(first_end);
        self.standing.set_judged();
        if self.book.held() == 0 {
            self.guard.forget_holds();
        }
        for removal in gone {
            self.remove(&removal);
        }
    }
}

impl Look<'_> {
    /// What the absence of a thing means.
    fn absence(&self, evidence: Evidence, segment: &str) -> Absence {
        if self.book.is_of_epoch(evidence) {
            return Absence::Kept;
        }
        self.standing.absent(false, segment)
    }

    fn at_route(&mut self, route: &Route) {
        let is_served = route.content().is_some();
        for endpoint in route.endpoints() {
            match self.absence(endpoint.evidence.get(), endpoint.segment()) {
                Absence::Kept => {}
                Absence::Doubted if is_served => self.at_endpoint(endpoint),
                // What nobody can reach has nothing to be kept for.
                Absence::Doubted | Absence::Gone => self.gone.push(Removal {
                    key: route.key().clone(),
                    address: endpoint.address().as_str().to_owned(),
                    segment: endpoint.segment().to_owned(),
                }),
            }
        }
        for held in route.all_held() {
            if self.absence(held.evidence.get(), held.segment()) != Absence::Kept {
                let lacked = Doubt {
                    lacked: true,
                    ..Doubt::default()
                };
                self.book.doubt(&held.evidence, lacked);
            }
        }
        let deserted = deserted(route).into_iter();
        self.gone.extend(deserted.map(|segment| Removal {
            key: route.key().clone(),
            address: String::new(),
            segment,
        }));
    }

    fn at_endpoint(&mut self, endpoint: &Endpoint) {
        let doubt = match endpoint.evidence.get() {
            Evidence::Sent(_) => Doubt::default(),
            Evidence::Doubted(doubt) => doubt,
        };
        if doubt.lacked && doubt.hold == 0 {
            // An orphan already: a second control plane that lacks it does not prolong its life.
            return;
        }
        let doubt = if doubt.hold == 0 && self.allowance > 0 {
            self.allowance -= 1;
            self.passed += 1;
            let end = end_of(self.settings.life_of(endpoint), self.now);
            let end = doubt.until.map_or(end, |until| until.min(end));
            self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
            orphan(end)
        } else {
            // Also what another epoch lacked: this one is meant by whoever lets it go.
            Doubt {
                lacked: true,
                hold: self.hold,
                ..doubt
            }
        };
        self.book.doubt(&endpoint.evidence, doubt);
    }
}

/// The doubt about an endpoint that is kept for a while.
pub(super) const fn orphan(until: Time) -> Doubt {
    Doubt {
        lacked: true,
        hold: 0,
        until: Some(until),
    }
}
