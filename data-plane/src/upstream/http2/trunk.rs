//! One connection that requests share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use pointsman_routing::EndpointIndex;

use super::STREAMS;
use super::below::Below;
use crate::deadlines::{Deadlines, STEP, Tick};
use crate::upstream::Commons;
use crate::upstream::idle::is_safe;

/// What a trunk is told of the worker's.
pub(super) struct Rules {
    /// How many requests it may carry.
    pub(super) requests: u32,
    /// How old it may become, give or take a tenth (L-25).
    pub(super) life: Duration,
    /// How long it is kept without a request.
    pub(super) rest: Duration,
}

/// One connection that requests share.
pub(crate) struct Trunk {
    endpoint: EndpointIndex,
    /// `None` once it takes no more requests.
    opener: RefCell<Option<SendRequest<Bytes>>>,
    below: Rc<Below>,
    ended: Cell<bool>,
    /// Requests that are on it.
    open: Cell<usize>,
    /// Requests that were begun on it.
    begun: Cell<u32>,
    /// Since when there is none on it; meaningless while there is.
    idle_since: Cell<Tick>,
    /// When the latest one was begun.
    used: Cell<Tick>,
    ends_by: Tick,
    rules: Rules,
    deadlines: Rc<Deadlines>,
    kept: Kept,
    /// The worker's trunks without a request.
    resting: Rc<Cell<usize>>,
}

/// A place among the connections that the process keeps without a request, for as long as the trunk lives.
struct Kept {
    commons: Arc<Commons>,
    endpoint: EndpointIndex,
    /// Whether there was room for it.
    has_room: bool,
    /// The shortest time after which the endpoint was seen to close an unused connection.
    shortest_close: Option<Duration>,
}

impl Kept {
    fn reserve(commons: &Arc<Commons>, endpoint: EndpointIndex) -> Self {
        let reserved = commons.reserve(endpoint);
        Self {
            commons: Arc::clone(commons),
            endpoint,
            has_room: reserved.is_some(),
            shortest_close: reserved.flatten(),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.has_room {
            self.commons.give_back(Some((self.endpoint, 1)));
        }
    }
}

/// What belongs to the worker of a trunk.
pub(super) struct Owner<'a> {
    pub(super) deadlines: &'a Rc<Deadlines>,
    pub(super) commons: &'a Arc<Commons>,
    pub(super) resting: &'a Rc<Cell<usize>>,
}

impl Trunk {
    pub(super) fn new(
        endpoint: EndpointIndex,
        (opener, below): (SendRequest<Bytes>, Rc<Below>),
        rules: Rules,
        owner: &Owner<'_>,
    ) -> Rc<Self> {
        let now = owner.deadlines.now();
        let jitter = rules.life.mul_f64(0.2 * fastrand::f64());
        owner.resting.set(owner.resting.get() + 1);
        Rc::new(Self {
            endpoint,
            opener: Some(opener).into(),
            below,
            ended: Cell::new(false),
            open: Cell::new(0),
            begun: Cell::new(0),
            idle_since: Cell::new(now),
            used: Cell::new(now),
            ends_by: now.after(rules.life.mul_f64(0.9) + jitter),
            rules,
            deadlines: Rc::clone(owner.deadlines),
            kept: Kept::reserve(owner.commons, endpoint),
            resting: Rc::clone(owner.resting),
        })
    }

    /// Room for one more request, if there is some.
    pub(super) fn place(self: &Rc<Self>) -> Option<Place> {
        let mut opener = self.opener.borrow_mut();
        let connection = opener.as_mut()?;
        if refusal(connection).is_some() {
            // The endpoint has said that it goes, or is gone.
            *opener = None;
            return None;
        }
        if self.open.get() >= connection.current_max_send_streams().min(STREAMS) {
            return None;
        }
        let place = Place {
            opener: connection.clone(),
            reused: self.begun.get() > 0,
            trunk: Rc::clone(self),
        };
        self.begun.set(self.begun.get() + 1);
        if self.begun.get() >= self.rules.requests {
            *opener = None;
        }
        if self.open.get() == 0 {
            self.resting.set(self.resting.get() - 1);
        }
        self.open.set(self.open.get() + 1);
        self.used.set(self.deadlines.now());
        Some(place)
    }

    /// Whether a request that cannot be repeated may go out on it: others are on it as well, or the endpoint is not
    /// about to close it and has not done so.
    pub(super) fn is_surely_open(&self, now: Tick) -> bool {
        if self.open.get() > 0 {
            return true;
        }
        let idle = now.since(self.idle_since.get());
        idle < STEP || is_safe(self.kept.shortest_close, idle) && self.below.is_quiet_now()
    }

    /// Whether it may take another request one day.
    pub(super) fn takes_more(&self) -> bool {
        self.opener.borrow().is_some()
    }

    /// It takes no more requests, and ends with those that it has.
    pub(super) fn retire(&self) {
        // What wakes on this looks at the trunk.
        let opener = self.opener.borrow_mut().take();
        drop(opener);
    }

    /// Whose it is.
    pub(super) fn endpoint(&self) -> EndpointIndex {
        self.endpoint
    }

    /// The bytes below.
    pub(super) fn below(&self) -> &Below {
        &self.below
    }

    /// Whether its connection has ended, or takes no more requests.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.get()
            || match &mut *self.opener.borrow_mut() {
                Some(opener) => refusal(opener).is_some(),
                None => true,
            }
    }

    /// Whether it carries no request, and never will.
    pub(super) fn is_over(&self) -> bool {
        self.open.get() == 0 && !self.takes_more()
    }

    /// Since when nothing has been begun on it, where there is something on it at all.
    pub(super) fn busy_since(&self) -> Option<Tick> {
        (self.open.get() > 0).then(|| self.used.get())
    }

    /// Retires it where it has rested for too long, or become too old; answers when to look again.
    pub(super) fn tend(&self, now: Tick) -> Tick {
        let rests_until = match self.open.get() {
            0 => self.idle_since.get().after(self.rules.rest),
            _ => Tick::NEVER,
        };
        let by = rests_until.min(self.ends_by);
        if now >= by {
            self.retire();
            return Tick::NEVER;
        }
        by
    }

    /// Its connection has ended.
    pub(super) fn end(&self) {
        self.ended.set(true);
        let opener = self.opener.borrow_mut().take();
        if self.open.get() > 0 {
            return;
        }
        self.resting.set(self.resting.get() - 1);
        let said = |error: h2::Error| error.is_go_away();
        if opener.is_some_and(|mut opener| !refusal(&mut opener).is_some_and(said)) {
            // An endpoint that says so before loses nobody's request.
            let idle = self.deadlines.now().since(self.idle_since.get());
            self.kept.commons.saw_close(self.endpoint, idle);
        }
    }
}

/// Why a connection takes no more requests, if it does not.
fn refusal(opener: &mut SendRequest<Bytes>) -> Option<h2::Error> {
    match opener.poll_ready(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => Some(error),
        Poll::Ready(Ok(())) | Poll::Pending => None,
    }
}

/// One request's place on a trunk.
pub(super) struct Place {
    pub(super) trunk: Rc<Trunk>,
    pub(super) opener: SendRequest<Bytes>,
    /// Whether there were others before.
    pub(super) reused: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let trunk = &self.trunk;
        trunk.open.set(trunk.open.get() - 1);
        if trunk.open.get() > 0 {
            return;
        }
        trunk.idle_since.set(trunk.deadlines.now());
        if !trunk.ended.get() {
            trunk.resting.set(trunk.resting.get() + 1);
        }
        if !trunk.kept.has_room {
            trunk.retire();
        }
    }
}
