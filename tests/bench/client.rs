//! The load of our own: cheaper than wrk, because it looks at no more of an answer than tells where it ends.
//!
//! wrk parses every byte of a head and keeps times of every request. On two cores, where load and backend share one,
//! that makes the load the slower half, and the proxy's core idles. This client does two system calls per request, as
//! the proxy does on each of its sides, and nearly nothing between them. Pipelining is not used: it would change the
//! work that is measured.

pub(crate) mod closed;
mod connection;
pub(crate) mod open;
mod request;

use std::net::SocketAddr;
use std::time::Duration;

pub(crate) use request::{Request, Special, host};

use crate::machine::CpuTime;

/// What is asked for, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// 1 KiB down, on connections that stay.
    Small,
    /// 1 KiB down, each on a connection of its own.
    NewConnection,
    /// 1 MiB down, on connections that stay.
    Download,
    /// 1 MiB up, on connections that stay.
    Upload,
}

/// Whom to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// The process whose CPU time counts.
    pub(crate) pid: u32,
    /// How many routes the requests go to, evenly and at random.
    pub(crate) routes: u32,
}

/// What a stretch of load saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    /// Connections that broke, and answers other than 200.
    pub(crate) errors: u64,
    pub(crate) elapsed: Duration,
    /// The proxy's CPU time in it.
    pub(crate) used: CpuTime,
    /// That of load and backend.
    pub(crate) load: CpuTime,
}

impl Kind {
    /// Whether bodies are large.
    pub(crate) fn is_bulk(self) -> bool {
        matches!(self, Self::Download | Self::Upload)
    }

    /// The bytes of an answer's body.
    pub(crate) fn answer(self) -> usize {
        match self {
            Self::Small | Self::NewConnection => 1024,
            Self::Download => BULK,
            Self::Upload => 2,
        }
    }
}

/// The names of the threads that are load and backend.
pub(crate) const LOAD: [&str; 2] = ["load", "backend"];

/// Bytes of a large body.
pub(crate) const BULK: usize = 1 << 20;
