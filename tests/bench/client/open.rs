//! An open loop: requests come when they are due, whether or not the earlier ones are answered.
//!
//! A latency counts from the moment at which the request was due. So a proxy that stalls is charged for every request
//! that came meanwhile, and not only for those that a waiting client had sent (coordinated omission).

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::connection::{Connection, Turn};
use super::{Kind, LOAD, Request, Tally, Target};
use crate::machine::CpuTime;
use crate::poller::{Interest, Poller};

/// A stretch of load at a fixed rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) connections: usize,
    /// Requests per second.
    pub(crate) rate: u32,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
}

/// What it saw.
#[derive(Debug)]
pub(crate) struct Latencies {
    pub(crate) tally: Tally,
    /// In microseconds, from when each request was due to the last byte of its answer.
    pub(crate) times: Histogram<u64>,
}

struct Load {
    target: Target,
    poller: Poller,
    connections: Vec<Connection>,
    /// When the request on each connection was due.
    due: Vec<Option<Instant>>,
    free: Vec<usize>,
    /// Requests that are due, with no connection free.
    waiting: VecDeque<Instant>,
    request: Request,
    scratch: Vec<u8>,
    times: Histogram<u64>,
    errors: u64,
}

/// The longest latency that is told apart: one minute.
const LONGEST: u64 = 60_000_000;
/// How long the last requests may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs it on this thread.
pub(crate) fn run(plan: Plan) -> io::Result<Latencies> {
    let mut load = Load::open(plan)?;
    load.go_on_for(plan.warm_up, plan.rate)?;
    load.times.reset();
    load.errors = 0;
    let (began, before) = (Instant::now(), CpuTime::of(plan.target.pid));
    let load_before = CpuTime::of_threads(&LOAD);
    load.go_on_for(plan.duration, plan.rate)?;
    load.finish()?;
    let tally = Tally {
        requests: load.times.len(),
        errors: load.errors,
        elapsed: began.elapsed(),
        used: CpuTime::of(plan.target.pid).since(before),
        load: CpuTime::of_threads(&LOAD).since(load_before),
    };
    let times = load.times;
    Ok(Latencies { tally, times })
}

impl Load {
    fn open(plan: Plan) -> io::Result<Self> {
        let poller = Poller::new()?;
        let mut connections = Vec::with_capacity(plan.connections);
        for at in 0..plan.connections {
            let connection = Connection::open(plan.target.address, Kind::Small)?;
            poller.add(&connection.socket, at, Interest::Read)?;
            connections.push(connection);
        }
        Ok(Self {
            target: plan.target,
            poller,
            due: vec![None; connections.len()],
            free: (0..connections.len()).collect(),
            connections,
            waiting: VecDeque::new(),
            request: Request::new(Kind::Small, plan.target.routes),
            scratch: vec![0; 16 * 1024],
            times: Histogram::new_with_bounds(1, LONGEST, 3).map_err(io::Error::other)?,
            errors: 0,
        })
    }

    fn go_on_for(&mut self, duration: Duration, rate: u32) -> io::Result<()> {
        let (step, mut next) = (Duration::from_secs(1) / rate, Instant::now());
        let (end, mut ready) = (next + duration, Vec::new());
        while next < end {
            let now = Instant::now();
            while next <= now {
                self.waiting.push_back(next);
                next += step;
            }
            self.send_what_is_due()?;
            let bound = next.saturating_duration_since(Instant::now());
            self.poller.wait(&mut ready, bound)?;
            for &at in &ready {
                self.turn(at)?;
            }
        }
        Ok(())
    }

    /// Waits for what is on its way: a request that was not answered is not forgotten.
    fn finish(&mut self) -> io::Result<()> {
        let (end, mut ready) = (Instant::now() + PATIENCE, Vec::new());
        while Instant::now() < end
            && !(self.waiting.is_empty() && self.free.len() == self.due.len())
        {
            self.send_what_is_due()?;
            self.poller.wait(&mut ready, Duration::from_millis(100))?;
            for &at in &ready {
                self.turn(at)?;
            }
        }
        self.errors += (self.waiting.len() + self.due.len() - self.free.len()) as u64;
        Ok(())
    }

    fn send_what_is_due(&mut self) -> io::Result<()> {
        while let Some(&due) = self.waiting.front() {
            let Some(at) = self.free.pop() else { break };
            self.waiting.pop_front();
            self.due[at] = Some(due);
            if self.connections[at].ask(self.request.next()).is_err() {
                self.replace(at)?;
            }
        }
        Ok(())
    }

    fn turn(&mut self, at: usize) -> io::Result<()> {
        match self.connections[at].receive(&mut self.scratch) {
            Ok(Turn::Waiting) => {}
            Ok(Turn::Answered) => {
                let waited = self.due[at]
                    .take()
                    .map(|due| due.elapsed())
                    .unwrap_or_default();
                let micros = u64::try_from(waited.as_micros()).unwrap_or(LONGEST);
                self.times.saturating_record(micros.max(1));
                self.free.push(at);
            }
            Err(_) => self.replace(at)?,
        }
        Ok(())
    }

    /// Counts a request that was lost, and puts a fresh connection in the place of its own.
    fn replace(&mut self, at: usize) -> io::Result<()> {
        self.errors += u64::from(self.due[at].take().is_some());
        let connection = Connection::open(self.target.address, Kind::Small)?;
        self.poller.add(&connection.socket, at, Interest::Read)?;
        self.connections[at] = connection;
        if !self.free.contains(&at) {
            self.free.push(at);
        }
        Ok(())
    }
}
