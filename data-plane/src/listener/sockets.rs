//! Listening sockets from before this process: taken over from the one that served until now, or
//! passed by a service manager; and those of this one, for the next.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use super::{BACKLOG, Gate};

/// Sockets that listen already.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<(SocketAddr, TcpListener)>,
}

impl Inherited {
    /// These.
    ///
    /// # Errors
    /// One of them is no bound socket.
    pub fn new(sockets: impl IntoIterator<Item = TcpListener>) -> io::Result<Self> {
        let addressed = sockets.into_iter().map(|socket| {
            // Whoever passed it may not have said so, and a worker must never wait in it.
            socket.set_nonblocking(true)?;
            accept_without_delay(&socket);
            Ok((socket.local_addr()?, socket))
        });
        let sockets = addressed.collect::<io::Result<_>>()?;
        Ok(Self { sockets })
    }

    /// Adds those of `other`.
    pub fn extend(&mut self, other: Self) {
        self.sockets.extend(other.sockets);
    }

    /// Where they listen; an address may stand there more than once.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.iter().map(|(address, _)| *address)
    }

    /// All that listen on this address.
    pub fn take(&mut self, address: SocketAddr) -> Vec<TcpListener> {
        let (taken, left): (Vec<_>, _) = std::mem::take(&mut self.sockets)
            .into_iter()
            .partition(|(bound, _)| *bound == address);
        self.sockets = left;
        taken.into_iter().map(|(_, socket)| socket).collect()
    }

    /// Makes sure that nothing is left: a connection that waits in a socket that nobody accepts
    /// from would wait forever.
    ///
    /// # Errors
    /// There is a socket that nobody has taken; it is named.
    pub fn finish(&self) -> io::Result<()> {
        let Some((address, _)) = self.sockets.first() else {
            return Ok(());
        };
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "an inherited socket listens on {address}, which is not configured: add it to `listen`"
            ),
        ))
    }
}

/// The sockets that a process begins with, and whether it accepts from them at once.
#[derive(Debug, Default)]
pub struct Sockets {
    /// Those from before it.
    pub inherited: Inherited,
    /// Whether and when it accepts.
    pub gate: Gate,
    /// Whether they are kept for a successor.
    pub keep: bool,
}

/// What a process could pass on to a successor: its listening sockets once more.
///
/// They have to be let go before the listeners are closed: a socket stays open, and goes on to
/// take connections that nobody accepts, until the last of its descriptors is closed.
#[derive(Clone, Debug, Default)]
pub struct Heirlooms {
    sockets: Arc<Mutex<Vec<TcpListener>>>,
}

impl Heirlooms {
    /// Keeps another descriptor of a listening socket.
    pub(crate) fn keep(&self, again: TcpListener) {
        self.lock().push(again);
    }

    /// The sockets once more, to be sent.
    ///
    /// # Errors
    /// Descriptors have run out.
    pub(crate) fn copies(&self) -> io::Result<Vec<TcpListener>> {
        self.lock().iter().map(TcpListener::try_clone).collect()
    }

    /// Lets go of them.
    pub(crate) fn let_go(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<TcpListener>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has what is accepted send without delay (`TCP_NODELAY`): accepted sockets inherit the option,
/// which spares a system call for each connection. One without the option works all the same.
pub(super) fn accept_without_delay(listener: &TcpListener) {
    let _ = socket2::SockRef::from(listener).set_tcp_nodelay(true);
}

/// Makes sockets listen that are only bound.
pub(super) fn listen(sockets: &[TcpListener]) -> io::Result<()> {
    sockets
        .iter()
        .try_for_each(|socket| socket2::SockRef::from(socket).listen(BACKLOG))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").expect("a free port")
    }

    #[test]
    fn sockets_are_found_by_where_they_listen() {
        let (one, two) = (socket(), socket());
        let address = one.local_addr().expect("an address");
        let other = two.local_addr().expect("an address");
        let again = one.try_clone().expect("a descriptor");
        let mut inherited = Inherited::new([two, one, again]).expect("bound sockets");
        assert_eq!(inherited.take(address).len(), 2);
        assert_eq!(inherited.take(address).len(), 0);
        assert!(inherited.finish().is_err(), "one is left");
        assert_eq!(inherited.take(other).len(), 1);
        inherited.finish().expect("nothing is left");
    }

    #[test]
    fn what_is_accepted_sends_without_delay() {
        let listener = socket();
        let address = listener.local_addr().expect("an address");
        let mut inherited = Inherited::new([listener]).expect("a bound socket");
        let listener = inherited.take(address).pop().expect("the socket");
        let client = std::net::TcpStream::connect(address).expect("it listens");
        listener.set_nonblocking(false).expect("a socket");
        let (accepted, _) = listener.accept().expect("a connection");
        assert!(accepted.nodelay().expect("an option"));
        assert!(
            !client.nodelay().expect("an option"),
            "nobody asked for it here"
        );
    }

    #[test]
    fn what_nobody_takes_is_named() {
        let socket = socket();
        let address = socket.local_addr().expect("an address").to_string();
        let inherited = Inherited::new([socket]).expect("a bound socket");
        let error = inherited.finish().expect_err("nobody took it").to_string();
        assert!(error.contains(&address), "{error}");
    }
}
