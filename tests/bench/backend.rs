//! What stands behind every proxy: the cheapest server that still speaks HTTP/1.1.
//!
//! `GET /` is answered with 1 KiB, `GET /large` with 1 MiB, any other method with two bytes once its body has arrived.
//! Answers are prebuilt, bodies are dropped in the kernel: on two cores the backend shares one with the load, and
//! whatever it saves lets the proxy's core be the one that is busy.

mod connection;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use crate::machine::{Cores, take_precedence};
use crate::poller::{Interest, Poller};
pub(crate) use connection::SMALL;
use connection::{Connection, Scratch};

/// How long one turn waits; only so that the wait has a bound.
const TURN: Duration = Duration::from_secs(60);

/// Whom the backend lets run before itself on the cores that it shares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Manners {
    /// Nobody and everybody, as any process.
    Ordinary,
    /// Nobody: what a broker takes from it would be seen as latency of the proxy.
    First,
}

/// Starts the backend on a thread of its own, which ends with this process.
pub(crate) fn start(cores: Cores, manners: Manners) -> SocketAddr {
    start_many(cores, manners, 1)[0]
}

/// Starts it with several addresses, all on one thread.
pub(crate) fn start_many(cores: Cores, manners: Manners, count: usize) -> Vec<SocketAddr> {
    let listen = |_| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket option");
        listener
    };
    let listeners: Vec<_> = (0..count).map(listen).collect();
    let address = |listener: &TcpListener| listener.local_addr().expect("the bound address");
    let addresses = listeners.iter().map(address).collect();
    std::thread::Builder::new()
        .name("backend".to_owned())
        .spawn(move || {
            cores.leave_the_proxy_alone();
            if manners == Manners::First {
                let _refused = take_precedence();
            }
            serve(&listeners).expect("the backend's own sockets");
        })
        .expect("a thread");
    addresses
}

/// The first tokens are those of the listeners, the others those of connections.
fn serve(listeners: &[TcpListener]) -> io::Result<()> {
    let mut poller = Poller::new()?;
    for (token, listener) in listeners.iter().enumerate() {
        poller.add(listener, token, Interest::Read)?;
    }
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let (mut ready, mut scratch) = (Vec::new(), Scratch::default());
    loop {
        poller.wait(&mut ready, TURN)?;
        for &token in &ready {
            let Some(at) = token.checked_sub(listeners.len()) else {
                accept(
                    &listeners[token],
                    (&poller, listeners.len()),
                    &mut connections,
                )?;
                continue;
            };
            let Some(place) = connections.get_mut(at) else {
                continue;
            };
            let Some(connection) = place else { continue };
            // A peer that broke off ends its own connection, nobody else's.
            if !connection
                .turn(&poller, token, &mut scratch)
                .unwrap_or(false)
            {
                *place = None;
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    (poller, first_token): (&Poller, usize),
    connections: &mut Vec<Option<Connection>>,
) -> io::Result<()> {
    while let Ok((socket, _)) = listener.accept() {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let free = connections.iter().position(Option::is_none);
        let at = free.unwrap_or(connections.len());
        poller.add(&socket, at + first_token, Interest::Read)?;
        let connection = Some(Connection::new(socket));
        match connections.get_mut(at) {
            Some(place) => *place = connection,
            None => connections.push(connection),
        }
    }
    Ok(())
}
