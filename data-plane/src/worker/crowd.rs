//! The client connections of the process: how many there are (L-21), how many each worker has,
//! and which worker a fresh one goes to.
//!
//! The system spreads connections over the workers' listeners by a hash, without looking at how
//! many each has; a successor may even inherit fewer listeners than it has workers. So a worker
//! that is clearly above the mean hands a fresh connection on, before anything was read from it.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tracing::warn;

use super::seldom::Seldom;

/// A connection on its way to the worker that serves it.
#[derive(Debug)]
pub(crate) struct Handed {
    /// The connection; no runtime knows it.
    pub(crate) socket: TcpStream,
    /// Who is at its other end.
    pub(crate) peer: SocketAddr,
    /// Whether it begins with a TLS handshake.
    pub(crate) tls: bool,
    /// Its place at that worker.
    pub(crate) seat: Seat,
}

/// Where a worker finds what is handed to it.
pub(crate) type Mailbox = mpsc::UnboundedReceiver<Handed>;

/// The client connections of the process.
#[derive(Debug)]
pub(crate) struct Crowd {
    all: Open,
    /// So many may be open (L-21).
    most: AtomicUsize,
    room: Notify,
    workers: Box<[Desk]>,
    failed: Seldom,
    full: Seldom,
}

/// How many there are, in a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Open(AtomicUsize);

/// One worker's, and the way to it.
#[derive(Debug)]
struct Desk {
    open: Open,
    // As many wait here as connections may be open.
    mailbox: mpsc::UnboundedSender<Handed>,
}

impl Crowd {
    /// An empty crowd before so many workers, and the mailbox of each.
    pub(crate) fn new(most: usize, workers: usize) -> (Arc<Self>, Vec<Mailbox>) {
        let (desks, mailboxes): (Vec<_>, _) = (0..workers)
            .map(|_| {
                let (mailbox, letters) = mpsc::unbounded_channel();
                let desk = Desk {
                    open: Open::default(),
                    mailbox,
                };
                (desk, letters)
            })
            .unzip();
        let crowd = Self {
            all: Open::default(),
            most: AtomicUsize::new(most),
            room: Notify::new(),
            workers: desks.into(),
            failed: Seldom::default(),
            full: Seldom::default(),
        };
        (Arc::new(crowd), mailboxes)
    }

    /// How many connections a worker has, those on their way to it included.
    pub(crate) fn at(&self, worker: usize) -> usize {
        self.workers
            .get(worker)
            .map_or(0, |desk| desk.open.0.load(Ordering::Relaxed))
    }

    /// How many connections may be open (L-21).
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// Has so many be open from now on; those that are open stay.
    pub(crate) fn allow(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
        self.room.notify_waiters();
    }

    /// Whether no more should be accepted (L-21).
    pub(crate) fn is_full(&self) -> bool {
        self.all.0.load(Ordering::Relaxed) >= self.most()
    }

    /// Waits until another connection may be accepted. Every listener of every worker may then
    /// accept one, so that the bound is exceeded by at most their number.
    pub(crate) async fn until_there_is_room(&self) {
        while self.is_full() {
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            if self.is_full() {
                room.await;
            }
        }
    }

    /// A seat for a connection that `worker` has just accepted: its own, or with the least loaded
    /// one where it has more than a quarter, and two, above the mean.
    pub(crate) fn seat(self: &Arc<Self>, worker: usize) -> Seat {
        let all = self.all.0.fetch_add(1, Ordering::Relaxed) + 1;
        let mine = self.at(worker) + 1;
        let count = self.workers.len();
        let at = if 4 * count * mine <= 5 * all + 8 * count {
            worker
        } else {
            self.least_loaded().unwrap_or(worker)
        };
        self.take(at)
    }

    /// A seat with `worker`, however many it has: for the end, when nobody else takes any.
    pub(crate) fn seat_here(self: &Arc<Self>, worker: usize) -> Seat {
        self.all.0.fetch_add(1, Ordering::Relaxed);
        self.take(worker)
    }

    fn take(self: &Arc<Self>, worker: usize) -> Seat {
        if let Some(desk) = self.workers.get(worker) {
            desk.open.0.fetch_add(1, Ordering::Relaxed);
        }
        Seat {
            crowd: Arc::clone(self),
            worker,
        }
    }

    fn least_loaded(&self) -> Option<usize> {
        (0..self.workers.len()).min_by_key(|&worker| self.at(worker))
    }

    /// Hands a connection to the worker of its seat. One that is gone has ended the process: the
    /// connection ends with it.
    pub(crate) fn hand(&self, handed: Handed) {
        if let Some(desk) = self.workers.get(handed.seat.worker) {
            let _ = desk.mailbox.send(handed);
        }
    }
}

/// What is told to people.
impl Crowd {
    /// A connection could not be accepted, most often because descriptors have run out.
    pub(crate) fn tell_failed_accept(&self, error: &io::Error) {
        if let Some(unsaid) = self.failed.say(Instant::now()) {
            warn!(%error, unsaid, "cannot accept a connection");
        }
    }

    /// Accepting pauses (L-21).
    pub(crate) fn tell_full(&self) {
        if let Some(unsaid) = self.full.say(Instant::now()) {
            warn!(most = self.most(), unsaid, "connections-exhausted");
        }
    }
}

/// One open connection, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    crowd: Arc<Crowd>,
    worker: usize,
}

impl Seat {
    /// Which worker serves it.
    pub(crate) fn worker(&self) -> usize {
        self.worker
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(desk) = self.crowd.workers.get(self.worker) {
            desk.open.0.fetch_sub(1, Ordering::Relaxed);
        }
        if self.crowd.all.0.fetch_sub(1, Ordering::Relaxed) >= self.crowd.most() {
            self.crowd.room.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_worker_is_far_above_the_mean_however_connections_arrive() {
        let (crowd, _mailboxes) = Crowd::new(usize::MAX, 4);
        let mut seats = Vec::new();
        for count in 1..=400 {
            // All of them arrive at one worker.
            seats.push(crowd.seat(0));
            let most = (0..4).map(|worker| crowd.at(worker)).max();
            assert!(most <= Some(count * 5 / 16 + 2), "{most:?} of {count}");
        }
        assert_eq!((0..4).map(|worker| crowd.at(worker)).sum::<usize>(), 400);
        seats.clear();
        assert!((0..4).all(|worker| crowd.at(worker) == 0));
    }

    #[test]
    fn a_balanced_worker_keeps_what_it_accepts() {
        let (crowd, _mailboxes) = Crowd::new(usize::MAX, 2);
        let seats: Vec<_> = (0..100).map(|at| crowd.seat(at % 2)).collect();
        assert!(
            seats
                .iter()
                .enumerate()
                .all(|(at, seat)| seat.worker() == at % 2)
        );
    }

    #[tokio::test]
    async fn accepting_goes_on_when_a_connection_has_ended() {
        let (crowd, _mailboxes) = Crowd::new(2, 1);
        let (first, _second) = (crowd.seat(0), crowd.seat(0));
        assert!(crowd.is_full());
        let waiting = tokio::spawn({
            let crowd = Arc::clone(&crowd);
            async move { crowd.until_there_is_room().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.expect("there is room");
        // Or when there may be more of them.
        let _third = crowd.seat(0);
        let waiting = tokio::spawn({
            let crowd = Arc::clone(&crowd);
            async move { crowd.until_there_is_room().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        crowd.allow(3);
        waiting.await.expect("there is room");
    }
}
