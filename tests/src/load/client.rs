//! The clients: when the next request is due, on which connection it goes, and what became of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::exchange::{Request, exchange, is_open};
use super::{Lost, Outcome, Shared};
use crate::Moment;

/// How often it is looked whether a request is due.
const TICK: Duration = Duration::from_millis(1);
/// The longest debt of requests that is paid after the machine did something else.
const DEBT: Duration = Duration::from_millis(100);

/// What all requests of the load's thread share.
struct Clients {
    shared: Arc<Shared>,
    /// By router, the connections that carry nothing.
    idle: Vec<RefCell<Vec<TcpStream>>>,
    turn: Cell<usize>,
    random: RefCell<fastrand::Rng>,
}

/// Runs until it is told to stop.
pub(super) fn run(shared: &Arc<Shared>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime for the load");
    let clients = Rc::new(Clients {
        shared: Arc::clone(shared),
        idle: shared.routers.iter().map(|_| RefCell::default()).collect(),
        turn: Cell::new(0),
        random: RefCell::new(fastrand::Rng::new()),
    });
    LocalSet::new().block_on(&runtime, drive(&clients));
}

/// Begins requests when they are due, whatever became of those before.
async fn drive(clients: &Rc<Clients>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut last = Moment::now();
    // In requests per second times nanoseconds, so that nothing is lost to rounding.
    let mut owed = 0;
    let mut id = 0;
    while !clients.shared.stop.load(Ordering::SeqCst) {
        ticks.tick().await;
        let now = Moment::now();
        let passed = now.since(last).min(DEBT);
        last = now;
        if clients.shared.paused.load(Ordering::SeqCst) {
            owed = 0;
            continue;
        }
        owed += clients.shared.rate * u64::try_from(passed.as_nanos()).unwrap_or_default();
        while owed >= 1_000_000_000 {
            owed -= 1_000_000_000;
            if let Some(request) = clients.next(id) {
                id += 1;
                let clients = Rc::clone(clients);
                tokio::task::spawn_local(async move { clients.one(request).await });
            }
        }
    }
}

impl Clients {
    /// The next request, which is in flight from now on.
    fn next(&self, id: u64) -> Option<Request> {
        let hosts = self.shared.hosts.lock();
        let host = self.random.borrow_mut().choice(hosts.iter())?;
        // Counted before the list is let go: whoever takes a host off it sees all that it had.
        *self
            .shared
            .in_flight
            .lock()
            .entry(Arc::clone(host))
            .or_default() += 1;
        Some(Request::new(id, Arc::clone(host)))
    }

    async fn one(&self, request: Request) {
        let outcome = self.send(self.choose(), &request).await;
        let shared = &self.shared;
        shared.outcomes.lock().push(outcome);
        if let Some(count) = shared.in_flight.lock().get_mut(&request.host) {
            *count -= 1;
        }
        shared.ended.fetch_add(1, Ordering::SeqCst);
    }

    /// The next router whose turn it is and that is healthy; if none is, the next.
    fn choose(&self) -> usize {
        let count = self.shared.routers.len();
        let turn = self.turn.get() + 1;
        self.turn.set(turn);
        let healthy = |router: &usize| self.shared.routers[*router].healthy.load(Ordering::SeqCst);
        let mut from_here = (0..count).map(|offset| (turn + offset) % count);
        from_here.find(healthy).unwrap_or(turn % count)
    }

    fn patience(&self) -> Duration {
        *self.shared.patience.lock()
    }

    async fn send(&self, router: usize, request: &Request) -> Outcome {
        let (router, mut connection, reused) = match self.connection(router).await {
            Ok(found) => found,
            Err(error) => {
                let lost = Lost::Unconnected(error);
                return request.outcome(router, Moment::now(), Err(lost));
            }
        };
        let sent = Moment::now();
        let exchanged = timeout(self.patience(), exchange(&mut connection, request)).await;
        let answer = match exchanged {
            Err(_elapsed) => Err(Lost::Late),
            Ok(Err(lost)) => Err(lost),
            Ok(Ok(answered)) => {
                if answered.keeps {
                    self.idle[router].borrow_mut().push(connection);
                }
                answered.answer
            }
        };
        Outcome {
            reused,
            ..request.outcome(router, sent, answer)
        }
    }

    /// A connection that is open as far as can be seen: one that carries nothing, else a fresh one; to the router whose
    /// turn it is, else to any that takes it.
    async fn connection(&self, first: usize) -> Result<(usize, TcpStream, bool), String> {
        let mut refusal = String::new();
        let count = self.idle.len();
        for router in (0..count).map(|offset| (first + offset) % count) {
            loop {
                let kept = self.idle[router].borrow_mut().pop();
                match kept {
                    Some(connection) if is_open(&connection) => {
                        return Ok((router, connection, true));
                    }
                    Some(_closed) => {}
                    None => break,
                }
            }
            let address = *self.shared.routers[router].address.lock();
            let patience = self.patience();
            match timeout(patience, TcpStream::connect(address)).await {
                Ok(Ok(connection)) => {
                    let _works_without = connection.set_nodelay(true);
                    return Ok((router, connection, false));
                }
                Ok(Err(error)) => refusal = format!("{address}: {error}"),
                Err(_elapsed) => refusal = format!("{address}: no connection within {patience:?}"),
            }
        }
        Err(refusal)
    }
}
