//! The first bytes of a TLS connection: what its client asks for, before anything is decided.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::server::{Accepted, Acceptor};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

/// As many bytes as tell HTTP from TLS.
const TELLING: usize = 5;

/// How requests in clear text begin.
const METHODS: [&[u8; TELLING]; 9] = [
    b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO", b"DELET", b"PATCH", b"TRACE", b"CONNE",
];

/// Why a connection does not come to be one over TLS.
#[derive(Debug)]
pub(super) enum Unwelcome {
    /// It is one in clear text (D-040).
    PlainHttp,
    /// The client asks for what there is not, or does not speak TLS; this is what it is told.
    Refused(Vec<u8>),
    /// It has ended.
    Gone,
}

/// Reads until the client has said what it wants.
#[derive(Default)]
pub(super) struct Hello {
    acceptor: Acceptor,
    start: Vec<u8>,
}

impl Hello {
    /// Waits for the whole of it.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut TcpStream,
    ) -> Poll<Result<Box<Accepted>, Unwelcome>> {
        loop {
            let mut bytes = Bytes {
                socket,
                cx,
                start: &mut self.start,
            };
            match self.acceptor.read_tls(&mut bytes) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Ok(0) | Err(_) => return Poll::Ready(Err(Unwelcome::Gone)),
            }
            match self.acceptor.accept() {
                Ok(Some(accepted)) => return Poll::Ready(Ok(Box::new(accepted))),
                Ok(None) => {}
                Err(_) if METHODS.iter().any(|method| self.start.starts_with(*method)) => {
                    return Poll::Ready(Err(Unwelcome::PlainHttp));
                }
                Err((_, mut alert)) => {
                    let mut told = Vec::new();
                    // A vector takes everything.
                    let _ = alert.write_all(&mut told);
                    return Poll::Ready(Err(Unwelcome::Refused(told)));
                }
            }
        }
    }
}

/// The socket as the library wants to see it, and the first of its bytes.
struct Bytes<'a, 'b, 'c> {
    socket: &'a mut TcpStream,
    cx: &'b mut Context<'c>,
    start: &'a mut Vec<u8>,
}

impl Read for Bytes<'_, '_, '_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(space);
        match Pin::new(&mut *self.socket).poll_read(self.cx, &mut buffer) {
            Poll::Ready(read) => read?,
            Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
        }
        let read = buffer.filled();
        let wanted = TELLING.saturating_sub(self.start.len()).min(read.len());
        self.start.extend_from_slice(&read[..wanted]);
        Ok(read.len())
    }
}
