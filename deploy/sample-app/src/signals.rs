//! The signals that end a command.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

/// SIGTERM and SIGINT, listened for from now on.
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens, so that neither ends the process by itself any more.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
        Ok(Self {
            terminate,
            interrupt,
        })
    }

    /// Waits for the first of them.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _terminate = self.terminate.recv() => {}
            _interrupt = self.interrupt.recv() => {}
        }
    }
}
