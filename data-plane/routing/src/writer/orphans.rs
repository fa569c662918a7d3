//! How orphans end, and how what is held is let go.

use pointsman_route_key::RouteKey;

use super::Writer;
use super::absence::end_of;
use super::judge::orphan;
use crate::Time;
use crate::evidence::Evidence;

impl Writer {
    /// An endpoint failed at a request. An orphan is dropped by that: there is no word that it is
    /// there, and now there is one that it is not. Says whether it was one.
    pub fn failed(&mut self, key: &RouteKey, address: &str) -> bool {
        let known = self.store.get(key);
        let endpoint = known.and_then(|route| route.endpoint(address));
        let is_orphan = endpoint.is_some_and(|endpoint| endpoint.is_orphan());
        if is_orphan {
            self.drop_endpoint(key, address);
        }
        is_orphan
    }

    /// Drops the orphans whose time is over, and says when there will be the next. It walks
    /// through the table, at most once a second, and only where one may be due.
    pub fn expire(&mut self, now: Time) -> Option<Time> {
        if self.book.orphans() == 0 {
            self.next_end = None;
        }
        if self.next_end.is_some_and(|end| end <= now) {
            self.next_end = None;
            self.drop_due(now);
        }
        self.next_end
    }

    fn drop_due(&mut self, now: Time) {
        let mut due = Vec::new();
        let mut next: Option<Time> = None;
        for route in self.store.iter() {
            for endpoint in route.endpoints() {
                match end(endpoint.evidence.get()) {
                    Some(end) if end <= now => {
                        due.push((route.key().clone(), endpoint.address().as_str().to_owned()));
                    }
                    Some(end) => next = Some(next.map_or(end, |next| next.min(end))),
                    None => {}
                }
            }
        }
        self.orphan_until(next);
        for (key, address) in due {
            self.drop_endpoint(&key, &address);
        }
    }

    /// There is an orphan until then.
    pub(super) fn orphan_until(&mut self, end: Option<Time>) {
        self.next_end = match (self.next_end, end) {
            (Some(next), Some(end)) => Some(next.min(end)),
            (next, end) => next.or(end),
        };
    }

    /// An operator lets go what the guard holds, as far as it was found to be lacking in `epoch`,
    /// up to the closing step of a revision. It becomes an orphan as it would have without the
    /// guard. Says how many endpoints that were: none where another epoch is followed.
    pub fn release(&mut self, epoch: u64, up_to_revision: u64, now: Time) -> u64 {
        if self.book.held() == 0 || epoch != self.book.epoch() {
            return 0;
        }
        let mut released = 0;
        let mut first: Option<Time> = None;
        for endpoint in self.store.iter().flat_map(|route| route.endpoints()) {
            let Evidence::Doubted(doubt) = endpoint.evidence.get() else {
                continue;
            };
            if !self.guard.is_meant(doubt.hold, epoch, up_to_revision) {
                continue;
            }
            let end = end_of(self.absence.life_of(endpoint), now);
            let end = doubt.until.map_or(end, |until| until.min(end));
            first = Some(first.map_or(end, |first| first.min(end)));
            self.book.doubt(&endpoint.evidence, orphan(end));
            released += 1;
        }
        self.orphan_until(first);
        if self.book.held() == 0 {
            self.guard.forget_holds();
        }
        released
    }
}

const fn end(evidence: Evidence) -> Option<Time> {
    match evidence {
        Evidence::Sent(_) => None,
        Evidence::Doubted(doubt) => doubt.until,
    }
}
