//! The thread of a worker: its runtime, its listeners, and its end.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use pointsman_process::shutdown::Stages;
use rustls::ClientConfig;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout};

use super::admission::Places;
use super::memory::Memory;
use super::seldom::Seldom;
use super::{Admission, Crowd, Mailbox, Told, Worker, housekeeping};
use crate::access_log::Lines;
use crate::buffer::Buffers;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::deadlines::Deadlines;
use crate::downstream::tls::Front;
use crate::drain::{self, Stage};
use crate::events::Emitter;
use crate::failing::FailureReporter;
use crate::listener::{self, Doors, Share};
use crate::overrides::Switches;
use crate::proxy::RetryBudget;
use crate::servable::Servable;
use crate::settings::Settings;
use crate::table::TableHandle;
use crate::upstream::tls::Identities;
use crate::upstream::{Commons, Handshakes, Idle, LateDials, Services, Trunks};

/// How long connections get to end by themselves once they were told that the time is over.
const LAST_CALL: Duration = Duration::from_millis(500);

/// What a worker is started with.
pub(crate) struct Assignment {
    /// Which worker it is.
    pub(crate) index: usize,
    /// Its own listeners.
    pub(crate) listeners: Vec<Share>,
    /// The client connections of all workers.
    pub(crate) crowd: Arc<Crowd>,
    /// What others hand to it.
    pub(crate) mailbox: Mailbox,
    /// What the proxy was told.
    pub(crate) settings: Arc<Settings>,
    /// What it counts.
    pub(crate) counters: Arc<Counters>,
    /// The published table.
    pub(crate) table: TableHandle,
    /// Where failures of endpoints are told.
    pub(crate) failures: FailureReporter,
    /// How endpoints prove who they are.
    pub(crate) identities: Arc<Identities>,
    /// TLS towards clients.
    pub(crate) front: Option<Arc<Front>>,
    /// How TLS is spoken with route services.
    pub(crate) service_tls: Option<Arc<ClientConfig>>,
    /// Places for requests in flight.
    pub(crate) places: Arc<Places>,
    /// Its lines of the access log.
    pub(crate) lines: Option<Lines>,
    /// Its events.
    pub(crate) events: Option<Emitter>,
    /// The origin of the table's time.
    pub(crate) origin: Instant,
    /// Unused connections to endpoints that any worker may take.
    pub(crate) commons: Arc<Commons>,
    /// How many further attempts there may be.
    pub(crate) retries: Arc<RetryBudget>,
    /// When it accepts, and how the process leaves.
    pub(crate) doors: Doors,
    /// Whether there is a table that may be served.
    pub(crate) servable: Servable,
    /// What an operator has switched for a while.
    pub(crate) switches: Arc<Switches>,
}

/// Starts a worker, which says how it ended through `ended`. When this returns it has what it takes to run: a process that
/// lacks descriptors for that does not start, instead of ending a moment later.
pub(crate) fn spawn(
    assignment: Assignment,
    ended: mpsc::UnboundedSender<io::Result<()>>,
) -> io::Result<thread::JoinHandle<()>> {
    let name = format!("worker-{}", assignment.index);
    let (built, is_built) = std::sync::mpsc::channel();
    let thread = thread::Builder::new().name(name).spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| run(assignment, &built)));
        let result = result.unwrap_or_else(|_| Err(io::Error::other("a worker has panicked")));
        // Whoever waits for the end may be gone already.
        let _ = ended.send(result);
    })?;
    let built = is_built.recv();
    built.map_err(|_ended| io::Error::other("a worker ended before it began"))??;
    Ok(thread)
}

fn run(assignment: Assignment, built: &Sender<io::Result<()>>) -> io::Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    let (runtime, told) = match runtime {
        Ok(runtime) => (Some(runtime), Ok(())),
        Err(error) => (None, Err(error)),
    };
    // Whoever starts a worker waits for this.
    let _ = built.send(told);
    runtime.map_or(Ok(()), |runtime| runtime.block_on(serve(assignment)))
}

async fn serve(mut assignment: Assignment) -> io::Result<()> {
    let doors = assignment.doors.clone();
    let listeners = std::mem::take(&mut assignment.listeners);
    let (worker, mailbox) = Worker::new(assignment);
    let worker = Rc::new(worker);
    worker.renew_date();
    let mut vital = JoinSet::new();
    for Share { socket, tls } in listeners {
        let listener = tokio::net::TcpListener::from_std(socket)?;
        vital.spawn_local(listener::accept(
            (listener, tls),
            Rc::clone(&worker),
            doors.clone(),
        ));
    }
    vital.spawn_local(listener::receive(mailbox, Rc::clone(&worker)));
    let turnstile = Rc::clone(&worker);
    vital.spawn_local(async move { turnstile.handshakes.keep().await });
    vital.spawn_local(housekeeping::run(Rc::clone(&worker)));
    let result = tokio::select! {
        () = leave(&worker, &doors.stages) => Ok(()),
        died = first_panic(&mut vital) => Err(io::Error::other(died)),
    };
    if result.is_err() {
        // What the others have in work ends with the process; it is logged that it did.
        worker.enter_stage(Stage::Ending);
        let _ = timeout(LAST_CALL, drain::until_empty(&worker)).await;
    }
    drop(worker.lines.borrow_mut().take());
    worker.flush_events();
    drop(worker.events.borrow_mut().take());
    result
}

/// The first end of a task that had to go on. Listeners end by themselves in a drain.
async fn first_panic(vital: &mut JoinSet<()>) -> JoinError {
    loop {
        if let Some(Err(died)) = vital.join_next().await {
            return died;
        }
    }
}

/// Waits for the stages of leaving, and sees them through.
async fn leave(worker: &Rc<Worker>, stages: &Stages) {
    stages.leaving().cancelled().await;
    worker.enter_stage(Stage::Leaving);
    stages.closing().cancelled().await;
    // The listeners have seen it too, and accept the last connections before this goes on.
    tokio::task::yield_now().await;
    worker.enter_stage(Stage::Closing);
    worker.idle.borrow_mut().clear();
    worker.trunks.clear();
    worker.services.clear();
    tokio::select! {
        () = drain::until_empty(worker) => {}
        () = stages.ending().cancelled() => {
            worker.counters.cut_by_drain.add(worker.connections() as u64);
            worker.enter_stage(Stage::Ending);
            // Whoever does not end now is cut with the runtime.
            let _ = timeout(LAST_CALL, drain::until_empty(worker)).await;
        }
    }
}

impl Worker {
    fn new(assignment: Assignment) -> (Self, Mailbox) {
        let Assignment {
            index,
            crowd,
            mailbox,
            settings,
            counters,
            table,
            lines,
            events,
            places,
            ..
        } = assignment;
        let buffers = Rc::new(Buffers::default());
        let trunks = Trunks::new(Arc::clone(&assignment.commons), settings.limits.response);
        let idle = Idle::new(
            assignment.commons,
            index,
            Rc::clone(&buffers),
            settings.limits.response,
        );
        let worker = Self {
            index,
            crowd,
            admission: Admission::new(places, Arc::clone(&counters)),
            memory: (index == 0)
                .then(|| Memory::budget(settings.limits.memory))
                .flatten(),
            settings,
            counters,
            buffers,
            // One origin for all workers: what one leaves to the others has its age.
            deadlines: Rc::new(Deadlines::new(assignment.origin)),
            clock: Clock::new(),
            date: Vec::new().into(),
            table: table.reader().into(),
            scratch: Default::default(),
            cursors: Default::default(),
            idle: idle.into(),
            trunks,
            late_dials: LateDials::default(),
            retries: assignment.retries,
            identities: assignment.identities,
            front: assignment.front,
            handshakes: Handshakes::default(),
            services: Services::new(assignment.service_tls),
            told_of_services: Told::default(),
            failures: assignment.failures,
            lines: lines.into(),
            events: events.into(),
            switches: assignment.switches,
            http2_was_off: Cell::default(),
            servable: assignment.servable,
            semicolons: Seldom::default(),
            rooms: Vec::new().into(),
            random: fastrand::Rng::new().into(),
            stage: Stage::Serving.into(),
            origin: assignment.origin,
        };
        (worker, mailbox)
    }
}
