//! The endpoint that a key leads to (D-631 to D-637).

use std::sync::Arc;

use super::{Context, Rank, Selection};
use crate::maglev::Slots;
use crate::{Endpoint, HashedBy, Lease};

/// A key, and the table that leads it to an endpoint.
#[derive(Clone, Copy)]
pub(super) struct Hashed<'a> {
    pub(super) key: u64,
    pub(super) slots: &'a Slots,
    pub(super) by: &'a HashedBy,
}

impl Selection {
    /// The first endpoint of a rank on the way of the key that has room: one that does not have
    /// more than its share first. The way ends once it came by all endpoints.
    #[cold]
    pub(super) fn hashed(
        &self,
        rank: Rank,
        endpoints: &[Arc<Endpoint>],
        hashed: Hashed<'_>,
        context: &Context<'_>,
    ) -> Option<Lease> {
        let most = most_in_flight(hashed.by.balance(), endpoints);
        let on_the_way = || {
            hashed
                .slots
                .order(hashed.key, endpoints.len())
                .filter_map(move |place| endpoints.get(place))
                .filter(move |endpoint| Rank::of(endpoint, &self.tried, context) == Some(rank))
        };
        let reserve = |endpoint: &Arc<Endpoint>| self.reserve(endpoint, context);
        on_the_way()
            .filter(|endpoint| f64::from(endpoint.state().in_flight()) <= most)
            .find_map(reserve)
            .or_else(|| on_the_way().find_map(reserve))
            // A pool with more endpoints than the table has slots.
            .or_else(|| {
                let others = endpoints.iter();
                others
                    .filter(|endpoint| Rank::of(endpoint, &self.tried, context) == Some(rank))
                    .find_map(reserve)
            })
    }
}

/// How many requests in flight an endpoint may have until a key is led on.
fn most_in_flight(balance: f64, endpoints: &[Arc<Endpoint>]) -> f64 {
    let all: u64 = endpoints
        .iter()
        .map(|endpoint| u64::from(endpoint.state().in_flight()))
        .sum();
    if balance <= 0.0 || all == 0 {
        return f64::INFINITY;
    }
    // A share need not be exact, and neither number comes near 2^52.
    let mean = all as f64 / endpoints.len() as f64;
    mean * balance
}
