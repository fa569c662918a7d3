//! Connections to endpoints that nobody uses right now: a worker's own, the last one used first.

use std::time::Duration;

use pointsman_routing::{EndpointIndex, EndpointState};

use super::Connection;
use crate::deadlines::{STEP, Tick};

/// Bounds of what one worker keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdleLimits {
    /// Connections to one endpoint.
    pub(crate) per_endpoint: usize,
    /// Connections in all.
    pub(crate) total: usize,
    /// How long one is kept.
    pub(crate) age: Duration,
}

/// One worker's unused connections, by endpoint.
pub(crate) struct Idle {
    limits: IdleLimits,
    slots: Vec<Slot>,
    /// The slots that a sweep has to look at: those with connections, and some that lost theirs.
    occupied: Vec<usize>,
    total: usize,
}

/// What is kept for one endpoint. A slot is given to another endpoint after the first one's life.
#[derive(Default)]
struct Slot {
    life: u32,
    #[expect(
        clippy::vec_box,
        reason = "a connection is large, and moves between here and a request"
    )]
    connections: Vec<Box<Connection>>,
    /// Whether the slot stands among the occupied ones.
    listed: bool,
    /// The shortest time after which this endpoint was seen to close an unused connection.
    shortest_close: Option<Duration>,
}

impl Slot {
    fn saw_close(&mut self, after: Duration) {
        let after = after.saturating_sub(STEP);
        self.shortest_close = Some(self.shortest_close.map_or(after, |known| known.min(after)));
    }

    fn sweep(&mut self, now: Tick, age: Duration) {
        let mut closed_after: Option<Duration> = None;
        self.connections.retain_mut(|connection| {
            let idle = now.since(connection.idle_since);
            let quiet = connection.wire.is_quiet();
            if !quiet {
                closed_after = Some(closed_after.map_or(idle, |known| known.min(idle)));
            }
            quiet && idle < age
        });
        if let Some(after) = closed_after {
            self.saw_close(after);
        }
    }

    /// Whether a connection that was idle so long may carry a request that cannot be repeated:
    /// the endpoint may be closing it at this moment.
    fn is_safe(&self, idle: Duration) -> bool {
        self.shortest_close
            .is_none_or(|close| (idle + STEP) * 2 < close)
    }
}

impl Idle {
    /// Nothing kept yet.
    pub(crate) fn new(limits: IdleLimits) -> Self {
        Self {
            limits,
            slots: Vec::new(),
            occupied: Vec::new(),
            total: 0,
        }
    }

    /// How many connections are kept.
    pub(crate) fn len(&self) -> usize {
        self.total
    }

    /// The connection to this endpoint that was used last, if it is still as it was left. A
    /// request that is not `repeatable` gets none that the endpoint may be about to close.
    #[inline]
    pub(crate) fn take(
        &mut self,
        endpoint: &EndpointState,
        repeatable: bool,
        now: Tick,
    ) -> Option<Box<Connection>> {
        let index = endpoint.index();
        let slot = self.slots.get_mut(index.slot as usize)?;
        if slot.life != index.life {
            return None;
        }
        while let Some(mut connection) = slot.connections.pop() {
            let idle = now.since(connection.idle_since);
            if !connection.wire.is_quiet() {
                slot.saw_close(idle);
                self.total -= 1;
                continue;
            }
            if !repeatable && !slot.is_safe(idle) {
                // All others were idle for longer.
                slot.connections.push(connection);
                return None;
            }
            self.total -= 1;
            return Some(connection);
        }
        None
    }

    /// Keeps a connection, or closes it if there are enough.
    #[inline]
    pub(crate) fn put(&mut self, mut connection: Box<Connection>, now: Tick) {
        let EndpointIndex { slot, life } = connection.endpoint();
        let at = slot as usize;
        if at >= self.slots.len() {
            self.slots.resize_with(at + 1, Slot::default);
        }
        let slot = &mut self.slots[at];
        if slot.life != life {
            self.total -= slot.connections.len();
            *slot = Slot {
                life,
                listed: slot.listed,
                ..Slot::default()
            };
        }
        if slot.connections.len() < self.limits.per_endpoint && self.total < self.limits.total {
            connection.wire.rest();
            connection.idle_since = now;
            slot.connections.push(connection);
            self.total += 1;
            if !std::mem::replace(&mut slot.listed, true) {
                self.occupied.push(at);
            }
        }
    }

    /// Closes what is too old, and what the endpoint has closed.
    pub(crate) fn sweep(&mut self, now: Tick) {
        let Self {
            limits,
            slots,
            occupied,
            total,
        } = self;
        *total = 0;
        occupied.retain(|&at| {
            let slot = &mut slots[at];
            slot.sweep(now, limits.age);
            *total += slot.connections.len();
            slot.listed = !slot.connections.is_empty();
            slot.listed
        });
    }

    /// Closes everything.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.occupied.clear();
        self.total = 0;
    }
}
