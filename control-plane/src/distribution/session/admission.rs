//! Who may have a snapshot now: so many at once, and the others in their order.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// After how long a data plane that takes nothing lets others go first.
const STALLED: Duration = Duration::from_secs(2);

type Waiting = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// The turn of one session.
#[derive(Default)]
pub(super) enum Admission {
    /// It asks for none.
    #[default]
    None,
    /// It waits for its turn.
    Waiting(Waiting),
    /// It is its turn, and something was sent then.
    Granted {
        _turn: OwnedSemaphorePermit,
        since: Instant,
    },
    /// It had its turn, and the data plane took nothing. It queues up again when that reads on.
    Stalled,
}

impl Admission {
    /// Queues up where a snapshot is under way, and gives the turn back where none is.
    pub(super) fn want(&mut self, snapshot: bool, turns: &Arc<Semaphore>) {
        match self {
            Self::None if snapshot => {
                *self = Self::Waiting(Box::pin(Arc::clone(turns).acquire_owned()));
            }
            _ if !snapshot => *self = Self::None,
            _ => {}
        }
    }

    /// Whether the reader may read on.
    pub(super) fn allows(&self) -> bool {
        matches!(self, Self::None | Self::Granted { .. })
    }

    pub(super) fn is_stalled(&self) -> bool {
        matches!(self, Self::Stalled)
    }

    /// Its turn came. Pending for ever where none is waited for.
    pub(super) async fn granted(&mut self) {
        let Self::Waiting(waiting) = self else {
            return std::future::pending().await;
        };
        // The turns are never closed; without them there would be nothing to wait for.
        *self = match waiting.await {
            Ok(turn) => Self::Granted {
                _turn: turn,
                since: Instant::now(),
            },
            Err(_) => Self::None,
        };
    }

    /// When the turn is given up if nothing is sent until then.
    pub(super) fn stalls_at(&self) -> Option<Instant> {
        match self {
            Self::Granted { since, .. } => Some(*since + STALLED),
            _ => None,
        }
    }

    /// Something was sent.
    pub(super) fn sent(&mut self) {
        if let Self::Granted { since, .. } = self {
            *since = Instant::now();
        }
    }

    /// Nothing was taken for too long.
    pub(super) fn give_up(&mut self) {
        *self = Self::Stalled;
    }

    /// The data plane reads on.
    pub(super) fn queue_again(&mut self) {
        *self = Self::None;
    }
}
