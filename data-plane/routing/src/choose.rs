//! Which endpoint of a pool takes an attempt.

mod cursors;
mod least_connection;
mod rank;

use std::sync::Arc;

pub use cursors::Cursors;
use rank::Rank;

use crate::outlier::{self, Gate};
use crate::{Algorithm, Ejection, Endpoint, EndpointIndex, Lease, Route, Settings, Time};

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
}

/// Why no endpoint was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// There is none, or all are set aside: the route's [`EmptyPool`](crate::EmptyPool) decides
    /// what the client gets.
    Empty,
    /// Each one has as many requests in flight as it may have.
    Overloaded,
}

/// The choices of one request, one per attempt.
#[derive(Debug, Default)]
pub struct Selection {
    /// Where round robin stands in this request.
    position: Option<usize>,
    last: Option<EndpointIndex>,
    /// Tried before `last`. Most requests have one attempt, and then nothing is allocated.
    tried: Vec<EndpointIndex>,
    ejected: Option<Ejection>,
}

impl Selection {
    /// For a request that has not tried anything.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            position: None,
            last: None,
            tried: Vec::new(),
            ejected: None,
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
        let endpoints = route.endpoints();
        if endpoints.is_empty() {
            return Err(Unavailable::Empty);
        }
        let algorithm = route
            .algorithm()
            .unwrap_or(context.settings.default_algorithm);
        let start = match algorithm {
            Algorithm::RoundRobin => self.start(route, context),
            Algorithm::LeastConnection => 0,
        };
        // Each round more than one takes an endpoint out, or loses a probe to another worker.
        for _ in 0..=endpoints.len() {
            let Some((rank, lease)) = self.pick(endpoints, (algorithm, start), context) else {
                break;
            };
            if endpoints.len() > 1 && !self.confirms(endpoints, rank, &lease, context.now) {
                continue;
            }
            rank.clear_marks(endpoints, &self.tried);
            self.last = Some(lease.endpoint().state().index());
            return Ok(lease);
        }
        let all_aside = endpoints
            .iter()
            .all(|endpoint| endpoint.is_set_aside(context.now, context.settings));
        Err(if all_aside {
            Unavailable::Empty
        } else {
            Unavailable::Overloaded
        })
    }

    /// The first endpoint in the order of ranks.
    #[inline]
    fn pick(
        &mut self,
        endpoints: &[Arc<Endpoint>],
        (algorithm, start): (Algorithm, usize),
        context: &Context<'_>,
    ) -> Option<(Rank, Lease)> {
        Rank::ORDER.into_iter().find_map(|rank| {
            let chosen = match algorithm {
                Algorithm::RoundRobin => self.first_of(rank, endpoints, start, context),
                Algorithm::LeastConnection => {
                    least_connection::of(endpoints, context, |endpoint| {
                        Rank::of(endpoint, &self.tried, context) == Some(rank)
                    })
                }
            };
            chosen.map(|lease| (rank, lease))
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

    /// The endpoint that the last choice took out because it is an outlier.
    pub fn take_ejection(&mut self) -> Option<Ejection> {
        self.ejected.take()
    }

    /// An endpoint that was chosen was not tried after all: another one was faster.
    pub fn forget(&mut self, endpoint: EndpointIndex) {
        self.tried.retain(|tried| *tried != endpoint);
        self.last = self.last.filter(|last| *last != endpoint);
    }

    /// Where the walk begins: a request takes the worker's position once, and goes on from its own
    /// afterwards, so that retries do not take turns from other requests.
    fn start(&self, route: &Route, context: &mut Context<'_>) -> usize {
        let size = route.endpoints().len();
        match self.position {
            Some(position) if position < size => position,
            Some(_) => 0,
            None => context
                .cursors
                .advance(route.pool_index(), size, context.random),
        }
    }

    /// The first endpoint of a rank, from `start` on once around, that has room.
    fn first_of(
        &mut self,
        rank: Rank,
        endpoints: &[Arc<Endpoint>],
        start: usize,
        context: &Context<'_>,
    ) -> Option<Lease> {
        let (before, after) = endpoints.split_at_checked(start)?;
        let (at, lease) = after
            .iter()
            .chain(before)
            .enumerate()
            .filter(|(_, endpoint)| Rank::of(endpoint, &self.tried, context) == Some(rank))
            .find_map(|(at, endpoint)| {
                Some((at, Lease::reserve(endpoint, limit(endpoint, context))?))
            })?;
        self.position = Some((start + at + 1) % endpoints.len());
        Some(lease)
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
