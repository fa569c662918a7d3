//! Whom to prefer.

use std::sync::Arc;

use super::Context;
use crate::outlier::Gate;
use crate::{Endpoint, EndpointIndex};

/// How gladly an endpoint is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// Nothing speaks against it.
    Good,
    /// It was not heard for long, and nothing else speaks against it.
    Silent,
    /// No control plane says that it is there. It comes after those that one vouches for, silent
    /// or not, and before those that have just failed: it has not, and at the first failure it is
    /// dropped anyway.
    Orphan,
    /// It failed within the mark time.
    Marked,
    /// It failed within the mark time, and is silent or an orphan.
    MarkedLast,
    /// It behaves worse than its siblings, and waits for its readmission.
    Ejected,
    /// This request tried it already.
    Tried,
}

impl Rank {
    /// From the most wanted on.
    pub(super) const ORDER: [Self; 7] = [
        Self::Good,
        Self::Silent,
        Self::Orphan,
        Self::Marked,
        Self::MarkedLast,
        Self::Ejected,
        Self::Tried,
    ];

    /// The rank of an endpoint; `None` where it is set aside.
    pub(super) fn of(
        endpoint: &Endpoint,
        tried: &[EndpointIndex],
        context: &Context<'_>,
    ) -> Option<Self> {
        if endpoint.is_set_aside(context.now, context.settings) {
            return None;
        }
        if tried.contains(&endpoint.state().index()) {
            return Some(Self::Tried);
        }
        let conduct = endpoint.state().known_conduct();
        if conduct.is_some_and(|conduct| conduct.gate(context.now) == Gate::Out) {
            return Some(Self::Ejected);
        }
        let marked = endpoint
            .state()
            .is_marked(context.now, context.settings.mark_time);
        let (orphan, silent) = (endpoint.is_orphan(), endpoint.is_silent());
        Some(match (marked, orphan, silent) {
            (false, false, false) => Self::Good,
            (false, false, true) => Self::Silent,
            (false, true, _) => Self::Orphan,
            (true, false, false) => Self::Marked,
            (true, true, _) | (true, _, true) => Self::MarkedLast,
        })
    }

    /// Clears the pool's marks where an endpoint of this rank was chosen in spite of them: nobody
    /// else is usable, so they tell nothing. An endpoint that this very request has just seen
    /// failing keeps its mark as long as there are others.
    pub(super) fn clear_marks(self, endpoints: &[Arc<Endpoint>], tried: &[EndpointIndex]) {
        let keeps = match self {
            Self::Good | Self::Silent | Self::Orphan | Self::Ejected => return,
            Self::Marked | Self::MarkedLast => tried,
            Self::Tried => &[],
        };
        endpoints
            .iter()
            .map(|endpoint| endpoint.state())
            .filter(|state| !keeps.contains(&state.index()))
            .for_each(crate::EndpointState::clear_mark);
    }
}
