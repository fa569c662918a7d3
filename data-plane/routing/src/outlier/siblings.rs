//! What an endpoint is compared with.

use std::sync::Arc;

use super::times::Counts;
use crate::{Endpoint, Time};

/// The other endpoints of a pool, taken together.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    /// The response times of those that are in.
    pub(super) times: Counts,
    /// When the latest attempt was made that one of those has answered.
    pub(super) answered_at: Option<Time>,
    /// Whether one of those answers without failing.
    pub(super) one_is_well: bool,
    /// How many are out.
    pub(super) out: usize,
}

impl Siblings {
    pub(super) fn of(endpoints: &[Arc<Endpoint>], suspect: &Arc<Endpoint>) -> Self {
        let mut siblings = Self::default();
        let others = endpoints
            .iter()
            .filter(|endpoint| !Arc::ptr_eq(endpoint, suspect));
        for conduct in others.filter_map(|endpoint| endpoint.state().known_conduct()) {
            if conduct.is_ejected() {
                siblings.out += 1;
                continue;
            }
            siblings.times.add(conduct.times());
            let answered_at = conduct.answered_at();
            siblings.one_is_well |= answered_at.is_some() && !conduct.fails();
            siblings.answered_at = siblings.answered_at.max(answered_at);
        }
        siblings
    }
}
