//! Which signal asks for what.

use std::fmt;
use std::future;
use std::io;

use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc;

/// Whose manners the process follows with signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// The split planes: SIGTERM drains in full, as every orchestrator expects.
    SplitPlanes,
    /// The drop-in: SIGUSR1 drains in full, as the BOSH drain script sends it; SIGTERM skips the drain wait.
    DropIn,
}

/// A signal that the process handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGINT, as Ctrl-C sends it.
    Interrupt,
    /// SIGUSR1.
    User1,
    /// SIGQUIT.
    Quit,
}

impl fmt::Display for Signal {
    /// The name as Go prints it, since log scripts know it from there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "terminated",
            Self::Interrupt => "interrupt",
            Self::User1 => "user defined signal 1",
            Self::Quit => "quit",
        })
    }
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Become unready, serve on for the drain wait, then stop accepting and finish what is in flight.
    Drain,
    /// Stop accepting at once, and finish what is in flight within the drain timeout.
    DrainWithoutWait,
    /// End at once; what is in flight is cut.
    EndNow,
}

impl Convention {
    /// What this signal asks for.
    #[must_use]
    pub fn request(self, signal: Signal) -> Request {
        match (self, signal) {
            (_, Signal::Quit) => Request::EndNow,
            (Self::SplitPlanes, _) | (Self::DropIn, Signal::User1) => Request::Drain,
            (Self::DropIn, Signal::Terminate | Signal::Interrupt) => Request::DrainWithoutWait,
        }
    }
}

/// The signals of this process. While it lives, none of the four ends the process by itself.
#[derive(Debug)]
pub struct Signals {
    convention: Convention,
    source: Source,
}

#[derive(Debug)]
enum Source {
    System {
        terminate: unix::Signal,
        interrupt: unix::Signal,
        user1: unix::Signal,
        quit: unix::Signal,
    },
    Hand(mpsc::UnboundedReceiver<Signal>),
}

impl Signals {
    /// Takes over the four signals. Called early in `main`, so that a signal during a slow start is not lost.
    ///
    /// # Errors
    ///
    /// When the operating system refuses a handler.
    pub fn install(convention: Convention) -> io::Result<Self> {
        let source = Source::System {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            user1: unix::signal(SignalKind::user_defined1())?,
            quit: unix::signal(SignalKind::quit())?,
        };
        Ok(Self { convention, source })
    }

    /// Signals that the holder of the sender gives: for a process inside a test, and for one that is embedded.
    /// Nothing ends it when the sender is dropped.
    #[must_use]
    pub fn by_hand(convention: Convention) -> (Self, mpsc::UnboundedSender<Signal>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (
            Self {
                convention,
                source: Source::Hand(receiver),
            },
            sender,
        )
    }

    /// The next signal and what it asks for. Cancelling the wait loses nothing.
    pub async fn next(&mut self) -> (Signal, Request) {
        let signal = match &mut self.source {
            Source::System {
                terminate,
                interrupt,
                user1,
                quit,
            } => tokio::select! {
                _ = terminate.recv() => Signal::Terminate,
                _ = interrupt.recv() => Signal::Interrupt,
                _ = user1.recv() => Signal::User1,
                _ = quit.recv() => Signal::Quit,
            },
            Source::Hand(receiver) => match receiver.recv().await {
                Some(signal) => signal,
                None => future::pending().await,
            },
        };
        (signal, self.convention.request(signal))
    }
}
