//! What one worker keeps for one endpoint.

use std::time::Duration;

use pointsman_routing::EndpointIndex;

use super::{Connection, is_safe, shorter};
use crate::deadlines::{STEP, Tick};

/// A connection stays with its worker while the worker puts one back at least so often.
const STEADY: Duration = STEP.saturating_mul(2);

/// One worker's connections to one endpoint. A slot is given to another endpoint after the first
/// one's life.
#[derive(Default)]
pub(super) struct Slot {
    life: u32,
    #[expect(
        clippy::vec_box,
        reason = "a connection is large, and moves between here and a request"
    )]
    connections: Vec<Box<Connection>>,
    /// How many may be kept here without asking the commons.
    reserved: usize,
    /// How many of these were needed since the last sweep.
    peak: usize,
    last_put: Option<Tick>,
    /// Whether the slot stands among the occupied ones.
    listed: bool,
    /// The shortest time after which this endpoint was seen to close an unused connection.
    shortest_close: Option<Duration>,
}

impl Slot {
    /// Which user of the slot it belongs to.
    pub(super) fn life(&self) -> u32 {
        self.life
    }

    /// Gives the slot to another endpoint; answers what was reserved for the one before.
    pub(super) fn begin_life(&mut self, index: EndpointIndex) -> Option<(EndpointIndex, usize)> {
        let before = std::mem::take(self);
        self.life = index.life;
        self.listed = before.listed;
        let gone = EndpointIndex {
            slot: index.slot,
            life: before.life,
        };
        Some((gone, before.reserved)).filter(|(_, reserved)| *reserved > 0)
    }

    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        self.connections.len()
    }

    /// The connection that was used last, if it is still as it was left.
    #[inline]
    pub(super) fn take(&mut self, repeatable: bool, now: Tick) -> Option<Box<Connection>> {
        while let Some(mut connection) = self.connections.pop() {
            let idle = now.since(connection.idle_since);
            if !connection.wire.is_quiet() {
                self.shortest_close = shorter(self.shortest_close, idle);
                continue;
            }
            if !repeatable && !is_safe(self.shortest_close, idle) {
                // All others were idle for longer.
                self.connections.push(connection);
                return None;
            }
            return Some(connection);
        }
        None
    }

    /// Whether this worker uses the endpoint so steadily that the next request comes soon. To be
    /// asked once per connection that is put back.
    #[inline]
    pub(super) fn is_in_steady_use(&mut self, now: Tick) -> bool {
        let last = self.last_put.replace(now);
        last.is_some_and(|last| now.since(last) <= STEADY)
    }

    /// Whether another connection may be kept.
    #[inline]
    pub(super) fn has_reserved(&self) -> bool {
        self.connections.len() < self.reserved
    }

    /// One more may be kept; the commons know when the endpoint closes.
    pub(super) fn reserved_one(&mut self, shortest_close: Option<Duration>) {
        self.reserved += 1;
        if let Some(after) = shortest_close {
            let known = self.shortest_close.map_or(after, |known| known.min(after));
            self.shortest_close = Some(known);
        }
    }

    /// Keeps a connection.
    #[inline]
    pub(super) fn put(&mut self, connection: Box<Connection>) {
        self.connections.push(connection);
        self.peak = self.peak.max(self.connections.len());
    }

    /// Notes that the slot stands among the occupied ones; answers whether that is new.
    #[inline]
    pub(super) fn list(&mut self) -> bool {
        !std::mem::replace(&mut self.listed, true)
    }

    /// Whether the next sweep has to look at it again.
    pub(super) fn stays_listed(&mut self) -> bool {
        self.listed = !self.connections.is_empty() || self.reserved > 0;
        self.listed
    }

    /// Closes what is too old, and what the endpoint has closed; answers after which rest it has
    /// closed one, if it has.
    pub(super) fn drop_closed(&mut self, now: Tick, age: Duration) -> Option<Duration> {
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
            self.shortest_close = shorter(self.shortest_close, after);
        }
        closed_after
    }

    /// The connections that were not used lately.
    pub(super) fn take_rested(&mut self, now: Tick) -> impl Iterator<Item = Box<Connection>> + '_ {
        // They stand in the order in which they were put.
        let rested = self
            .connections
            .partition_point(|connection| now.since(connection.idle_since) > STEADY);
        self.reserved -= rested.min(self.reserved);
        self.connections.drain(..rested)
    }

    /// What is reserved and was not needed since the last call.
    pub(super) fn take_spare(&mut self, index: EndpointIndex) -> Option<(EndpointIndex, usize)> {
        let needed = self.peak.max(self.connections.len());
        self.peak = self.connections.len();
        let spare = self
            .reserved
            .checked_sub(needed)
            .filter(|&spare| spare > 0)?;
        self.reserved -= spare;
        Some((index, spare))
    }
}
