//! A closed loop: every connection asks again as soon as it is answered.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::{Connection, Turn};
use super::{Kind, LOAD, Request, Special, Tally, Target};
use crate::machine::CpuTime;
use crate::poller::{Interest, Poller};

/// A stretch of load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) kind: Kind,
    /// What is asked for in the place of random routes.
    pub(crate) special: Option<Special>,
    pub(crate) connections: usize,
    /// How long it runs before anything is counted.
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
}

/// How long a proxy may leave all connections without an answer.
const STALL: Duration = Duration::from_secs(5);

/// Runs it on this thread.
pub(crate) fn run(plan: Plan) -> io::Result<Tally> {
    let mut load = Load::open(plan)?;
    load.go_on_for(plan.warm_up)?;
    (load.requests, load.errors) = (0, 0);
    let (began, before) = (Instant::now(), CpuTime::of(plan.target.pid));
    let load_before = CpuTime::of_threads(&LOAD);
    load.go_on_for(plan.duration)?;
    Ok(Tally {
        requests: load.requests,
        errors: load.errors,
        elapsed: began.elapsed(),
        used: CpuTime::of(plan.target.pid).since(before),
        load: CpuTime::of_threads(&LOAD).since(load_before),
    })
}

struct Load {
    plan: Plan,
    poller: Poller,
    connections: Vec<Connection>,
    request: Request,
    scratch: Vec<u8>,
    requests: u64,
    errors: u64,
}

impl Load {
    fn open(plan: Plan) -> io::Result<Self> {
        let mut load = Self {
            plan,
            poller: Poller::new()?,
            connections: Vec::with_capacity(plan.connections),
            request: plan.special.map_or_else(
                || Request::new(plan.kind, plan.target.routes),
                Request::special,
            ),
            scratch: vec![0; 256 * 1024],
            requests: 0,
            errors: 0,
        };
        for at in 0..plan.connections {
            let connection = load.begin(at)?;
            load.connections.push(connection);
        }
        Ok(load)
    }

    /// A connection with its first request on its way.
    fn begin(&mut self, at: usize) -> io::Result<Connection> {
        let mut connection = Connection::open(self.plan.target.address, self.plan.kind)?;
        connection.ask(self.request.next())?;
        self.poller
            .add(&connection.socket, at, interest(&connection))?;
        Ok(connection)
    }

    fn go_on_for(&mut self, duration: Duration) -> io::Result<()> {
        let (end, mut ready) = (Instant::now() + duration, Vec::new());
        loop {
            self.poller.wait(&mut ready, STALL)?;
            if ready.is_empty() {
                return Err(io::Error::other(format!("no answer for {STALL:?}")));
            }
            for &at in &ready {
                if self.turn(at).is_err() {
                    self.errors += 1;
                    self.connections[at] = self.begin(at)?;
                }
            }
            if Instant::now() >= end {
                return Ok(());
            }
        }
    }

    fn turn(&mut self, at: usize) -> io::Result<()> {
        let connection = &mut self.connections[at];
        if connection.unsent > 0 {
            connection.send(self.request.bytes())?;
            if connection.unsent == 0 {
                self.poller.change(&connection.socket, at, Interest::Read)?;
            }
            return Ok(());
        }
        match connection.receive(&mut self.scratch)? {
            Turn::Waiting => {}
            // Closing first is what clients do that read `Connection: close` (wrk among them).
            Turn::Answered if self.plan.kind == Kind::NewConnection => {
                self.requests += 1;
                self.connections[at] = self.begin(at)?;
            }
            Turn::Answered => {
                self.requests += 1;
                connection.ask(self.request.next())?;
                if connection.unsent > 0 {
                    self.poller
                        .change(&connection.socket, at, Interest::Write)?;
                }
            }
        }
        Ok(())
    }
}

fn interest(connection: &Connection) -> Interest {
    if connection.unsent > 0 {
        Interest::Write
    } else {
        Interest::Read
    }
}
