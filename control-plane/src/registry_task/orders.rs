//! What an operator orders.

use std::time::Duration;

use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::overrides::{MOST, NewOverride, Override};

/// Routes that a refusal names.
const SHOWN: usize = 10;

/// How long a release is told to data planes that come back: one whose stream was just broken must not miss it.
const STANDS: Duration = Duration::from_secs(60);

/// An operator lets held removals go, in every data plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// Counts the releases of this process.
    pub(crate) number: u64,
    /// Removals that were inferred at or below this revision may go.
    pub(crate) up_to_revision: u64,
    /// The roll-out that it is part of: who is not admitted to that is not told.
    pub(crate) part: Option<u64>,
    ordered: Instant,
}

impl Release {
    pub(super) fn new(number: u64, up_to_revision: u64, part: Option<u64>) -> Self {
        Self {
            number,
            up_to_revision,
            part,
            ordered: Instant::now(),
        }
    }

    /// What both let go together, where the earlier one may not have been told to everybody yet: as a part of the roll-out
    /// that the earlier one is part of, if it is.
    pub(super) fn with(mut self, earlier: Option<Self>) -> Self {
        if let Some(earlier) = earlier.filter(|it| it.part.is_some() || it.stands()) {
            self.up_to_revision = self.up_to_revision.max(earlier.up_to_revision);
            self.part = self.part.or(earlier.part);
        }
        self
    }

    /// The roll-out that it is part of has ended: everybody is told, as if it were ordered now. Whether it was part of one.
    pub(super) fn goes_to_all(&mut self) -> bool {
        let was_part = self.part.take().is_some();
        if was_part {
            self.ordered = Instant::now();
        }
        was_part
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
    /// Data planes would have no endpoint of some routes any more.
    #[error("these routes would be left without an endpoint: {}; with force they are", few(.routes))]
    LastEndpoints {
        /// Which ones.
        routes: Vec<Box<str>>,
    },
    /// There is nothing to take out.
    #[error(
        "no registered endpoint is meant by the target; with force it is taken out all the same, should it come"
    )]
    NotRegistered,
    /// There are as many overrides as there may be.
    #[error("{MOST} overrides stand already; end one of them first")]
    TooManyOverrides,
    /// There is no such override, or not any more.
    #[error("no override of the id {0:?} stands at this control plane")]
    NoOverride(Box<str>),
    /// There is no such roll-out, or not any more.
    #[error("no roll-out of the number {number} waits or goes on at this control plane")]
    NoRollOut {
        /// The one of the order.
        number: u64,
    },
    /// The process is about to end.
    #[error(transparent)]
    Ended(#[from] super::Ended),
}

/// Some of these names, and how many there are beside them.
fn few(names: &[Box<str>]) -> String {
    let shown = names.len().min(SHOWN);
    let mut text = names[..shown].join(", ");
    if shown < names.len() {
        text.push_str(&format!(" and {} more", names.len() - shown));
    }
    text
}

/// An order on its way.
#[derive(Debug)]
pub(super) enum Order {
    Place {
        new: NewOverride,
        answer: oneshot::Sender<Result<Override, Refused>>,
    },
    EndOverride {
        id: Box<str>,
        answer: oneshot::Sender<Result<Override, Refused>>,
    },
    Release {
        epoch: u64,
        up_to_revision: u64,
        answer: oneshot::Sender<Result<u64, Refused>>,
    },
    FinishRollOut {
        epoch: u64,
        number: u64,
        answer: oneshot::Sender<Result<(), Refused>>,
    },
    ConfirmEmptiness {
        epoch: u64,
        answer: oneshot::Sender<Result<(), Refused>>,
    },
}
