//! Endpoints of one's own availability zone first (D-376 to D-384, D-395 to D-401).

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Among, Context, How, Rank, Selection, least_connection};
use crate::{Endpoint, Lease};

/// A preference for the endpoints of one zone.
///
/// It decides among endpoints that are alike otherwise: one of another zone comes before a near
/// one that has failed, and before none at all.
#[derive(Clone, Copy, Debug)]
pub struct Near<'a> {
    /// The zone.
    pub zone: &'a str,
    /// Whether it counts for every attempt of a request, and not only for the first.
    pub always: bool,
}

impl<'a> Near<'a> {
    /// The zone that comes first in the next choice of this request.
    pub(super) fn zone_of(self, selection: &Selection) -> Option<&'a str> {
        (self.always || selection.tried.is_empty()).then_some(self.zone)
    }
}

impl Selection {
    /// An endpoint of this rank and zone that has room.
    #[cold]
    pub(super) fn near_of(
        &mut self,
        rank: Rank,
        among: Among<'_>,
        (zone, turn): (&str, usize),
        context: &Context<'_>,
    ) -> Option<Lease> {
        let is_near = |endpoint: &Endpoint| {
            endpoint.availability_zone() == zone
                && Rank::of(endpoint, &self.tried, context) == Some(rank)
        };
        match among.how {
            // A key leads to the same endpoint in every zone.
            How::Hashed(_) => None,
            How::LeastConnection => least_connection::of(among.endpoints, context, is_near),
            How::RoundRobin => {
                // Turns are taken among the near ones alone. A walk over all would give each the
                // turns of those far ones that stand before it.
                let near: SmallVec<[&Arc<Endpoint>; 8]> = among
                    .endpoints
                    .iter()
                    .filter(|endpoint| is_near(endpoint))
                    .collect();
                let start = turn.checked_rem(near.len())?;
                let (before, after) = near.split_at_checked(start)?;
                let lease = after
                    .iter()
                    .chain(before)
                    .find_map(|endpoint| self.reserve(endpoint, context))?;
                self.turn = Some(turn.wrapping_add(1));
                Some(lease)
            }
        }
    }
}
