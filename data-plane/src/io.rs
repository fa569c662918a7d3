//! The bytes of one connection, in clear text or over TLS, as a plain value that can be polled in
//! both directions by one task, kept idle, and handed on.

pub(crate) mod tls;

use std::io;
use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::io::tls::TlsIo;

/// One connection.
#[derive(Debug)]
pub(crate) enum Io {
    /// In clear text.
    Plain(TcpStream),
    /// Over TLS, after the handshake.
    Tls(Box<TlsIo>),
}

impl Io {
    /// Reads what is there into `space`, which is not empty. Zero is the end of what the peer
    /// sends.
    ///
    /// A read that leaves room also clears the readiness of the socket, so that the next one waits
    /// for the driver instead of asking the system in vain.
    #[inline]
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => read_socket(socket, cx, space),
            Self::Tls(tls) => tls.poll_read(cx, space),
        }
    }

    /// Whether a read would not wait. For a connection without a read buffer.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_read_ready(cx),
            Self::Tls(tls) => tls.poll_readable(cx),
        }
    }

    /// Writes the front of `parts` and says how much of them it took.
    #[inline]
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match (self, parts) {
            (Self::Plain(socket), [one]) => Pin::new(socket).poll_write(cx, one),
            (Self::Plain(socket), _) => Pin::new(socket).poll_write_vectored(cx, parts),
            (Self::Tls(tls), _) => tls.poll_write(cx, parts),
        }
    }

    /// Waits until what was written has left for the socket.
    #[inline]
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => tls.poll_flush(cx),
        }
    }

    /// Ends what this side sends; the other direction stays open.
    pub(crate) fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(tls) => tls.poll_finish(cx),
        }
    }

    /// Tells the peer that the connection ends, as far as that takes no waiting: over TLS it could not tell an end from
    /// a cut.
    pub(crate) fn say_goodbye(&mut self) {
        if let Self::Tls(tls) = self {
            tls.say_goodbye();
        }
    }

    /// Whether something that was taken for sending has not left for the socket.
    #[inline]
    pub(crate) fn has_unsent(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.has_unsent(),
        }
    }

    /// All bytes that the socket took of a session, ever; `None` in clear text, where whoever writes counts them.
    #[inline]
    pub(crate) fn sent_encrypted(&self) -> Option<u64> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => Some(tls.sent()),
        }
    }

    /// The protocol that the handshake has chosen, if it has chosen one (ALPN, RFC 7301).
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => tls.session().alpn_protocol(),
        }
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => tls.socket(),
        }
    }

    /// The address of this side. Costs a system call.
    pub(crate) fn local_ip(&self) -> Option<IpAddr> {
        Some(self.socket().local_addr().ok()?.ip())
    }

    /// Makes closing a reset, which throws away what has not been sent yet.
    pub(crate) fn reset_on_close(&self) {
        let socket = self.socket();
        // Without the option the connection is closed as any other.
        let _ = socket.set_zero_linger();
    }

    /// Whether an idle connection may be used again: its peer neither closed it nor sent what
    /// nobody asked for. Costs no system call while the driver has seen nothing.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let socket = match self {
            Self::Plain(socket) => &*socket,
            Self::Tls(tls) => tls.socket(),
        };
        if socket.try_io(Interest::READABLE, || Ok(())).is_err() {
            return true;
        }
        // The driver has seen something: data, an end, or a leftover of the last read.
        match self {
            Self::Plain(socket) => is_silent(&socket.try_read(&mut [0; 1])),
            Self::Tls(tls) => tls.is_quiet(),
        }
    }
}

/// Closed behind the driver's back.
impl Io {
    /// Whether the system has neither bytes nor an end for us at this very moment, whatever the
    /// driver has heard so far. Costs a system call.
    pub(crate) fn is_quiet_now(&self) -> bool {
        let peeked = SockRef::from(self.socket()).peek(&mut [MaybeUninit::uninit(); 1]);
        is_silent(&peeked)
    }
}

/// Moving between workers.
impl Io {
    /// Takes an idle connection from the runtime of another worker into the calling one's; `None`
    /// where its peer has closed it or sent what nobody asked for.
    ///
    /// The system is asked, since the other worker may not have come round to hear of it.
    pub(crate) fn move_here(self) -> Option<Self> {
        match self {
            Self::Plain(socket) => {
                let socket = socket.into_std().ok()?;
                if !is_silent(&(&socket).read(&mut [0; 1])) {
                    return None;
                }
                TcpStream::from_std(socket).ok().map(Self::Plain)
            }
            Self::Tls(tls) => tls.move_here().map(Self::Tls),
        }
    }
}

/// Whether a read found neither bytes nor an end.
fn is_silent(read: &io::Result<usize>) -> bool {
    matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Reads from a socket through its readiness.
#[inline]
fn read_socket(
    socket: &mut TcpStream,
    cx: &mut Context<'_>,
    space: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(space);
    match Pin::new(socket).poll_read(cx, &mut buffer) {
        Poll::Ready(Ok(())) => Poll::Ready(Ok(buffer.filled().len())),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    }
}
