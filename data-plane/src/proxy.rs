//! A request's journey: keep its trace, identify it, find its route, choose an endpoint, measure its
//! head, prepare what is sent, see whether its client may have that endpoint, attempt, and again where
//! that is safe, relay the answer, record. A route with a route service sends the request there first
//! ([`service`]).
//!
//! Each step is a module of its own with a core that knows no socket. What can go wrong with an
//! endpoint is one enum ([`Reason`]).

mod answer;
mod attempt;
mod authorize;
mod blame;
mod broken;
mod budget;
mod choose;
mod client_cert;
mod desk;
mod filter;
mod find;
mod hops;
mod identify;
mod instance;
mod measure;
mod names;
mod patience;
mod prepare;
mod race;
mod reason;
mod record;
mod refusal;
mod relay;
mod replay;
mod request_id;
mod service;
mod sticky;
mod trace;
mod tunnel;
mod upgrade;
mod upload;
mod way;

use std::rc::Rc;

use tokio::time::Instant;

use crate::deadlines::{Deadline, Tick};
use crate::downstream::Exchange;
use crate::worker::{Permit, Worker};

pub(crate) use answer::{Unread, answer_refused};
pub(crate) use attempt::endpoint_reason;
pub(crate) use broken::{Broken, answer_broken};
pub(crate) use budget::RetryBudget;
pub(crate) use desk::{Desk, Room};
use reason::Failure;
pub(crate) use reason::Reason;
use record::Record;
use refusal::Refusal;
use service::{Detour, Outward};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its answer was sent to the end.
    Complete,
    /// It is shorter than it should be, and the connection has to show that.
    Short,
    /// The client is gone, or takes nothing any more.
    Gone,
}

/// What a journey works with.
pub(crate) struct Journey<'a, 'c> {
    worker: &'a Rc<Worker>,
    exchange: &'a mut Exchange<'c>,
    desk: &'a mut Desk,
    deadline: &'a Deadline,
    /// When the answer has to have ended.
    ends_by: Tick,
    record: Record,
    /// Whether its line is written.
    recorded: bool,
    /// What it has to do with a route service, if anything.
    detour: Option<Box<Detour>>,
    /// Its place among the requests in flight: until everything of it is counted.
    permit: Option<Permit>,
}

/// Why a request did not get an endpoint's answer, or not all of it.
enum Trouble {
    /// The router would not forward it.
    Refused(Refusal),
    /// Its last attempt failed.
    Failed(Failure),
    /// The answer had begun.
    BrokenOff(Reason),
    /// The journey to a route service has ended so, and told why.
    Ended(Ending),
}

/// What becomes of a request in the place of an attempt at an endpoint.
enum Instead {
    /// The router would not forward it.
    Refused(Refusal),
    /// It goes to the service of its route.
    Service(Box<Outward>),
}

impl From<Refusal> for Instead {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Serves one request, from its head to the line in the access log.
pub(crate) async fn handle(
    worker: &Rc<Worker>,
    exchange: &mut Exchange<'_>,
    desk: &mut Desk,
    deadline: &Deadline,
) -> Ending {
    let mut journey = Journey::new(worker, exchange, desk, deadline);
    worker.counters.requests.increment();
    journey.run().await
}

/// A journey that was left before its end leaves what is known of it on the desk, for
/// [`answer_broken`].
impl Drop for Journey<'_, '_> {
    fn drop(&mut self) {
        self.take_back_request();
        if !self.recorded {
            self.desk.left = Some(self.record.clone());
        }
    }
}

impl<'a, 'c> Journey<'a, 'c> {
    /// One that begins now.
    #[inline]
    fn new(
        worker: &'a Rc<Worker>,
        exchange: &'a mut Exchange<'c>,
        desk: &'a mut Desk,
        deadline: &'a Deadline,
    ) -> Self {
        Self {
            worker,
            exchange,
            desk,
            deadline,
            ends_by: Tick::NEVER,
            record: Record::new(Instant::now(), request_id::generate(worker.random128())),
            recorded: false,
            detour: None,
            permit: None,
        }
    }
}

impl Journey<'_, '_> {
    /// From the head to the line in the access log.
    async fn run(&mut self) -> Ending {
        let ending = match self.travel().await {
            Ok(()) => Ending::Complete,
            Err(trouble) => self.settle(trouble).await,
        };
        self.deadline.clear();
        self.record(ending);
        ending
    }

    /// The whole way of a request.
    async fn travel(&mut self) -> Result<(), Trouble> {
        self.trace();
        self.identify().map_err(Trouble::Refused)?;
        let mut chosen = match self.find() {
            Ok(chosen) => chosen,
            Err(Instead::Refused(refusal)) => return Err(Trouble::Refused(refusal)),
            Err(Instead::Service(outward)) => return Box::pin(self.visit(outward)).await,
        };
        self.measure(&chosen).map_err(Trouble::Refused)?;
        self.check_domain().map_err(Trouble::Refused)?;
        self.prepare();
        self.filter(&chosen)
            .map_err(|reason| Trouble::Failed(Failure::unsent(reason)))?;
        loop {
            self.authorize(&chosen).map_err(Trouble::Refused)?;
            let (upstream, upload) = match self.attempt(&mut chosen).await {
                Ok(answered) => answered,
                Err(failure) => {
                    self.blame(&mut chosen, failure.reason);
                    chosen = self
                        .choose_again(chosen, failure)
                        .map_err(Trouble::Failed)?;
                    continue;
                }
            };
            if self.desk.prepared.upgrade.is_some() {
                // A box of its own: what only tunnels need is not kept for every connection.
                return Box::pin(self.switch(upstream, upload, Some(chosen))).await;
            }
            return self.relay(upstream, upload, Some(&chosen)).await;
        }
    }

    /// What the client gets where it does not get an endpoint's answer.
    async fn settle(&mut self, trouble: Trouble) -> Ending {
        match trouble {
            Trouble::Refused(refusal) => self.refuse(refusal).await,
            Trouble::Failed(failure) => {
                self.count_failed_upgrade();
                self.fail(failure.reason).await
            }
            Trouble::Ended(ending) => ending,
            Trouble::BrokenOff(reason) => {
                self.worker.counters.failures.count(reason);
                if reason == Reason::ClientStalled {
                    self.worker.counters.clients_stalled.increment();
                }
                self.record.break_off(reason);
                match reason {
                    Reason::ClientGone | Reason::ClientStalled => Ending::Gone,
                    _ => Ending::Short,
                }
            }
        }
    }
}
