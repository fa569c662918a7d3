//! Two workers, each a runtime of its own, over real sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream as Peer};

use pointsman_routing::EndpointIndex;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::io::Io;

const ENDPOINT: EndpointIndex = EndpointIndex { slot: 3, life: 1 };

const LIMITS: IdleLimits = IdleLimits {
    per_endpoint: 100,
    total: 1000,
    age: Duration::from_secs(90),
    life: Duration::from_secs(1000),
};

/// A worker with its runtime.
struct Worker {
    runtime: Runtime,
    idle: Idle,
    listener: TcpListener,
}

impl Worker {
    fn new(commons: &Arc<Commons>, number: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let buffers = Rc::new(Buffers::default());
        let responses = ResponseLimits::DEFAULT;
        Self {
            runtime: runtime.expect("a runtime"),
            idle: Idle::new(Arc::clone(commons), number, buffers, responses),
            listener: TcpListener::bind("127.0.0.1:0").expect("a listener"),
        }
    }

    /// A connection to the endpoint, and the endpoint's end of it.
    fn dial(&self) -> (Box<Connection>, Peer) {
        let address = self.listener.local_addr().expect("an address");
        let socket = self.runtime.block_on(TcpStream::connect(address));
        let (peer, _) = self.listener.accept().expect("a connection");
        let io = Io::Plain(socket.expect("a connection"));
        let buffers = Rc::new(Buffers::default());
        let connection = Connection::new(io, buffers, ENDPOINT, ResponseLimits::DEFAULT);
        (Box::new(connection), peer)
    }

    fn put(&mut self, connection: Box<Connection>, now: Tick) {
        let _here = self.runtime.enter();
        self.idle.put(connection, now);
    }

    fn take(&mut self, repeatable: bool, now: Tick) -> Option<Box<Connection>> {
        let Self { runtime, idle, .. } = self;
        runtime.block_on(async {
            // The driver hears what has happened.
            tokio::task::yield_now().await;
            idle.take_at(ENDPOINT, repeatable, now)
        })
    }

    fn sweep(&mut self, now: Tick) -> usize {
        let Self { runtime, idle, .. } = self;
        runtime.block_on(async {
            tokio::task::yield_now().await;
            idle.sweep(now)
        })
    }
}

fn workers(limits: IdleLimits) -> (Worker, Worker) {
    let commons = Arc::new(Commons::new(limits, 2));
    (Worker::new(&commons, 0), Worker::new(&commons, 1))
}

fn at(millis: u64) -> Tick {
    Tick::START.after(Duration::from_millis(millis))
}

/// Says something on a connection, so that it shows that it works, and where.
fn works(worker: &Worker, connection: &mut Connection, peer: &mut Peer) {
    connection.wire.output().extend_from_slice(b"hello");
    let flushed = std::future::poll_fn(|cx| connection.wire.poll_flush(cx));
    worker.runtime.block_on(flushed).expect("a write");
    let mut read = [0; 5];
    peer.read_exact(&mut read).expect("a read");
    peer.write_all(b"back!").expect("a write");
    let filled = std::future::poll_fn(|cx| connection.wire.poll_fill(cx));
    assert_eq!(worker.runtime.block_on(filled).expect("a read"), 5);
    connection.wire.consume(5);
}

#[test]
fn a_seldom_used_connection_is_taken_by_another_worker_and_works_there() {
    let (mut one, mut two) = workers(LIMITS);
    let (connection, mut peer) = one.dial();
    one.put(connection, at(0));
    let mut taken = two.take(true, at(10)).expect("the other worker's");
    assert!(one.take(true, at(10)).is_none(), "there is but one");
    works(&two, &mut taken, &mut peer);
    two.put(taken, at(20));
    let mut back = one.take(true, at(30)).expect("and back again");
    works(&one, &mut back, &mut peer);
}

#[test]
fn a_connection_in_steady_use_stays_with_its_worker_until_it_rests() {
    let (mut one, mut two) = workers(LIMITS);
    let (connection, _peer) = one.dial();
    one.put(connection, at(0));
    let connection = one.take(true, at(10)).expect("it was kept");
    one.put(connection, at(20));
    assert!(two.take(true, at(30)).is_none(), "it is in steady use");
    assert_eq!(one.sweep(at(30)) + two.sweep(at(30)), 1);
    assert!(two.take(true, at(40)).is_none(), "it is in steady use");
    let later = at(400);
    one.sweep(later);
    assert_eq!(one.sweep(later) + two.sweep(later), 1);
    assert!(two.take(true, later).is_some(), "it has rested");
}

#[test]
fn the_last_one_used_is_the_first_to_be_used_again() {
    let (mut one, mut two) = workers(LIMITS);
    let (first, _first) = one.dial();
    let (second, _second) = two.dial();
    let (third, _third) = one.dial();
    for (worker, connection, millis) in [(&mut one, first, 0), (&mut two, second, 200)] {
        worker.put(connection, at(millis));
    }
    one.put(third, at(400));
    for used in [at(400), at(200), at(0)] {
        let taken = two.take(true, at(500)).expect("three were kept");
        assert_eq!(taken.idle_since, used);
    }
}

/// a kept connection that was closed, or on which something came that nobody asked for, is
/// not used again, whoever kept it.
#[test]
fn what_is_not_as_it_was_left_is_closed() {
    for unasked in [&b""[..], b"HTTP/1.1 200 OK\r\n"] {
        for (from_other, steady) in [(true, false), (false, false), (false, true)] {
            let (mut one, mut two) = workers(LIMITS);
            if steady {
                let (before, _peer) = one.dial();
                one.put(before, at(0));
                one.take(true, at(0)).expect("it was kept");
            }
            let (connection, mut peer) = one.dial();
            one.put(connection, at(0));
            match unasked {
                [] => drop(peer),
                unasked => peer.write_all(unasked).expect("a write"),
            }
            let worker = if from_other { &mut two } else { &mut one };
            let what = format!("{} bytes, {from_other}, {steady}", unasked.len());
            assert!(worker.take(true, at(10)).is_none(), "{what}");
            assert_eq!(one.sweep(at(10)) + two.sweep(at(10)), 0, "{what}");
        }
    }
}

/// what cannot be repeated gets a connection only within half the shortest rest after which
/// the endpoint closed one.
#[test]
fn a_request_that_cannot_be_repeated_gets_no_connection_that_may_be_closing() {
    let (mut one, mut two) = workers(LIMITS);
    let (connection, peer) = one.dial();
    one.put(connection, at(0));
    drop(peer);
    assert!(one.take(false, at(1000)).is_none(), "it was closed");
    let (connection, _peer) = one.dial();
    one.put(connection, at(2000));
    let late = at(2000 + 460);
    assert!(
        two.take(false, late).is_none(),
        "half of a second, and more"
    );
    assert!(
        one.take(false, late).is_none(),
        "half of a second, and more"
    );
    assert!(two.take(true, late).is_some(), "it can be repeated");
    let (connection, _peer) = one.dial();
    one.put(connection, at(3000));
    assert!(two.take(false, at(3200)).is_some(), "it is young enough");
}

/// The bounds are those of the process, however many workers there are.
#[test]
fn no_more_is_kept_than_may_be() {
    for (per_endpoint, total) in [(3, 1000), (1000, 3)] {
        let limits = IdleLimits {
            per_endpoint,
            total,
            ..LIMITS
        };
        let (mut one, mut two) = workers(limits);
        let mut peers = Vec::new();
        // The later ones are put in steady use, and stay with their worker.
        for _ in 0..4 {
            for worker in [&mut one, &mut two] {
                let (connection, peer) = worker.dial();
                peers.push(peer);
                worker.put(connection, at(0));
            }
        }
        assert_eq!(one.sweep(at(10)) + two.sweep(at(10)), 3);
        for worker in [&mut one, &mut two] {
            while worker.take(true, at(20)).is_some() {}
        }
        let (connection, _peer) = one.dial();
        one.sweep(at(1000));
        two.sweep(at(1000));
        one.put(connection, at(1000));
        assert!(two.take(true, at(1010)).is_some(), "there is room again");
    }
}

/// L-25: a connection that is old enough is not kept.
/// nor is one that nobody has used for too long.
#[test]
fn what_is_too_old_is_closed() {
    let (mut one, mut two) = workers(LIMITS);
    let (connection, _peer) = one.dial();
    one.put(connection, at(0));
    let connection = two.take(true, at(500)).expect("it was kept");
    let after = Tick::START.after(LIMITS.life.mul_f64(1.2));
    two.put(connection, after);
    assert!(two.take(true, after).is_none(), "its life is over");

    let (connection, _peer) = one.dial();
    one.put(connection, at(0));
    let after = Tick::START.after(LIMITS.age * 2);
    assert_eq!(one.sweep(after) + two.sweep(after), 0);
}

#[test]
fn the_next_endpoint_under_a_slot_gets_none_of_the_last_ones() {
    let (mut one, mut two) = workers(LIMITS);
    let (connection, _peer) = one.dial();
    one.put(connection, at(0));
    let next = EndpointIndex {
        life: 2,
        ..ENDPOINT
    };
    let taken = two
        .runtime
        .block_on(async { two.idle.take_at(next, true, at(10)) });
    assert!(taken.is_none());
}
