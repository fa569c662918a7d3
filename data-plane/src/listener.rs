//! Listening sockets: bound once, then once for each worker, and accepted from until the last
//! connection that a client believes it has.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use pointsman_process::shutdown::Stages;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::sleep;

mod gate;
mod sockets;

pub use gate::Gate;
pub use sockets::{Heirlooms, Inherited, Sockets};

use crate::downstream::{self, Client};
use crate::io::Io;
use crate::worker::{Handed, Mailbox, Seat, Worker};

/// Connections that may wait for a worker to accept them.
const BACKLOG: i32 = 4096;

/// The pause after a failed accept, which most often means that descriptors have run out.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Binds one address for so many workers, and answers where.
///
/// The first socket is bound without sharing the port, so that a port that somebody else uses is
/// an error and not a silent sharing of its connections; it gives way to the shared ones before
/// it has listened.
///
/// # Errors
/// The address cannot be bound; it is named.
pub(crate) fn bind(
    address: SocketAddr,
    workers: usize,
) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
    let named = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    };
    let probe = socket(address, false).map_err(named)?;
    let bound = probe.local_addr().map_err(named)?;
    drop(probe);
    let sockets = (0..workers).map(|_| {
        let socket = socket(bound, true)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    let sockets: Vec<_> = sockets.collect::<io::Result<_>>().map_err(named)?;
    sockets.iter().for_each(sockets::accept_without_delay);
    sockets::listen(&sockets).map_err(named)?;
    Ok((bound, sockets))
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// An address that clients connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Where.
    pub address: SocketAddr,
    /// Whether TLS is spoken there.
    pub tls: bool,
}

impl Listen {
    /// In clear text.
    #[must_use]
    pub const fn plain(address: SocketAddr) -> Self {
        let tls = false;
        Self { address, tls }
    }

    /// Over TLS.
    #[must_use]
    pub const fn tls(address: SocketAddr) -> Self {
        let tls = true;
        Self { address, tls }
    }
}

/// One worker's socket of a listener.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) socket: TcpListener,
    /// Whether TLS is spoken there.
    pub(crate) tls: bool,
}

/// What an accepting task watches.
#[derive(Clone, Debug)]
pub(crate) struct Doors {
    /// How the process leaves.
    pub(crate) stages: Stages,
    /// Whether it accepts yet, and still.
    pub(crate) gate: Gate,
    /// The listeners once more, for a successor.
    pub(crate) heirlooms: Heirlooms,
}

/// Accepts until the drain's wait is over, and then what is still waiting; or until a successor
/// does.
pub(crate) async fn accept(
    (listener, tls): (tokio::net::TcpListener, bool),
    worker: Rc<Worker>,
    doors: Doors,
) {
    let mut closing = std::pin::pin!(doors.stages.closing().cancelled());
    tokio::select! {
        () = doors.gate.until_open() => {}
        () = &mut closing => {}
    }
    let mut passed = std::pin::pin!(doors.gate.until_passed());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut passed => return,
            () = &mut closing => break,
            accepted = accept_within_bound(&listener, &worker) => accepted,
        };
        match accepted {
            Ok((socket, peer)) => seat(&worker, socket, (peer, tls)),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                worker.crowd.tell_failed_accept(&error);
                worker.counters.accepts_failed.increment();
                sleep(BACK_OFF).await;
            }
        }
    }
    doors.heirlooms.let_go();
    if let Err(error) = accept_rest(listener, tls, &worker) {
        worker.crowd.tell_failed_accept(&error);
    }
}

/// Waits while as many connections are open as may be (L-21), then for the next one.
async fn accept_within_bound(
    listener: &tokio::net::TcpListener,
    worker: &Worker,
) -> io::Result<(TcpStream, SocketAddr)> {
    if worker.crowd.is_full() {
        worker.counters.accepts_paused.increment();
        worker.crowd.tell_full();
        worker.crowd.until_there_is_room().await;
    }
    listener.accept().await
}

/// Whether the connection that was to be accepted is at fault, and the next one may be taken at
/// once (accept(2)).
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Accepts what the system has already promised to clients, and closes the socket.
fn accept_rest(
    listener: tokio::net::TcpListener,
    tls: bool,
    worker: &Rc<Worker>,
) -> io::Result<()> {
    let listener = listener.into_std()?;
    loop {
        match listener.accept() {
            Ok((socket, peer)) => {
                socket.set_nonblocking(true)?;
                let socket = TcpStream::from_std(socket)?;
                let seat = worker.crowd.seat_here(worker.index);
                begin(worker, socket, (peer, tls), seat);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Serves a fresh connection here, or hands it to the worker that has the fewest.
fn seat(worker: &Rc<Worker>, socket: TcpStream, (peer, tls): (SocketAddr, bool)) {
    let seat = worker.crowd.seat(worker.index);
    if seat.worker() == worker.index {
        return begin(worker, socket, (peer, tls), seat);
    }
    worker.counters.connections_handed_on.increment();
    match socket.into_std() {
        Ok(socket) => worker.crowd.hand(Handed {
            socket,
            peer,
            tls,
            seat,
        }),
        Err(error) => worker.crowd.tell_failed_accept(&error),
    }
}

/// Serves what other workers hand to this one, for as long as it lives.
pub(crate) async fn receive(mut mailbox: Mailbox, worker: Rc<Worker>) {
    while let Some(handed) = mailbox.recv().await {
        let from = (handed.peer, handed.tls);
        match TcpStream::from_std(handed.socket) {
            Ok(socket) => begin(&worker, socket, from, handed.seat),
            Err(error) => worker.crowd.tell_failed_accept(&error),
        }
    }
}

fn begin(worker: &Rc<Worker>, socket: TcpStream, (peer, tls): (SocketAddr, bool), seat: Seat) {
    let open = worker.enter(seat);
    if worker.settings.behind.is_some() {
        tokio::task::spawn_local(downstream::behind::serve(open, socket, peer, tls));
    } else if tls {
        tokio::task::spawn_local(downstream::tls::serve(open, socket, peer));
    } else {
        let (io, client) = (Io::Plain(socket), Client::new(peer));
        tokio::task::spawn_local(downstream::serve(open, io, client));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_an_error_that_names_it() {
        let localhost = SocketAddr::from(([127, 0, 0, 1], 0));
        let (address, sockets) = bind(localhost, 2).expect("a free port");
        assert_eq!(sockets.len(), 2);
        let error = bind(address, 1).expect_err("the port is in use");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}
