//! What an operator orders.

use std::time::Duration;

use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How long a release is told to data planes that come back: one whose stream was just broken must not miss it.
const STANDS: Duration = Duration::from_secs(60);

/// An operator lets held removals go, in every data plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// Counts the releases of this process.
    pub(crate) number: u64,
    /// Removals that were inferred at or below this revision may go.
    pub(crate) up_to_revision: u64,
    ordered: Instant,
}

impl Release {
    pub(super) fn new(number: u64, up_to_revision: u64) -> Self {
        Self {
            number,
            up_to_revision,
            ordered: Instant::now(),
        }
    }

    /// Whether a session that begins now is to be told.
    pub(crate) fn stands(&self) -> bool {
        self.ordered.elapsed() < STANDS
    }
}

/// Why an order is not followed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// It is for another life of this control plane, or for another one.
    #[error("the order is for the epoch {given:016x}; this control plane's is {epoch:016x}")]
    OtherEpoch {
        /// The one of the order.
        given: u64,
        /// The one that it is.
        epoch: u64,
    },
    /// Nobody can have seen that revision.
    #[error("the order is for revision {given}; the latest one is {head}")]
    Future {
        /// The one of the order.
        given: u64,
        /// The latest.
        head: u64,
    },
    /// There is nothing to confirm.
    #[error("{routes} routes are registered; only an empty table has to be confirmed")]
    NotEmpty {
        /// How many there are.
        routes: usize,
    },
    /// The process is about to end.
    #[error(transparent)]
    Ended(#[from] super::Ended),
}

/// An order on its way.
#[derive(Debug)]
pub(super) enum Order {
    Release {
        epoch: u64,
        up_to_revision: u64,
        answer: oneshot::Sender<Result<u64, Refused>>,
    },
    ConfirmEmptiness {
        epoch: u64,
        answer: oneshot::Sender<Result<(), Refused>>,
    },
}
