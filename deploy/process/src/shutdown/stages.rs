//! The stages of an end.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long the stages may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How long the process serves on after it became unready, so that balancers notice before it stops accepting.
    pub wait: Duration,
    /// How long work in flight may take after that.
    pub timeout: Duration,
}

/// The stages of an end, each a token that is cancelled when its stage begins. Each stage includes those before it.
#[derive(Clone, Debug, Default)]
pub struct Stages {
    leaving: CancellationToken,
    closing: CancellationToken,
    ending: CancellationToken,
}

impl Stages {
    /// No stage has begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// First stage: not ready any more, and answers ask their connection to close; everything is still accepted.
    #[must_use]
    pub fn leaving(&self) -> &CancellationToken {
        &self.leaving
    }

    /// Second stage: nothing new is accepted, what is in flight finishes.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Last stage: the time is over, what is left is cut.
    #[must_use]
    pub fn ending(&self) -> &CancellationToken {
        &self.ending
    }

    /// Begins the first stage.
    pub fn leave(&self) {
        self.leaving.cancel();
    }

    /// Begins the second stage, and the first if it had not begun.
    pub fn close(&self) {
        self.leave();
        self.closing.cancel();
    }

    /// Begins the last stage, and those before it.
    pub fn end(&self) {
        self.close();
        self.ending.cancel();
    }
}
