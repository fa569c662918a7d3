//! Connections to endpoints that nobody uses right now, the last one used first.
//!
//! There are two places for them. One that is in steady use at a worker stays with the worker,
//! where nothing is shared and nothing is locked. What rests for longer, or is used so seldom that
//! the next request may well come to another worker, lies in the [`Commons`], where every worker
//! looks before it makes a connection of its own. So a busy endpoint costs no lock, and a quiet
//! one no handshake per worker.

mod commons;
mod slot;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pointsman_http1::ResponseLimits;
use pointsman_routing::{EndpointIndex, EndpointState};

use super::Connection;
use crate::buffer::Buffers;
use crate::deadlines::{STEP, Tick};

pub(crate) use commons::Commons;
use slot::Slot;

/// Bounds of what the process keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdleLimits {
    /// Connections to one endpoint.
    pub(crate) per_endpoint: usize,
    /// Connections in all.
    pub(crate) total: usize,
    /// How long one is kept.
    pub(crate) age: Duration,
    /// How old one may become, give or take a tenth (L-25).
    pub(crate) life: Duration,
}

/// The shortest rest after which an endpoint may be closing a connection, given the shortest after
/// which it was seen to do so: half of it.
pub(super) fn is_safe(shortest_close: Option<Duration>, idle: Duration) -> bool {
    shortest_close.is_none_or(|close| (idle + STEP) * 2 < close)
}

/// By how much a close may be seen too late: sweeps come every [`STEP`], and later where the machine
/// is busy. An endpoint that closes within this time is never trusted with an unused connection,
/// which costs only its requests that cannot be repeated.
const SEEN_LATE: Duration = STEP.saturating_mul(5);

/// The shorter of two times after which an endpoint closed, as seen by a sweep that may be late.
fn shorter(known: Option<Duration>, after: Duration) -> Option<Duration> {
    let after = after.saturating_sub(SEEN_LATE);
    Some(known.map_or(after, |known| known.min(after)))
}

/// One worker's unused connections, by endpoint, and its way to those of all.
pub(crate) struct Idle {
    commons: Arc<Commons>,
    worker: usize,
    buffers: Rc<Buffers>,
    responses: ResponseLimits,
    slots: Vec<Slot>,
    /// The slots that a sweep has to look at: those that hold or reserve something.
    occupied: Vec<usize>,
}

impl Idle {
    /// Nothing kept yet.
    pub(crate) fn new(
        commons: Arc<Commons>,
        worker: usize,
        buffers: Rc<Buffers>,
        responses: ResponseLimits,
    ) -> Self {
        Self {
            commons,
            worker,
            buffers,
            responses,
            slots: Vec::new(),
            occupied: Vec::new(),
        }
    }

    /// The connection to this endpoint that was used last, if it is still as it was left: one of
    /// this worker's, else one of any. A request that is not `repeatable` gets none that the
    /// endpoint may be about to close.
    #[inline]
    pub(crate) fn take(
        &mut self,
        endpoint: &EndpointState,
        repeatable: bool,
        now: Tick,
    ) -> Option<Box<Connection>> {
        self.take_at(endpoint.index(), repeatable, now)
    }

    #[inline]
    fn take_at(
        &mut self,
        index: EndpointIndex,
        repeatable: bool,
        now: Tick,
    ) -> Option<Box<Connection>> {
        if let Some(slot) = self.slots.get_mut(index.slot as usize)
            && slot.life() == index.life
            && let Some(own) = slot.take(repeatable, now)
        {
            return Some(own);
        }
        self.take_of_commons(index, repeatable, now)
    }

    #[cold]
    fn take_of_commons(
        &mut self,
        index: EndpointIndex,
        repeatable: bool,
        now: Tick,
    ) -> Option<Box<Connection>> {
        while let Some(kept) = self.commons.take(index, repeatable, now) {
            let idle = now.since(kept.idle_since);
            let Some(here) = kept.move_to(self.worker) else {
                // Its own worker has not heard yet that the endpoint closed it.
                self.commons.saw_close(index, idle);
                continue;
            };
            let buffers = Rc::clone(&self.buffers);
            let connection = Connection::revive(here, buffers, index, self.responses);
            return Some(Box::new(connection));
        }
        None
    }

    /// Keeps a connection, or closes it if there are enough, or it is old enough.
    #[inline]
    pub(crate) fn put(&mut self, mut connection: Box<Connection>, now: Tick) {
        if !connection.may_rest(now, self.commons.limits().life) {
            return;
        }
        connection.wire.rest();
        connection.idle_since = now;
        let index = connection.endpoint();
        let at = index.slot as usize;
        if at >= self.slots.len() {
            self.slots.resize_with(at + 1, Slot::default);
        }
        let slot = &mut self.slots[at];
        if slot.life() != index.life {
            self.commons.give_back(slot.begin_life(index));
        }
        let steady = slot.is_in_steady_use(now) || !self.commons.is_shared();
        if !steady {
            self.commons.put(index, connection.strip(self.worker));
            return;
        }
        if !slot.has_reserved() {
            let Some(shortest_close) = self.commons.reserve(index) else {
                return;
            };
            slot.reserved_one(shortest_close);
        }
        slot.put(connection);
        if slot.list() {
            self.occupied.push(at);
        }
    }

    /// Closes what is too old, and what the endpoint has closed, here and in this worker's part of
    /// the commons; leaves to all what was not used lately. Answers how many there are in both.
    pub(crate) fn sweep(&mut self, now: Tick) -> usize {
        let Self {
            commons,
            worker,
            slots,
            occupied,
            ..
        } = self;
        let mut kept = 0;
        occupied.retain(|&at| {
            let Ok(number) = u32::try_from(at) else {
                return false;
            };
            let slot = &mut slots[at];
            let index = EndpointIndex {
                slot: number,
                life: slot.life(),
            };
            kept += sweep_slot(slot, index, now, (commons, *worker));
            slot.stays_listed()
        });
        kept + commons.sweep(now, self.worker)
    }

    /// Closes everything, that of all workers included.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.occupied.clear();
        self.commons.clear();
    }
}

/// Looks after one slot; answers how many connections stay in it.
fn sweep_slot(
    slot: &mut Slot,
    index: EndpointIndex,
    now: Tick,
    (commons, worker): (&Commons, usize),
) -> usize {
    if let Some(closed_after) = slot.drop_closed(now, commons.limits().age) {
        commons.saw_close(index, closed_after);
    }
    if commons.is_shared() {
        for connection in slot.take_rested(now) {
            // What was reserved for it makes room for it there.
            commons.give_back(Some((index, 1)));
            commons.put(index, connection.strip(worker));
        }
    }
    commons.give_back(slot.take_spare(index));
    slot.len()
}

#[cfg(test)]
mod tests;
