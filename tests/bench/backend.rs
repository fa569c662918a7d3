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
use connection::{Connection, Scratch};

/// The token of the listener; connections have theirs from 1 on.
const LISTENER: usize = 0;
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
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("the bound address");
    listener.set_nonblocking(true).expect("a socket option");
    std::thread::Builder::new()
        .name("backend".to_owned())
        .spawn(move || {
            cores.leave_the_proxy_alone();
            if manners == Manners::First {
                let _refused = take_precedence();
            }
            serve(&listener).expect("the backend's own sockets");
        })
        .expect("a thread");
    address
}

fn serve(listener: &TcpListener) -> io::Result<()> {
    let mut poller = Poller::new()?;
    poller.add(listener, LISTENER, Interest::Read)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let (mut ready, mut scratch) = (Vec::new(), Scratch::default());
    loop {
        poller.wait(&mut ready, TURN)?;
        for &token in &ready {
            if token == LISTENER {
                accept(listener, &poller, &mut connections)?;
                continue;
            }
            let Some(place) = connections.get_mut(token - 1) else {
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
    poller: &Poller,
    connections: &mut Vec<Option<Connection>>,
) -> io::Result<()> {
    while let Ok((socket, _)) = listener.accept() {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let free = connections.iter().position(Option::is_none);
        let at = free.unwrap_or(connections.len());
        poller.add(&socket, at + 1, Interest::Read)?;
        let connection = Some(Connection::new(socket));
        match connections.get_mut(at) {
            Some(place) => *place = connection,
            None => connections.push(connection),
        }
    }
    Ok(())
}
