//! One TLS connection: a socket and the state of its session, without a task or a split between
//! them, so that an idle one is a plain value.

use std::io;
use std::io::{IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use rustls::Connection;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

/// A socket under a TLS session.
#[derive(Debug)]
pub(crate) struct TlsIo {
    socket: TcpStream,
    session: Connection,
    /// Encrypted bytes that the socket took, ever.
    sent: u64,
}

impl TlsIo {
    /// A session that has still to shake hands.
    pub(crate) fn new(socket: TcpStream, session: Connection) -> Self {
        Self {
            socket,
            session,
            sent: 0,
        }
    }

    /// What the session knows of its peer.
    pub(crate) fn session(&self) -> &Connection {
        &self.session
    }

    /// The socket alone, of a session that has ended.
    pub(crate) fn into_socket(self) -> TcpStream {
        self.socket
    }

    /// Whether the session holds something for the socket.
    pub(crate) fn has_unsent(&self) -> bool {
        self.session.wants_write()
    }

    /// Encrypted bytes that the socket took, ever.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Ends the session without waiting.
    pub(crate) fn say_goodbye(&mut self) {
        self.session.send_close_notify();
        let _ = self.poll_send(&mut Context::from_waker(Waker::noop()));
    }

    /// The socket below.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Waits until the handshake has something to do: to send, or to work at what came.
    pub(crate) fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.session.wants_write() {
            return Poll::Ready(Ok(()));
        }
        self.socket.poll_read_ready(cx)
    }

    /// Drives the handshake to its end. Nothing of the application is sent before that.
    ///
    /// # Errors
    /// Those of the socket, and `InvalidData` around a [`rustls::Error`]; an end of the peer's
    /// bytes is `UnexpectedEof`.
    pub(crate) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_send(cx))?;
            if !self.session.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_receive(cx))? == 0 && self.session.is_handshaking() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Reads plain text. The end of the socket without the end of the session is an error, since
    /// anybody on the way could have caused it.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.session.reader().read(space) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
            ready!(self.poll_receive(cx))?;
        }
    }

    /// Whether plain text, or its end, can be read without waiting.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let state = self.session.process_new_packets().map_err(invalid)?;
            if state.plaintext_bytes_to_read() > 0 || state.peer_has_closed() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_receive(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Encrypts what the session has room for and sends what the socket takes of it.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            let taken = self.session.writer().write_vectored(parts)?;
            let sent = self.poll_send(cx);
            if taken > 0 {
                // What the socket did not take yet is kept by the session and goes with the flush.
                return match sent {
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(taken)),
                };
            }
            ready!(sent)?;
        }
    }

    /// Waits until the socket took everything that was encrypted.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    /// Says that nothing more comes, to the session and to the socket.
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.session.send_close_notify();
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    /// Whether what arrived while the connection was idle is the session's own business, such as
    /// a ticket, and no byte or end of the peer's.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.poll_readable(&mut cx).is_pending()
    }

    /// Takes an idle connection from the runtime of another worker into the calling one's, with
    /// what the session itself has received meanwhile; `None` where it is not idle any more.
    pub(crate) fn move_here(self: Box<Self>) -> Option<Box<Self>> {
        let Self {
            socket,
            mut session,
            sent,
        } = *self;
        let socket = socket.into_std().ok()?;
        loop {
            match session.read_tls(&mut &socket) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Ok(0) | Err(_) => return None,
            }
            let state = session.process_new_packets().ok()?;
            if state.plaintext_bytes_to_read() > 0 || state.peer_has_closed() {
                return None;
            }
        }
        let socket = TcpStream::from_std(socket).ok()?;
        Some(Box::new(Self {
            socket,
            session,
            sent,
        }))
    }

    /// Reads from the socket into the session, and answers how many bytes came.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut socket = Blocking {
            socket: &mut self.socket,
            cx,
        };
        let count = match self.session.read_tls(&mut socket) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            read => read?,
        };
        if let Err(error) = self.session.process_new_packets() {
            // The peer is told why, as far as its socket takes it at once.
            let _ = self.poll_send(cx);
            return Poll::Ready(Err(invalid(error)));
        }
        Poll::Ready(Ok(count))
    }

    /// Writes what the session has for the socket.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            let mut socket = Blocking {
                socket: &mut self.socket,
                cx,
            };
            match self.session.write_tls(&mut socket) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => self.sent += count as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The socket as the session wants to see it: `WouldBlock` where it would have to wait.
struct Blocking<'a, 'b, 'c> {
    socket: &'a mut TcpStream,
    cx: &'b mut Context<'c>,
}

impl Read for Blocking<'_, '_, '_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        now(super::read_socket(self.socket, self.cx, space))
    }
}

impl Write for Blocking<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        now(Pin::new(&mut *self.socket).poll_write(self.cx, bytes))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        now(Pin::new(&mut *self.socket).poll_write_vectored(self.cx, parts))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn now<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}
