//! The endpoint with the fewest requests in flight.

use std::sync::Arc;

use super::{Context, limit};
use crate::{Endpoint, Lease};

/// Among the endpoints that are `wanted` and have room, one with the fewest requests in flight;
/// a random one of several.
pub(super) fn of(
    endpoints: &[Arc<Endpoint>],
    context: &Context<'_>,
    wanted: impl Fn(&Endpoint) -> bool,
) -> Option<Lease> {
    // Another worker may take the last place between the look and the reservation. Whoever lost
    // looks again; each round is lost only to somebody who won.
    (0..=endpoints.len()).find_map(|round| {
        let mut draw = Draw(context.random.wrapping_add(round as u64));
        let mut best: Option<(&Arc<Endpoint>, u32)> = None;
        let mut ties = 0;
        for endpoint in endpoints {
            let in_flight = endpoint.state().in_flight();
            let limit = limit(endpoint, context);
            let worse = best.is_some_and(|(_, fewest)| in_flight > fewest);
            if worse || (limit != 0 && in_flight >= limit) || !wanted(endpoint) {
                continue;
            }
            if best.is_none_or(|(_, fewest)| in_flight < fewest) {
                best = Some((endpoint, in_flight));
                ties = 1;
                continue;
            }
            // The n-th of several takes over with probability 1/n: in the end all are alike.
            ties += 1;
            if draw.below(ties) == 0 {
                best = Some((endpoint, in_flight));
            }
        }
        match best {
            Some((endpoint, _)) => Lease::reserve(endpoint, limit(endpoint, context)).map(Some),
            None => Some(None),
        }
    })?
}

/// Numbers drawn from one random number: the `SplitMix64` generator.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % bound
    }
}
