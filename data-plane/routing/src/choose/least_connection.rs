//! The endpoint with the fewest requests in flight.

use std::sync::Arc;

use super::draw::Draw;
use super::slow_start::load;
use super::{Context, limit};
use crate::{Endpoint, Lease};

/// Among the endpoints that are `wanted` and have room, one with the fewest requests in flight,
/// in proportion to its weight; a random one of several.
pub(super) fn of(
    endpoints: &[Arc<Endpoint>],
    context: &Context<'_>,
    wanted: impl Fn(&Endpoint) -> bool,
) -> Option<Lease> {
    // Another worker may take the last place between the look and the reservation. Whoever lost
    // looks again; each round is lost only to somebody who won.
    (0..=endpoints.len()).find_map(|round| {
        let mut draw = Draw::from(context.random.wrapping_add(round as u64));
        let mut best: Option<(&Arc<Endpoint>, u64)> = None;
        let mut ties = 0;
        for endpoint in endpoints {
            let in_flight = endpoint.state().in_flight();
            let limit = limit(endpoint, context);
            let load = load(endpoint, in_flight, context);
            let worse = best.is_some_and(|(_, least)| load > least);
            if worse || (limit != 0 && in_flight >= limit) || !wanted(endpoint) {
                continue;
            }
            if best.is_none_or(|(_, least)| load < least) {
                best = Some((endpoint, load));
                ties = 1;
                continue;
            }
            // The n-th of several takes over with probability 1/n: in the end all are alike.
            ties += 1;
            if draw.below(ties) == 0 {
                best = Some((endpoint, load));
            }
        }
        match best {
            Some((endpoint, _)) => Lease::reserve(endpoint, limit(endpoint, context)).map(Some),
            None => Some(None),
        }
    })?
}
