//! One thread of the request path, and everything that its connections share. Nothing of it is
//! shared with other workers but the table, the endpoints' state, and how many requests and
//! connections there are.

mod admission;
mod crowd;
mod housekeeping;
mod memory;
mod seldom;
mod thread;
mod told;
mod visits;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pointsman_routing::{Cursors, Route, Scratch, Time};
use tokio::time::Instant;

use crate::access_log::Lines;
use crate::buffer::Buffers;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::deadlines::{Deadlines, Tick};
use crate::downstream::tls::Front;
use crate::drain::Stage;
use crate::events::Emitter;
use crate::failing::FailureReporter;
use crate::overrides::Switches;
use crate::proxy::{RetryBudget, Room};
use crate::servable::Servable;
use crate::settings::Settings;
use crate::table::Reader;
use crate::upstream::tls::Identities;
use crate::upstream::{Handshakes, Idle, LateDials, Services, Trunks};

pub(crate) use admission::{Admission, Permit, Places};
pub(crate) use crowd::{Crowd, Handed, Mailbox, Seat};
use memory::Memory;
pub(crate) use seldom::Seldom;
pub(crate) use thread::{Assignment, spawn};
pub(crate) use told::Told;
pub(crate) use visits::Visit;

/// Rooms that are kept for the next request.
const ROOMS_KEPT: usize = 256;

/// What the connections of one worker share.
pub(crate) struct Worker {
    /// Which one it is.
    pub(crate) index: usize,
    /// The client connections of all workers.
    pub(crate) crowd: Arc<Crowd>,
    /// What the proxy was told.
    pub(crate) settings: Arc<Settings>,
    /// What is counted here.
    pub(crate) counters: Arc<Counters>,
    /// Read and output buffers.
    pub(crate) buffers: Rc<Buffers>,
    /// Deadlines of the connections.
    pub(crate) deadlines: Rc<Deadlines>,
    /// Wall time.
    pub(crate) clock: Clock,
    /// The value of `Date`, renewed each second.
    pub(crate) date: RefCell<Vec<u8>>,
    /// The routing table.
    pub(crate) table: RefCell<Reader>,
    /// Room for the table's look-ups.
    pub(crate) scratch: RefCell<Scratch>,
    /// Where round robin stands.
    pub(crate) cursors: RefCell<Cursors>,
    /// Unused connections to endpoints.
    pub(crate) idle: RefCell<Idle>,
    /// Connections to endpoints that requests share.
    pub(crate) trunks: Trunks,
    /// Dials that no request waits for.
    pub(crate) late_dials: LateDials,
    /// How many further attempts there may be, in the process.
    pub(crate) retries: Arc<RetryBudget>,
    /// How endpoints prove who they are.
    pub(crate) identities: Arc<Identities>,
    /// TLS towards clients, where a listener speaks it.
    pub(crate) front: Option<Arc<Front>>,
    /// The turnstile before the work of handshakes, with endpoints and with clients.
    pub(crate) handshakes: Handshakes,
    /// The way to route services.
    pub(crate) services: Services,
    /// What was told of them.
    pub(crate) told_of_services: Told,
    /// Where failures of endpoints are told.
    pub(crate) failures: FailureReporter,
    /// The access log, if there is one.
    pub(crate) lines: RefCell<Option<Lines>>,
    /// Events of requests, if they are told.
    pub(crate) events: RefCell<Option<Emitter>>,
    /// What an operator has switched for a while.
    pub(crate) switches: Arc<Switches>,
    /// Whether connections know that HTTP/2 is disabled.
    http2_was_off: Cell<bool>,
    servable: Servable,
    /// Targets with a `;`.
    semicolons: Seldom,
    admission: Admission,
    /// The bound on memory, which one worker looks after.
    memory: Option<Memory>,
    #[expect(
        clippy::vec_box,
        reason = "a room is large, and moves between here and a connection"
    )]
    rooms: RefCell<Vec<Box<Room>>>,
    random: RefCell<fastrand::Rng>,
    stage: Cell<Stage>,
    /// The origin of the table's time, one for the process.
    origin: Instant,
}

impl Worker {
    /// How far the process has come with leaving.
    #[inline]
    pub(crate) fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// Whether clients may be sent here: there is a table that may be served, and the process stays.
    pub(crate) fn is_healthy(&self) -> bool {
        self.stage().is_serving() && self.servable.now()
    }

    /// Tells of a request whose target has a `;`, at most once a second.
    #[cold]
    pub(crate) fn tell_semicolon(&self, request_id: &[u8]) {
        if let Some(unsaid) = self.semicolons.say(Instant::now()) {
            let vcap_request_id = String::from_utf8_lossy(request_id);
            tracing::warn!(%vcap_request_id, unsaid, "deprecated-semicolon-params");
        }
    }

    /// A random number.
    #[inline]
    pub(crate) fn random(&self) -> u64 {
        self.random.borrow_mut().u64(..)
    }

    /// A random number of 128 bits.
    #[inline]
    pub(crate) fn random128(&self) -> u128 {
        self.random.borrow_mut().u128(..)
    }

    /// The time as the table counts it.
    #[inline]
    pub(crate) fn table_time(&self, now: Instant) -> Time {
        Time::since_origin(now.saturating_duration_since(self.origin))
    }

    /// How long the process has served.
    pub(crate) fn since_origin(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.origin)
    }

    /// The time as the table counts it, to the step of the deadlines: for what is compared with
    /// longer times, at the price of nothing.
    #[inline]
    pub(crate) fn coarse_time(&self) -> Time {
        Time::since_origin(self.deadlines.now().since(Tick::START))
    }

    /// Who lets requests in.
    #[inline]
    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Whether there are as many requests at the endpoints of a route, by whichever route they came, as there may be while
    /// others need the rest of the places.
    #[inline]
    pub(crate) fn has_its_share(&self, route: &Route) -> bool {
        self.admission.has_its_share(|| at_endpoints(route))
    }

    /// Counts one more request at the service of its route. `None`: with those that are at its endpoints the route has its
    /// share.
    pub(crate) fn visit_service(&self, route: &Route) -> Option<Visit> {
        self.admission.visit(route, || at_endpoints(route))
    }

    /// Room for a request.
    #[inline]
    pub(crate) fn room(&self) -> Box<Room> {
        self.rooms.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes the room back.
    #[inline]
    pub(crate) fn take_room(&self, mut room: Box<Room>) {
        room.desk.clear();
        let mut rooms = self.rooms.borrow_mut();
        if rooms.len() < ROOMS_KEPT {
            rooms.push(room);
        }
    }

    /// Enters a stage of leaving, and lets every connection know.
    fn enter_stage(&self, stage: Stage) {
        self.stage.set(stage);
        self.deadlines.wake_all();
    }

    /// How many clients are connected, or on their way here from other workers.
    pub(crate) fn connections(&self) -> usize {
        self.crowd.at(self.index)
    }

    /// Counts a client connection until the guard is dropped.
    pub(crate) fn enter(self: &Rc<Self>, seat: Seat) -> Open {
        self.counters.connections_accepted.increment();
        self.counters.connections_open.increment();
        Open {
            worker: Rc::clone(self),
            _seat: seat,
        }
    }
}

/// How many requests the endpoints of a route have.
#[cold]
fn at_endpoints(route: &Route) -> usize {
    let endpoints = route.endpoints().iter();
    let counts = endpoints.map(|endpoint| endpoint.state().requests() as usize);
    counts.sum()
}

/// One open client connection.
pub(crate) struct Open {
    worker: Rc<Worker>,
    _seat: Seat,
}

impl Open {
    /// Who serves it.
    pub(crate) fn worker(&self) -> &Rc<Worker> {
        &self.worker
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let worker = &self.worker;
        if std::thread::panicking() {
            worker.counters.panics.increment();
        }
        worker.counters.connections_open.decrement();
    }
}
