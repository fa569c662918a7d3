//! Events on their way to the agent.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use super::{Events, Served};
use crate::counters::Counters;

/// A buffer is handed over when it holds this much, or at the next [`Emitter::flush`].
const HAND_OVER: usize = 32 * 1024;

/// Batches that may wait for the thread: with full ones 2 MiB.
const WAITING_MOST: usize = 64;

/// The most that a datagram holds.
const MOST: usize = 65_507;

/// Whole envelopes, one behind the other.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

/// One worker's events.
#[derive(Debug)]
pub(crate) struct Emitter {
    batch: Batch,
    scratch: Vec<u8>,
    origin: Arc<str>,
    sender: SyncSender<Batch>,
    dropped: u64,
}

impl Emitter {
    /// Adds an event. One that no datagram can hold is dropped and counted.
    pub(crate) fn push<'f>(&mut self, served: Served<'_, impl Iterator<Item = &'f [u8]>>) {
        let begin = self.batch.bytes.len();
        served.encode(&self.origin, &mut self.batch.bytes, &mut self.scratch);
        let end = self.batch.bytes.len();
        if end - begin > MOST {
            self.batch.bytes.truncate(begin);
            self.dropped += 1;
            return;
        }
        self.batch.ends.push(end);
        if end >= HAND_OVER {
            self.flush();
        }
    }

    /// Hands over what there is. Events for which there is no room are dropped and counted.
    pub(crate) fn flush(&mut self) {
        if self.batch.ends.is_empty() {
            return;
        }
        match self.sender.try_send(std::mem::take(&mut self.batch)) {
            Ok(()) => {}
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.dropped += batch.ends.len() as u64;
                self.batch = batch;
                self.batch.bytes.clear();
                self.batch.ends.clear();
            }
        }
    }

    /// How many events were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// The thread that sends the events of all workers.
#[derive(Debug)]
pub(crate) struct Sender {
    batches: SyncSender<Batch>,
    origin: Arc<str>,
    thread: JoinHandle<()>,
}

impl Sender {
    /// Starts to send.
    ///
    /// # Errors
    /// There is no socket or no thread to be had.
    pub(crate) fn start(events: &Events, counters: Arc<Counters>) -> io::Result<Self> {
        let anywhere = match events.agent {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(anywhere)?;
        socket.connect(events.agent)?;
        let (batches, waiting) = sync_channel(WAITING_MOST);
        let thread = thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || send_all(&waiting, &socket, &counters))?;
        Ok(Self {
            batches,
            origin: events.origin.as_str().into(),
            thread,
        })
    }

    /// The events of one worker.
    pub(crate) fn emitter(&self) -> Emitter {
        Emitter {
            batch: Batch::default(),
            scratch: Vec::new(),
            origin: Arc::clone(&self.origin),
            sender: self.batches.clone(),
            dropped: 0,
        }
    }

    /// Waits until all that was handed over is sent. Every [`Emitter`] has to be gone.
    pub(crate) fn finish(self) {
        drop(self.batches);
        // A thread that panicked has lost its events already; the process ends anyway.
        let _ = self.thread.join();
    }
}

fn send_all(waiting: &Receiver<Batch>, socket: &UdpSocket, counters: &Counters) {
    while let Ok(batch) = waiting.recv() {
        let mut begin = 0;
        for end in batch.ends {
            let event = batch.bytes.get(begin..end).unwrap_or_default();
            begin = end;
            // That nobody listens is told by the next datagram's error; the agent may come back.
            if socket.send(event).is_err() {
                counters.events_dropped.increment();
            }
        }
    }
}
