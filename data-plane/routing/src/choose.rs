//! Which endpoint of a pool takes an attempt.

mod asked;
mod cursors;
mod draw;
mod hashed;
mod least_connection;
mod near;
mod rank;
mod slow_start;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

pub use asked::{Asked, Selector, Session};
pub use cursors::Cursors;
use hashed::Hashed;
pub use near::Near;
use rank::Rank;

use crate::outlier::{self, Gate};
use crate::{
    Algorithm, Ejection, Endpoint, EndpointIndex, Lease, PoolIndex, Route, Settings, Time,
};

/// What a choice depends on beside the pool. A worker makes one per attempt.
#[derive(Debug)]
pub struct Context<'a> {
    /// The settings of the table that the route was found in.
    pub settings: &'a Settings,
    /// The worker's round-robin positions.
    pub cursors: &'a mut Cursors,
    /// The time of the attempt.
    pub now: Time,
    /// A fresh random number.
    pub random: u64,
    /// Requests in flight that an endpoint may have where it does not say; 0 for no bound (L-23).
    pub max_connections: u32,
    /// Whose endpoints come first, if any do.
    pub near: Option<Near<'a>>,
    /// How long a new endpoint takes until its share is as large as another's; zero for at once.
    pub slow_start: Duration,
}

/// Why no endpoint was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// There is none, or all are set aside: the route's [`EmptyPool`](crate::EmptyPool) decides
    /// what the client gets.
    Empty,
    /// Each one has as many requests in flight as it may have.
    Overloaded,
    /// The one that the request has to go to is gone, or has as many as it may have while others
    /// have room ([`Session::must`]).
    Missing,
}

/// The choices of one request, one per attempt.
#[derive(Debug, Default)]
pub struct Selection {
    /// Which turn of round robin is this request's.
    turn: Option<usize>,
    last: Option<EndpointIndex>,
    /// Tried before `last`. Most requests have one attempt, and then nothing is allocated.
    tried: Vec<EndpointIndex>,
    ejected: Option<Ejection>,
    /// One that was passed over in this choice because it has no room.
    full: Cell<Option<EndpointIndex>>,
    /// What few requests ask for.
    asked: Option<Box<Asked>>,
    /// Whether the request itself named the last choice.
    bound: bool,
}

/// The endpoints that a choice is made among, and how.
#[derive(Clone, Copy)]
struct Among<'a> {
    endpoints: &'a [Arc<Endpoint>],
    how: How<'a>,
    /// Whose turns are taken; `None` for a part of a pool, which has none of its own.
    pool: Option<PoolIndex>,
}

/// How an endpoint is chosen among those of a rank.
#[derive(Clone, Copy)]
enum How<'a> {
    RoundRobin,
    LeastConnection,
    Hashed(Hashed<'a>),
}

/// Where one choice begins.
#[derive(Clone, Copy)]
struct Start<'a> {
    /// The turn of round robin.
    turn: usize,
    /// The zone that comes first.
    zone: Option<&'a str>,
}

impl Selection {
    /// For a request that has not tried anything.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            turn: None,
            last: None,
            tried: Vec::new(),
            ejected: None,
            full: Cell::new(None),
            asked: None,
            bound: false,
        }
    }

    /// Chooses an endpoint for the next attempt, and counts the request there.
    ///
    /// Endpoints that failed within the mark time are passed over, silent ones come after all
    /// others that did not fail, orphans after these, and what this request tried already is tried
    /// again only where there is nothing else. Where only endpoints with a mark are left, the
    /// pool's marks are cleared. An endpoint that turns out to be an outlier among its siblings is
    /// taken out ([`Selection::take_ejection`]), and another one chosen. Give each attempt the
    /// route as the current table holds it ([`Table::renew`]).
    ///
    /// [`Table::renew`]: crate::Table::renew
    ///
    /// # Errors
    ///
    /// Where nobody can take the request, and why.
    pub fn next(&mut self, route: &Route, context: &mut Context<'_>) -> Result<Lease, Unavailable> {
        self.tried.extend(self.last.take());
        let among = Among {
            endpoints: route.endpoints(),
            how: match route
                .algorithm()
                .unwrap_or(context.settings.default_algorithm)
            {
                Algorithm::RoundRobin => How::RoundRobin,
                Algorithm::LeastConnection => How::LeastConnection,
            },
            pool: Some(route.pool_index()),
        };
        match self.asked.take() {
            None => self.next_among(among, context),
            Some(asked) => {
                let chosen = self.next_asked(&asked, route, among, context);
                self.asked = Some(asked);
                chosen
            }
        }
    }

    /// Chooses by the algorithm.
    #[inline]
    fn next_among(
        &mut self,
        among: Among<'_>,
        context: &mut Context<'_>,
    ) -> Result<Lease, Unavailable> {
        let endpoints = among.endpoints;
        if endpoints.is_empty() {
            return Err(Unavailable::Empty);
        }
        let start = Start {
            turn: match among.how {
                How::RoundRobin => self.turn(&among, context),
                How::LeastConnection | How::Hashed(_) => 0,
            },
            zone: context.near.and_then(|near| near.zone_of(self)),
        };
        // What a request aims at a part of a pool tells nothing about the pool.
        let whole = among.pool.is_some();
        // Each round more than one takes an endpoint out, or loses a probe to another worker.
        for _ in 0..=endpoints.len() {
            let Some((rank, lease)) = self.pick(among, start, context) else {
                break;
            };
            if whole {
                if endpoints.len() > 1 && !self.confirms(endpoints, rank, &lease, context.now) {
                    continue;
                }
                rank.clear_marks(endpoints, &self.tried);
                if let Some(full) = self.full.take() {
                    self.judge_full(endpoints, full, context.now);
                }
            }
            self.last = Some(lease.endpoint().state().index());
            return Ok(lease);
        }
        Err(unavailable(endpoints, context))
    }

    /// The first endpoint in the order of ranks, and in each rank one of the wanted zone first.
    #[inline]
    fn pick(
        &mut self,
        among: Among<'_>,
        start: Start<'_>,
        context: &Context<'_>,
    ) -> Option<(Rank, Lease)> {
        Rank::ORDER.into_iter().find_map(|rank| {
            let near = start
                .zone
                .and_then(|zone| self.near_of(rank, among, (zone, start.turn), context));
            let chosen = near.or_else(|| match among.how {
                How::RoundRobin => self.first_of(rank, among.endpoints, start.turn, context),
                How::LeastConnection => {
                    least_connection::of(among.endpoints, context, |endpoint| {
                        Rank::of(endpoint, &self.tried, context) == Some(rank)
                    })
                }
                How::Hashed(hashed) => self.hashed(rank, among.endpoints, hashed, context),
            });
            let lease = chosen?;
            if !context.slow_start.is_zero() && rank == Rank::Good {
                return Some((rank, self.ease_in(lease, among, start.zone, context)));
            }
            Some((rank, lease))
        })
    }

    /// Whether the choice stands: the endpoint is no outlier, and if it was one, this request is
    /// the one that probes it.
    #[inline]
    fn confirms(
        &mut self,
        endpoints: &[Arc<Endpoint>],
        rank: Rank,
        lease: &Lease,
        now: Time,
    ) -> bool {
        if matches!(rank, Rank::Ejected | Rank::Tried) {
            return true;
        }
        let Some(conduct) = lease.endpoint().state().known_conduct() else {
            return true;
        };
        if conduct.gate(now) == Gate::Probe {
            return conduct.claim_probe(now);
        }
        match outlier::judge(endpoints, lease.endpoint(), now) {
            None => true,
            ejected => {
                self.ejected = ejected;
                false
            }
        }
    }

    /// Counts the request at an endpoint, if it has room.
    #[inline]
    fn reserve(&self, endpoint: &Arc<Endpoint>, context: &Context<'_>) -> Option<Lease> {
        let lease = Lease::reserve(endpoint, limit(endpoint, context));
        if lease.is_none() {
            self.full.set(Some(endpoint.state().index()));
        }
        lease
    }

    /// Takes the endpoint that was passed over for want of room out, if it is an outlier.
    #[cold]
    fn judge_full(&mut self, endpoints: &[Arc<Endpoint>], full: EndpointIndex, now: Time) {
        let full = endpoints
            .iter()
            .find(|endpoint| endpoint.state().index() == full);
        if let (None, Some(full)) = (&self.ejected, full) {
            self.ejected = outlier::judge_full(endpoints, full, now);
        }
    }

    /// The endpoint that the last choice took out because it is an outlier.
    pub fn take_ejection(&mut self) -> Option<Ejection> {
        self.ejected.take()
    }

    /// An endpoint that was chosen was not tried after all: another one was faster.
    pub fn forget(&mut self, endpoint: EndpointIndex) {
        self.tried.retain(|tried| *tried != endpoint);
        self.last = self.last.filter(|last| *last != endpoint);
    }

    /// Where the walk begins: a request takes the worker's turn once, and goes on from its own
    /// afterwards, so that retries do not take turns from other requests.
    fn turn(&self, among: &Among<'_>, context: &mut Context<'_>) -> usize {
        match (self.turn, among.pool) {
            (Some(turn), _) => turn,
            (None, Some(pool)) => context.cursors.advance(pool, context.random),
            (None, None) => cursors::any_turn(context.random) as usize,
        }
    }

    /// The first endpoint of a rank, from that of this `turn` on once around, that has room.
    fn first_of(
        &mut self,
        rank: Rank,
        endpoints: &[Arc<Endpoint>],
        turn: usize,
        context: &Context<'_>,
    ) -> Option<Lease> {
        let start = turn.checked_rem(endpoints.len())?;
        let (before, after) = endpoints.split_at_checked(start)?;
        let (at, lease) = after
            .iter()
            .chain(before)
            .enumerate()
            .filter(|(_, endpoint)| Rank::of(endpoint, &self.tried, context) == Some(rank))
            .find_map(|(at, endpoint)| Some((at, self.reserve(endpoint, context)?)))?;
        self.turn = Some(start + at + 1);
        Some(lease)
    }
}

/// Why none of these endpoints was chosen.
#[cold]
fn unavailable(endpoints: &[Arc<Endpoint>], context: &Context<'_>) -> Unavailable {
    let all_aside = endpoints
        .iter()
        .all(|endpoint| endpoint.is_set_aside(context.now, context.settings));
    if all_aside {
        Unavailable::Empty
    } else {
        Unavailable::Overloaded
    }
}

/// How many requests in flight an endpoint may have; 0 for no bound.
fn limit(endpoint: &Endpoint, context: &Context<'_>) -> u32 {
    match endpoint.max_connections() {
        0 => context.max_connections,
        own => own,
    }
}

#[cfg(test)]
mod tests;
