//! A connection for an attempt. One that does not stand after a while gets company: the next
//! endpoint is dialled beside it, and the request goes to whichever connects first. Only
//! connections are made twice; the request is sent on one of them.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pointsman_routing::{Attempt, Endpoint, Lease, Route};
use smallvec::SmallVec;
use tokio::time::{Sleep, sleep};

use super::Journey;
use super::choose::Chosen;
use super::reason::Reason;
use crate::deadlines::Tick;
use crate::upstream::http2::share;
use crate::upstream::{Carrier, dial};
use crate::worker::Worker;

/// One dial of a race.
struct Racer {
    endpoint: Arc<Endpoint>,
    /// The place at the endpoint; `None` for the one that was chosen, which has its place already.
    lease: Option<Lease>,
    watched: Option<Attempt>,
    dial: Dial,
    /// When it has taken too long, for what it is at.
    by: Tick,
    /// Whether `by` is that of the handshake.
    shaking: bool,
}

/// A connection in the making, independent of the request that wants it.
struct Dial {
    made: Pin<Box<dyn Future<Output = Result<Carrier, Reason>>>>,
    /// Whether the endpoint has accepted it; what follows is the handshake.
    accepted: Rc<Cell<bool>>,
}

/// What happened in a race.
enum Event {
    /// This one stands.
    Won(usize, Carrier),
    /// This one has failed.
    Lost(usize, Reason),
    /// It is time to dial another endpoint.
    Late,
    /// The time of the request is over.
    Overdue,
    /// There is nobody to connect for any more.
    ClientGone,
}

/// The dials for one request, the latest last.
struct Race {
    racers: SmallVec<[Racer; 2]>,
    /// When another endpoint is dialled; `None` where there is no other.
    late: Option<Pin<Box<Sleep>>>,
}

impl Dial {
    /// Begins a connection to an endpoint in HTTP/1.1.
    fn start(worker: &Rc<Worker>, endpoint: &Arc<Endpoint>) -> Self {
        worker.counters.dials.increment();
        let accepted = Rc::new(Cell::new(false));
        let (worker, endpoint, seen) = (
            Rc::clone(worker),
            Arc::clone(endpoint),
            Rc::clone(&accepted),
        );
        let made = Box::pin(async move {
            let socket = dial::connect(&endpoint).await?;
            seen.set(true);
            dial::connection(socket, &endpoint, &worker)
                .await
                .map(Carrier::Http1)
        });
        Self { made, accepted }
    }

    /// The same to an endpoint that may choose HTTP/2.
    #[cold]
    fn share(worker: &Rc<Worker>, endpoint: &Arc<Endpoint>, repeatable: bool) -> Self {
        let accepted = Rc::new(Cell::new(false));
        let (worker, endpoint) = (Rc::clone(worker), Arc::clone(endpoint));
        let made = Box::pin(share(worker, endpoint, repeatable, Rc::clone(&accepted)));
        Self { made, accepted }
    }
}

impl Journey<'_, '_> {
    /// A fresh connection to the chosen endpoint, or to another one that was faster and is the
    /// chosen one then.
    pub(super) async fn connect(&mut self, chosen: &mut Chosen) -> Result<Carrier, Reason> {
        let first = Racer {
            dial: self.dial(chosen.lease.endpoint()),
            endpoint: Arc::clone(chosen.lease.endpoint()),
            lease: None,
            watched: chosen.watched.take(),
            by: self
                .deadline
                .now()
                .after(self.worker.settings.timeouts.dial),
            shaking: false,
        };
        let mut race = Race {
            racers: SmallVec::from_iter([first]),
            late: None,
        };
        if chosen.has_siblings() {
            race.late = Some(Box::pin(sleep(self.hedge_after())));
        }
        loop {
            match poll_fn(|cx| self.poll_race(cx, &mut race)).await {
                Event::Won(at, connection) => {
                    self.finish(race, at, chosen);
                    return Ok(connection);
                }
                Event::Lost(at, reason) => {
                    let loser = race.racers.remove(at);
                    if race.racers.is_empty() {
                        chosen.take_over(loser.lease, loser.watched);
                        return Err(reason);
                    }
                    chosen.failed.push(loser.endpoint.state().index());
                    self.note_failure(&chosen.route, &loser.endpoint, loser.watched, reason);
                }
                Event::Overdue => return Err(self.give_up(race, Reason::Timeout)),
                Event::ClientGone => return Err(self.give_up(race, Reason::ClientGone)),
                Event::Late => {
                    if let Some(connection) = self.dial_another(&mut race, chosen) {
                        return Ok(connection);
                    }
                }
            }
        }
    }

    fn dial(&self, endpoint: &Arc<Endpoint>) -> Dial {
        if self.may_share(endpoint) {
            Dial::share(self.worker, endpoint, self.desk.prepared.idempotent)
        } else {
            Dial::start(self.worker, endpoint)
        }
    }

    /// Nobody wants a connection any more, which tells nothing of the endpoints.
    fn give_up(&self, race: Race, reason: Reason) -> Reason {
        for racer in race.racers {
            if let Some(attempt) = racer.watched {
                let conduct = racer.endpoint.state().conduct();
                conduct.left(attempt, self.worker.coarse_time());
            }
        }
        reason
    }

    fn hedge_after(&self) -> Duration {
        self.worker.settings.timeouts.hedge
    }

    /// Dials the next endpoint of the pool, or has a connection to it already.
    fn dial_another(&mut self, race: &mut Race, chosen: &mut Chosen) -> Option<Carrier> {
        race.late = None;
        let allowed = self.worker.settings.limits.attempts.max(2) as usize;
        if race.racers.len() >= allowed {
            return None;
        }
        let lease = self.choose_beside(chosen)?;
        let endpoint = Arc::clone(lease.endpoint());
        let index = endpoint.state().index();
        let known = |racer: &Racer| racer.endpoint.state().index() == index;
        if race.racers.iter().any(known) {
            return None;
        }
        self.worker.counters.hedges.increment();
        let watched = self.watch(&chosen.route, &endpoint);
        if let Some(kept) = self.take_kept(&endpoint) {
            let racers = std::mem::take(&mut race.racers);
            for racer in racers {
                self.overtaken(racer, chosen);
            }
            chosen.take_over(Some(lease), watched);
            return Some(kept);
        }
        race.racers.push(Racer {
            dial: self.dial(&endpoint),
            endpoint,
            lease: Some(lease),
            watched,
            by: self
                .deadline
                .now()
                .after(self.worker.settings.timeouts.dial),
            shaking: false,
        });
        race.late = Some(Box::pin(sleep(self.hedge_after())));
        None
    }

    /// The race is over: the winner is the chosen one, the others go on without a request.
    fn finish(&mut self, race: Race, winner: usize, chosen: &mut Chosen) {
        for (at, racer) in race.racers.into_iter().enumerate() {
            if at == winner {
                chosen.take_over(racer.lease, racer.watched);
            } else {
                self.overtaken(racer, chosen);
            }
        }
    }

    /// Gives a dial up as far as this request is concerned. Its connection is kept if it comes to
    /// stand; one such dial per endpoint and worker is enough.
    fn overtaken(&mut self, racer: Racer, chosen: &mut Chosen) {
        let Racer {
            endpoint,
            watched,
            dial,
            ..
        } = racer;
        chosen.selection.forget(endpoint.state().index());
        if let Some(attempt) = watched {
            let now = self.worker.coarse_time();
            endpoint.state().conduct().overtaken(attempt, now);
        }
        if self.worker.late_dials.begin(endpoint.state().index()) {
            let worker = Rc::clone(self.worker);
            let route = Arc::clone(&chosen.route);
            tokio::task::spawn_local(finish_late(worker, route, endpoint, dial));
        }
    }

    fn poll_race(&mut self, cx: &mut Context<'_>, race: &mut Race) -> Poll<Event> {
        let now = self.deadline.now();
        let timeouts = &self.worker.settings.timeouts;
        let mut by = self.ends_by;
        let mut accepted = false;
        for (at, racer) in race.racers.iter_mut().enumerate() {
            match racer.dial.made.as_mut().poll(cx) {
                Poll::Ready(Ok(connection)) => return Poll::Ready(Event::Won(at, connection)),
                Poll::Ready(Err(reason)) => return Poll::Ready(Event::Lost(at, reason)),
                Poll::Pending => {}
            }
            if racer.dial.accepted.get() && !racer.shaking {
                racer.shaking = true;
                racer.by = now.after(timeouts.handshake);
            }
            if now >= racer.by {
                let late = if racer.shaking {
                    Reason::HandshakeTimeout
                } else {
                    Reason::DialTimeout
                };
                return Poll::Ready(Event::Lost(at, late));
            }
            accepted |= racer.shaking;
            by = by.min(racer.by);
        }
        if self.client_is_gone(cx) {
            return Poll::Ready(Event::ClientGone);
        }
        if now >= self.ends_by {
            return Poll::Ready(Event::Overdue);
        }
        self.deadline.set(by);
        // An endpoint that has accepted may take its time to prove who it is.
        if let Some(late) = &mut race.late
            && late.as_mut().poll(cx).is_ready()
        {
            race.late = None;
            if !accepted {
                return Poll::Ready(Event::Late);
            }
        }
        Poll::Pending
    }
}

/// Sees a dial through that no request waits for any more.
async fn finish_late(worker: Rc<Worker>, route: Arc<Route>, endpoint: Arc<Endpoint>, dial: Dial) {
    let timeouts = &worker.settings.timeouts;
    let made = tokio::time::timeout(timeouts.dial + timeouts.handshake, dial.made).await;
    worker.late_dials.end(endpoint.state().index());
    match made {
        // A stream that nobody uses leaves its connection to others.
        Ok(Ok(Carrier::Http2(_))) => {}
        Ok(Ok(Carrier::Http1(connection))) => {
            if worker.settings.upstream.keep_alive && !worker.stage().is_closing() {
                let now = worker.deadlines.now();
                worker.idle.borrow_mut().put(connection, now);
            }
        }
        Ok(Err(reason)) => worker.hold_against(&route, &endpoint, reason),
        Err(_) => worker.hold_against(&route, &endpoint, Reason::DialTimeout),
    }
}
