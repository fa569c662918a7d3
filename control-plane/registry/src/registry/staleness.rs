//! Age: what is due when, on the clock of its source.

use std::sync::Arc;
use std::time::Duration;

use crate::outcome::{Expired, Expiry};
use crate::time::Time;

use super::Registry;
use super::records::{EndpointId, EndpointRecord, RouteId, SegmentId};

/// For how many of its thresholds a TLS endpoint is silent before a report that it fails removes it.
pub(super) const SILENT_THRESHOLDS: u32 = 10;

/// What is looked at when it comes due, in the room of one word, since nearly every endpoint is due some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due(u64);

/// What an entry names.
enum Named {
    /// An endpoint, which may have been heard meanwhile.
    Endpoint(EndpointId),
    /// A route that has no endpoints in this segment.
    Route(RouteId, SegmentId),
}

impl Due {
    /// Above the number of a record: nothing for an endpoint, and for a route one more than that of its segment.
    const SHIFT: u32 = 32;

    pub(super) const fn endpoint(id: EndpointId) -> Self {
        Self(id as u64)
    }

    pub(super) const fn route(route: RouteId, segment: SegmentId) -> Self {
        Self((segment as u64 + 1) << Self::SHIFT | route as u64)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "what was put into the word is taken out of it"
    )]
    const fn named(self) -> Named {
        let id = self.0 as u32;
        match (self.0 >> Self::SHIFT).checked_sub(1) {
            None => Named::Endpoint(id),
            Some(segment) => Named::Route(id, segment as SegmentId),
        }
    }
}

/// A deadline is over once this much has passed after it: Gorouter compares strictly.
const OVER: Duration = Duration::from_micros(1);

impl Registry {
    /// Applies what is due at `now`, at most `budget` entries of it. While pruning is frozen nothing is: see
    /// [`Self::freeze_pruning`].
    pub fn expire(&mut self, now: Time, budget: usize) -> Expiry {
        let mut expiry = Expiry::default();
        let mut left = budget;
        if !self.frozen {
            self.expire_endpoints(now, &mut left, &mut expiry);
        }
        while left > 0 && self.forget_oldest(now) {
            left -= 1;
        }
        expiry.more = left == 0;
        expiry
    }

    fn expire_endpoints(&mut self, now: Time, left: &mut usize, expiry: &mut Expiry) {
        while *left > 0
            && let Some(id) = self.guard.next_released()
        {
            *left -= 1;
            let expired = self.as_released(|it| it.let_expire(id, true, now));
            expiry.expired.push(expired);
        }
        for source in 0..self.sources.len() {
            while *left > 0
                && let Some((at, due)) = self.first_due(source, now)
            {
                *left -= 1;
                self.sources[source].due.remove(&(at, due));
                expiry.expired.extend(match due.named() {
                    Named::Endpoint(id) => self.look_at(id, now),
                    Named::Route(route, segment) => self.drop_empty(route, segment, now),
                });
            }
        }
    }

    /// When [`Self::expire`] will next have something to look at, if the sources stay as they are.
    #[must_use]
    pub fn next_due(&self, now: Time) -> Option<Time> {
        if self.has_released() && !self.frozen {
            return Some(now);
        }
        let ageing = if self.frozen { &[] } else { &*self.sources };
        let of_sources = ageing.iter().filter_map(|source| {
            let (at, _) = source.due.first()?;
            source.clock.when(at.plus(OVER), now)
        });
        // While something is staged, nothing is forgotten for its age.
        let of_memory = self
            .removals
            .oldest()
            .filter(|_| !self.has_staged())
            .map(|since| since.plus(self.settings.memory.age + OVER))
            .map(|due| due.max(self.staged_until().unwrap_or(Time::ZERO)));
        of_sources.chain(of_memory).min()
    }

    fn first_due(&self, source: usize, now: Time) -> Option<(Time, Due)> {
        let source = &self.sources[source];
        source
            .due
            .first()
            .copied()
            .filter(|(at, _)| *at < source.clock.at(now))
    }

    /// When an endpoint was heard, on the clock of its source.
    pub(super) fn last_heard(&self, record: &EndpointRecord) -> Time {
        let message = record
            .message
            .map_or(Time::ZERO, |id| self.messages.heard(id));
        record.heard.max(message)
    }

    /// How long a registration of this endpoint counts.
    pub(super) fn threshold(&self, record: &EndpointRecord) -> Duration {
        match u64::try_from(record.stale_threshold_seconds) {
            Ok(seconds) => Duration::from_secs(seconds),
            // Stale from the start, and looked at once in each of these.
            Err(_) => self.settings.prune_interval.unwrap_or_default(),
        }
    }

    fn deadline(&self, record: &EndpointRecord) -> Time {
        if self.settings.prune_interval.is_none() {
            return Time::NEVER;
        }
        if record.is_silent() {
            let kept = self.settings.prune_stale_tls;
            return kept.map_or(Time::NEVER, |kept| record.silent_since.plus(kept));
        }
        self.last_heard(record).plus(self.threshold(record))
    }

    /// Sees to it that an endpoint is looked at when it comes due. An entry that comes too early stays: it will be
    /// put back then.
    pub(super) fn schedule(&mut self, id: EndpointId) {
        let deadline = self.deadline(&self.endpoints[id]);
        if self.endpoints[id].due <= deadline && self.endpoints[id].due != Time::NEVER {
            return;
        }
        self.unschedule(id);
        if deadline != Time::NEVER {
            let record = &mut self.endpoints[id];
            record.due = deadline;
            self.sources[usize::from(record.source)]
                .due
                .insert((deadline, Due::endpoint(id)));
        }
    }

    pub(super) fn unschedule(&mut self, id: EndpointId) {
        let record = &mut self.endpoints[id];
        let due = std::mem::replace(&mut record.due, Time::NEVER);
        if due != Time::NEVER {
            self.sources[usize::from(record.source)]
                .due
                .remove(&(due, Due::endpoint(id)));
        }
    }

    /// An endpoint whose entry came due.
    fn look_at(&mut self, id: EndpointId, now: Time) -> Option<Expired> {
        self.endpoints[id].due = Time::NEVER;
        let record = &self.endpoints[id];
        let reading = self.reading(record.source, now);
        if self.deadline(record) >= reading {
            self.schedule(id);
            return None;
        }
        let route = Arc::clone(&self.routes[record.route].key);
        let address = Arc::clone(&record.address);
        if record.description.is_tls() && !record.is_silent() {
            self.fall_silent(id, reading);
            return Some(Expired::Silent { route, address });
        }
        if !self.may_go(id, now) {
            return Some(Expired::Held { route, address });
        }
        Some(self.let_expire(id, false, now))
    }

    /// Takes an endpoint out that was not heard for its threshold.
    fn let_expire(&mut self, id: EndpointId, released: bool, now: Time) -> Expired {
        let record = &self.endpoints[id];
        let route = Arc::clone(&self.routes[record.route].key);
        let address = Arc::clone(&record.address);
        let segment = Arc::clone(&self.segments[record.segment].name);
        let route_gone = self.remove_endpoint(id, now);
        Expired::Endpoint {
            route,
            address,
            segment,
            route_gone,
            released,
        }
    }

    /// A TLS endpoint proves itself at each connection, so age alone does not remove it. The next message that names
    /// it has to be applied in full, to end the silence.
    fn fall_silent(&mut self, id: EndpointId, reading: Time) {
        self.detach(id);
        self.lift_endpoint(id);
        self.endpoints[id].silent_since = reading;
        self.place_endpoint(id);
        self.schedule(id);
    }

    fn drop_empty(&mut self, route: RouteId, segment: SegmentId, now: Time) -> Option<Expired> {
        let key = Arc::clone(&self.routes[route].key);
        let gone = self.drop_presence(route, segment, now);
        gone.then_some(Expired::EmptyRoute { route: key })
    }
}
