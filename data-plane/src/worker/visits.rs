//! Requests that are at the service of their route, and so at none of its endpoints: its share of the places counts them as
//! well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pointsman_routing::Route;

/// Routes whose numbers differ by a multiple of this are counted together: one of them may be refused for the other's sake
/// while places are short, and never has more than its share.
const SLOTS: usize = 4096;

/// How many there are, by route, in the whole process. Only requests with a route service touch it.
#[derive(Debug)]
pub(crate) struct Visits {
    slots: Box<[AtomicUsize]>,
}

/// One request at a service, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    visits: Arc<Visits>,
    slot: usize,
}

impl Visits {
    /// None yet.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            slots: (0..SLOTS).map(|_| AtomicUsize::new(0)).collect(),
        })
    }

    /// How many requests for the route are at its service.
    pub(super) fn of(&self, route: &Route) -> usize {
        let slot = self.slots.get(slot(route));
        slot.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// One more.
    pub(super) fn begin(self: &Arc<Self>, route: &Route) -> Visit {
        let slot = slot(route);
        if let Some(count) = self.slots.get(slot) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Visit {
            visits: Arc::clone(self),
            slot,
        }
    }
}

fn slot(route: &Route) -> usize {
    route.pool_index().number() as usize % SLOTS
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(count) = self.visits.slots.get(self.slot) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
