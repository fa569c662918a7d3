//! Waiting for many sockets at once, as cheaply as the kernel does it: what shares a core with its like has no time for
//! a runtime.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

/// Sockets that are waited for, level-triggered, each under a token of its owner's.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Interest {
    Read,
    Write,
}

/// How many sockets are taken up in one turn.
const BATCH: usize = 256;

impl Interest {
    fn flags(self) -> EventFlags {
        match self {
            Self::Read => EventFlags::IN,
            Self::Write => EventFlags::OUT,
        }
    }
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(BATCH),
        })
    }

    pub(crate) fn add(
        &self,
        socket: impl AsFd,
        token: usize,
        interest: Interest,
    ) -> io::Result<()> {
        let data = EventData::new_u64(token as u64);
        Ok(epoll::add(&self.epoll, socket, data, interest.flags())?)
    }

    pub(crate) fn change(&self, socket: impl AsFd, token: usize, to: Interest) -> io::Result<()> {
        let data = EventData::new_u64(token as u64);
        Ok(epoll::modify(&self.epoll, socket, data, to.flags())?)
    }

    /// Waits, and writes the tokens of what is ready (or broken) into `ready`.
    pub(crate) fn wait(&mut self, ready: &mut Vec<usize>, bound: Duration) -> io::Result<()> {
        ready.clear();
        let bound = Timespec {
            tv_sec: i64::try_from(bound.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: bound.subsec_nanos().into(),
        };
        let spare = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, spare, Some(&bound)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let tokens = self.events.drain(..).map(|event| event.data.u64());
        ready.extend(tokens.filter_map(|token| usize::try_from(token).ok()));
        Ok(())
    }
}

/// Throws away up to `limit` received bytes without copying them; how many there were, 0 at the end of the stream.
pub(crate) fn discard(socket: impl AsFd, limit: usize, scratch: &mut [u8]) -> io::Result<usize> {
    let limit = limit.min(scratch.len());
    // On TCP, TRUNC makes the kernel drop the bytes instead of copying them.
    let (_, count) =
        rustix::net::recv(socket, &mut scratch[..limit], rustix::net::RecvFlags::TRUNC)?;
    Ok(count)
}
