//! How a worker leaves without losing a request.
//!
//! From the first second answers say `Connection: close`, so that clients go elsewhere by
//! themselves. When the wait is over the listeners are emptied and closed, connections without a
//! request are ended, and the rest may finish within the drain's time.

use std::rc::Rc;

use crate::deadlines::STEP;
use crate::worker::Worker;

/// How far the process has come with leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Not at all.
    Serving,
    /// Answers ask their connection to close; everything is still accepted.
    Leaving,
    /// Nothing new is accepted; requests in work finish.
    Closing,
    /// The time is over.
    Ending,
}

impl Stage {
    /// Whether connections go on after their answer.
    pub(crate) fn is_serving(self) -> bool {
        self == Self::Serving
    }

    /// Whether connections without a request end now.
    pub(crate) fn is_closing(self) -> bool {
        self >= Self::Closing
    }

    /// Whether requests in work end now.
    pub(crate) fn is_ending(self) -> bool {
        self == Self::Ending
    }
}

/// Waits until the worker has no client connection left.
pub(crate) async fn until_empty(worker: &Rc<Worker>) {
    while worker.connections() > 0 {
        tokio::time::sleep(STEP).await;
    }
}
