//! The unused connections that any worker may take, and the bounds of the process on all of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pointsman_routing::EndpointIndex;

use super::{IdleLimits, is_safe, shorter};
use crate::deadlines::Tick;
use crate::upstream::connection::Kept;

/// Parts with a lock each.
const SHARDS: usize = 64;

/// What every worker may take.
pub(crate) struct Commons {
    limits: IdleLimits,
    workers: usize,
    /// Connections that are kept here, and places that are reserved for those kept by workers.
    total: Total,
    shards: Box<[Shard]>,
}

#[derive(Default)]
#[repr(align(128))]
struct Total(AtomicUsize);

/// Endpoints by their slots.
#[derive(Default)]
#[repr(align(128))]
struct Shard(Mutex<HashMap<u32, Bunch>>);

/// What is kept for one endpoint.
#[derive(Default)]
struct Bunch {
    life: u32,
    /// The one that was used last stands at the end.
    kept: Vec<Kept>,
    /// How many more are kept by workers.
    reserved: usize,
    /// The shortest time after which this endpoint was seen to close an unused connection.
    shortest_close: Option<Duration>,
}

impl Bunch {
    fn count(&self) -> usize {
        self.kept.len() + self.reserved
    }

    /// Whether there is nothing to remember.
    fn is_blank(&self) -> bool {
        self.count() == 0 && self.shortest_close.is_none()
    }
}

impl Commons {
    /// Nothing kept yet, for so many workers.
    pub(crate) fn new(limits: IdleLimits, workers: usize) -> Self {
        Self {
            limits,
            workers,
            total: Total::default(),
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
        }
    }

    /// The bounds of the process.
    pub(super) fn limits(&self) -> &IdleLimits {
        &self.limits
    }

    /// Whether there is another worker that could take what lies here.
    pub(super) fn is_shared(&self) -> bool {
        self.workers > 1
    }

    /// The connection to this endpoint that was used last, as far as its worker knows still as it
    /// was left.
    pub(super) fn take(&self, index: EndpointIndex, repeatable: bool, now: Tick) -> Option<Kept> {
        if self.total.0.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut shard = self.shard(index.slot);
        let bunch = shard.get_mut(&index.slot)?;
        if bunch.life != index.life {
            return None;
        }
        while let Some(mut kept) = bunch.kept.pop() {
            let idle = now.since(kept.idle_since);
            let quiet = kept.is_quiet();
            if quiet && !repeatable && !is_safe(bunch.shortest_close, idle) {
                // All others were idle for longer.
                bunch.kept.push(kept);
                return None;
            }
            self.total.0.fetch_sub(1, Ordering::Relaxed);
            if quiet {
                return Some(kept);
            }
            bunch.shortest_close = shorter(bunch.shortest_close, idle);
        }
        None
    }

    /// Keeps a connection, or closes it if there are enough.
    pub(super) fn put(&self, index: EndpointIndex, kept: Kept) {
        let mut shard = self.shard(index.slot);
        let bunch = self.bunch(&mut shard, index);
        if self.admit(bunch) {
            // Another worker may have put one that was used later.
            let at = bunch
                .kept
                .partition_point(|other| other.idle_since <= kept.idle_since);
            bunch.kept.insert(at, kept);
        }
    }

    /// Makes room for one that a worker keeps. `None`: there are enough; otherwise the shortest
    /// time after which the endpoint was seen to close an unused connection.
    #[expect(
        clippy::option_option,
        reason = "the inner one is what is known, the outer one the answer"
    )]
    pub(in crate::upstream) fn reserve(&self, index: EndpointIndex) -> Option<Option<Duration>> {
        let mut shard = self.shard(index.slot);
        let bunch = self.bunch(&mut shard, index);
        self.admit(bunch).then(|| {
            bunch.reserved += 1;
            bunch.shortest_close
        })
    }

    /// Takes back room that a worker does not need any more.
    pub(in crate::upstream) fn give_back(&self, reserved: Option<(EndpointIndex, usize)>) {
        let Some((index, count)) = reserved else {
            return;
        };
        self.total.0.fetch_sub(count, Ordering::Relaxed);
        let mut shard = self.shard(index.slot);
        if let Some(bunch) = shard.get_mut(&index.slot)
            && bunch.life == index.life
        {
            bunch.reserved = bunch.reserved.saturating_sub(count);
            if bunch.is_blank() {
                shard.remove(&index.slot);
            }
        }
    }

    /// The endpoint has closed a connection that was unused for so long.
    pub(in crate::upstream) fn saw_close(&self, index: EndpointIndex, after: Duration) {
        let mut shard = self.shard(index.slot);
        let bunch = self.bunch(&mut shard, index);
        bunch.shortest_close = shorter(bunch.shortest_close, after);
    }

    /// Closes what is too old or was closed by its endpoint, in one worker's part; answers how
    /// many are kept there.
    pub(super) fn sweep(&self, now: Tick, worker: usize) -> usize {
        let part = self.shards.iter().skip(worker).step_by(self.workers.max(1));
        part.map(|shard| self.sweep_shard(&mut lock(shard), now))
            .sum()
    }

    fn sweep_shard(&self, shard: &mut HashMap<u32, Bunch>, now: Tick) -> usize {
        let mut left = 0;
        shard.retain(|_, bunch| {
            let Bunch {
                kept,
                shortest_close,
                ..
            } = bunch;
            let before = kept.len();
            kept.retain_mut(|kept| {
                let idle = now.since(kept.idle_since);
                let quiet = kept.is_quiet();
                if !quiet {
                    *shortest_close = shorter(*shortest_close, idle);
                }
                quiet && idle < self.limits.age
            });
            left += kept.len();
            self.total
                .0
                .fetch_sub(before - kept.len(), Ordering::Relaxed);
            !bunch.is_blank()
        });
        left
    }

    /// Closes everything.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            for (_, bunch) in lock(shard).drain() {
                self.total.0.fetch_sub(bunch.kept.len(), Ordering::Relaxed);
            }
        }
    }

    /// Whether there is room for one more for this endpoint; then it is counted in the total.
    fn admit(&self, bunch: &Bunch) -> bool {
        bunch.count() < self.limits.per_endpoint && {
            let before = self.total.0.fetch_add(1, Ordering::Relaxed);
            let room = before < self.limits.total;
            if !room {
                self.total.0.fetch_sub(1, Ordering::Relaxed);
            }
            room
        }
    }

    /// What is kept for this endpoint; what was kept for one before it under the same slot is
    /// closed.
    fn bunch<'s>(&self, shard: &'s mut HashMap<u32, Bunch>, index: EndpointIndex) -> &'s mut Bunch {
        let bunch = shard.entry(index.slot).or_default();
        if bunch.life != index.life {
            // What workers had reserved for it, they give back themselves.
            self.total.0.fetch_sub(bunch.kept.len(), Ordering::Relaxed);
            *bunch = Bunch {
                life: index.life,
                ..Bunch::default()
            };
        }
        bunch
    }

    fn shard(&self, slot: u32) -> MutexGuard<'_, HashMap<u32, Bunch>> {
        lock(&self.shards[slot as usize % SHARDS])
    }
}

/// What a worker leaves behind when it panics is whole: nothing here takes two steps.
fn lock(shard: &Shard) -> MutexGuard<'_, HashMap<u32, Bunch>> {
    shard.0.lock().unwrap_or_else(PoisonError::into_inner)
}
