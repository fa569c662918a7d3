//! The trunks of one worker, by endpoint.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use pointsman_http1::ResponseLimits;
use pointsman_routing::EndpointIndex;
use smallvec::SmallVec;

use super::Stream;
use super::making::Making;
use super::trunk::{Owner, Trunk};
use crate::deadlines::Tick;
use crate::upstream::Commons;
use crate::worker::Worker;

/// The trunks of one worker, by endpoint.
pub(crate) struct Trunks {
    commons: Arc<Commons>,
    limits: ResponseLimits,
    by_slot: RefCell<HashMap<u32, Entry>>,
    /// How many carry no request.
    resting: Rc<Cell<usize>>,
}

/// What is known of one endpoint. A slot is given to another endpoint after the first one's life.
#[derive(Default)]
struct Entry {
    life: u32,
    trunks: SmallVec<[Rc<Trunk>; 1]>,
    making: Option<Rc<Making>>,
    /// Whether it chose HTTP/1.1 last.
    speaks_http1: bool,
}

impl Trunks {
    /// None yet.
    pub(crate) fn new(commons: Arc<Commons>, limits: ResponseLimits) -> Self {
        Self {
            commons,
            limits,
            by_slot: RefCell::default(),
            resting: Rc::default(),
        }
    }

    /// A stream to this endpoint, on a trunk that stands and has room. A request that is not `repeatable` gets one only
    /// on a trunk that is surely open.
    pub(crate) fn take(
        &self,
        index: EndpointIndex,
        repeatable: bool,
        now: Tick,
    ) -> Option<Box<Stream>> {
        let all = self.by_slot.borrow();
        let entry = all.get(&index.slot)?;
        if entry.life != index.life {
            return None;
        }
        let mut usable = entry
            .trunks
            .iter()
            .filter(|trunk| repeatable || trunk.is_surely_open(now));
        usable.find_map(|trunk| self.on(trunk))
    }

    /// A stream on this trunk, if it has room.
    pub(super) fn on(&self, trunk: &Rc<Trunk>) -> Option<Box<Stream>> {
        let place = trunk.place()?;
        Some(Box::new(Stream::new(place, self.limits)))
    }

    /// The connection in the making to this endpoint, and whether it is a new one, which is to be made. `None`: every
    /// request makes its own, since the endpoint did not choose to share them.
    pub(super) fn join(&self, index: EndpointIndex) -> Option<(Rc<Making>, bool)> {
        self.with(index, |entry| {
            if entry.speaks_http1 {
                return None;
            }
            if let Some(making) = &entry.making {
                return Some((Rc::clone(making), false));
            }
            let making = Rc::default();
            entry.making = Some(Rc::clone(&making));
            Some((making, true))
        })
    }

    /// What was in the making is made, or failed.
    pub(super) fn leave(&self, index: EndpointIndex, making: &Rc<Making>) {
        self.with(index, |entry| {
            if entry
                .making
                .as_ref()
                .is_some_and(|own| Rc::ptr_eq(own, making))
            {
                entry.making = None;
            }
        });
        self.prune(index);
    }

    /// Keeps a trunk for other requests.
    pub(super) fn keep(&self, trunk: &Rc<Trunk>) {
        self.with(trunk.endpoint(), |entry| {
            entry.speaks_http1 = false;
            entry.trunks.push(Rc::clone(trunk));
        });
    }

    /// The endpoint has chosen HTTP/1.1.
    pub(super) fn note_http1(&self, index: EndpointIndex) {
        self.with(index, |entry| entry.speaks_http1 = true);
    }

    /// Forgets the trunks to this endpoint that take no more requests.
    pub(super) fn prune(&self, index: EndpointIndex) {
        let mut all = self.by_slot.borrow_mut();
        let Some(entry) = all.get_mut(&index.slot) else {
            return;
        };
        entry.trunks.retain(|trunk| trunk.takes_more());
        if entry.trunks.is_empty() && entry.making.is_none() && !entry.speaks_http1 {
            all.remove(&index.slot);
        }
    }

    /// Lets every trunk end with the requests that it has.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut *self.by_slot.borrow_mut());
        for trunk in all.values().flat_map(|entry| &entry.trunks) {
            trunk.retire();
        }
    }

    /// How many trunks carry no request.
    pub(crate) fn resting(&self) -> usize {
        self.resting.get()
    }

    /// What a new trunk is told of its worker.
    pub(super) fn owner<'a>(&'a self, worker: &'a Worker) -> Owner<'a> {
        Owner {
            deadlines: &worker.deadlines,
            commons: &self.commons,
            resting: &self.resting,
        }
    }

    /// What is known of this endpoint. Trunks to one before it under the same slot end with what they have.
    fn with<T>(&self, index: EndpointIndex, look: impl FnOnce(&mut Entry) -> T) -> T {
        let mut all = self.by_slot.borrow_mut();
        let entry = all.entry(index.slot).or_default();
        if entry.life != index.life {
            for trunk in &entry.trunks {
                trunk.retire();
            }
            *entry = Entry {
                life: index.life,
                ..Entry::default()
            };
        }
        look(entry)
    }
}
