//! Which endpoint of a pool takes an attempt.

mod cursors;

pub use cursors::Cursors;

use crate::{EndpointIndex, Lease, Route, Settings, Time};

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
    position: Option<u32>,
    last: Option<EndpointIndex>,
    /// Tried before `last`. Most requests have one attempt, and then nothing is allocated.
    tried: Vec<EndpointIndex>,
}

impl Selection {
    /// For a request that has not tried anything.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            position: None,
            last: None,
            tried: Vec::new(),
        }
    }

    /// Chooses an endpoint for the next attempt, and counts the request there.
    ///
    /// Endpoints that failed within the mark time are passed over, silent ones come after all
    /// others, and what this request tried already is tried again only where there is nothing
    /// else. Give each attempt the route as the current table holds it ([`Table::renew`]).
    ///
    /// [`Table::renew`]: crate::Table::renew
    ///
    /// # Errors
    ///
    /// Where nobody can take the request, and why.
    pub fn next(&mut self, route: &Route, context: &mut Context<'_>) -> Result<Lease, Unavailable> {
        todo!()
    }
}
