//! New endpoints get their share little by little, so that they can load what they need and fill their caches before
//! they serve as much as the others.
//!
//! The weight of a new endpoint rises evenly over the time of the slow start, from a tenth to the whole. Round robin
//! gives each the share of its weight, least connection that many requests in flight. A key leads to its endpoint and a
//! session stays at its own, however new that is.

use std::sync::Arc;

use smallvec::SmallVec;

use super::draw::Draw;
use super::{Among, Context, How, Rank, Selection, limit};
use crate::{Endpoint, Lease};

/// The weight of an endpoint that is not new.
const WHOLE: u64 = 1000;

/// The weight of one that has just come.
const LEAST: u64 = WHOLE / 10;

/// The weight of an endpoint, in thousandths.
fn weight(endpoint: &Endpoint, context: &Context<'_>) -> u64 {
    let age = endpoint.state().age(context.now);
    if age >= context.slow_start {
        return WHOLE;
    }
    let [age, whole] = [age, context.slow_start].map(|time| time.as_millis());
    let share = age * u128::from(WHOLE) / whole.max(1);
    u64::try_from(share).unwrap_or(WHOLE).clamp(LEAST, WHOLE)
}

/// How much an endpoint has to do with so many requests in flight. One that has none may always have one.
#[inline]
pub(super) fn load(endpoint: &Endpoint, in_flight: u32, context: &Context<'_>) -> u64 {
    if context.slow_start.is_zero() {
        return u64::from(in_flight);
    }
    let weight = weight(endpoint, context);
    match in_flight {
        0 => 0,
        _ => (u64::from(in_flight) + 1) * WHOLE / weight,
    }
}

impl Selection {
    /// Gives the turn of a new endpoint away, as often as its weight says. It goes to one of all by their weights: so
    /// each has the share of its weight in the end, and none that stands behind a new one gets more than the others.
    #[cold]
    pub(super) fn ease_in(
        &self,
        lease: Lease,
        among: Among<'_>,
        zone: Option<&str>,
        context: &Context<'_>,
    ) -> Lease {
        let mut draw = Draw::from(context.random);
        let weight_of_chosen = weight(lease.endpoint(), context);
        if !matches!(among.how, How::RoundRobin) || draw.below(WHOLE) < weight_of_chosen {
            return lease;
        }
        let zone = zone.filter(|zone| lease.endpoint().availability_zone() == *zone);
        let alike = |endpoint: &Endpoint| {
            zone.is_none_or(|zone| endpoint.availability_zone() == zone)
                && Rank::of(endpoint, &self.tried, context) == Some(Rank::Good)
        };
        let weighed: SmallVec<[(&Arc<Endpoint>, u64); 8]> = among
            .endpoints
            .iter()
            .filter(|endpoint| alike(endpoint))
            .map(|endpoint| (endpoint, weight(endpoint, context)))
            .collect();
        let all = weighed.iter().map(|(_, weight)| weight).sum::<u64>();
        let mut at = draw.below(all.max(1));
        let drawn = weighed.iter().find(|(_, weight)| {
            let here = at < *weight;
            at = at.saturating_sub(*weight);
            here
        });
        // One without room leaves the turn where it was.
        drawn
            .and_then(|(endpoint, _)| Lease::reserve(endpoint, limit(endpoint, context)))
            .unwrap_or(lease)
    }
}
