//! One connection of the load to a proxy.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::Kind;
use crate::poller::discard;

/// Bytes of an answer that are copied out of the kernel: its head, and what comes with it.
const FIRST: usize = 16 * 1024;

/// Where an exchange stands after a turn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turn {
    /// More of the answer is to come.
    Waiting,
    /// The answer is whole.
    Answered,
}

/// A connection with at most one request on it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: TcpStream,
    kind: Kind,
    /// Bytes of the request that the socket has not taken.
    pub(super) unsent: usize,
    /// The beginning of a head that did not come in one piece.
    head: Vec<u8>,
    /// Bytes of the answer's body that are still to come; none before its head.
    body: Option<usize>,
}

impl Connection {
    pub(super) fn open(address: SocketAddr, kind: Kind) -> io::Result<Self> {
        // On the loopback address a connection stands when this returns, so waiting for it is not worth a turn.
        let socket = TcpStream::connect(address)?;
        if kind != Kind::NewConnection {
            // A connection of one exchange has no use for either: it is read when there is something to read, and one
            // write has nothing to wait for.
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
        }
        Ok(Self {
            socket,
            kind,
            unsent: 0,
            head: Vec::new(),
            body: None,
        })
    }

    /// Begins a request.
    pub(super) fn ask(&mut self, request: &[u8]) -> io::Result<()> {
        self.unsent = request.len();
        self.body = None;
        self.send(request)
    }

    /// Sends on what the socket has not taken; `request` is the whole request.
    pub(super) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        let from = request.len() - self.unsent;
        match self.socket.write(&request[from..]) {
            Ok(count) => self.unsent -= count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Reads what has come of the answer.
    pub(super) fn receive(&mut self, scratch: &mut [u8]) -> io::Result<Turn> {
        let left = match self.body {
            None => {
                let size = scratch.len().min(FIRST);
                let count = self.socket.read(&mut scratch[..size])?;
                self.begin(&scratch[..count])?
            }
            Some(0) => return Err(broken("closed, or more than was announced")),
            Some(left) => {
                let count = discard(&self.socket, left, scratch)?;
                if count == 0 {
                    return Err(broken("closed within an answer"));
                }
                Some(left - count)
            }
        };
        self.body = left;
        Ok(if left == Some(0) {
            Turn::Answered
        } else {
            Turn::Waiting
        })
    }

    /// Takes the first bytes of an answer; what is left of its body, once its head is whole.
    fn begin(&mut self, received: &[u8]) -> io::Result<Option<usize>> {
        if received.is_empty() {
            return Err(broken("closed before an answer"));
        }
        let mut bytes = received;
        if !self.head.is_empty() {
            self.head.extend_from_slice(received);
            bytes = &self.head;
        }
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
            if self.head.is_empty() {
                self.head.extend_from_slice(received);
            }
            return Ok(None);
        };
        if !bytes.starts_with(b"HTTP/1.1 200") {
            return Err(broken("not answered with 200"));
        }
        // The backend announces the length, and a proxy that changed it would be found by the bytes left over.
        let body = bytes.len() - end - 4;
        let left = self.kind.answer().checked_sub(body);
        self.head.clear();
        left.map(Some)
            .ok_or_else(|| broken("more than was announced"))
    }
}

fn broken(why: &'static str) -> io::Error {
    io::Error::other(why)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use pointsman_tests::eventually;

    use super::{Connection, Kind, Turn};

    async fn turns(answer: &[&[u8]]) -> Vec<Result<Turn, String>> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = Connection::open(listener.local_addr().unwrap(), Kind::Small).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut scratch = vec![0; 4096];
        let mut turns = Vec::new();
        for piece in answer {
            server.write_all(piece).unwrap();
            let bound = std::time::Duration::from_secs(5);
            let turn = eventually("bytes of the answer", bound, async || {
                match client.receive(&mut scratch) {
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        Err(error.to_string())
                    }
                    other => Ok(other.map_err(|error| error.to_string())),
                }
            });
            turns.push(turn.await);
        }
        turns
    }

    #[tokio::test]
    async fn an_answer_in_pieces_ends_where_its_body_ends() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n";
        let body = [b'x'; 1024];
        let seen = turns(&[&head[..20], &head[20..], &body[..1000], &body[1000..]]).await;
        let waiting = || Ok(Turn::Waiting);
        assert_eq!(seen, [waiting(), waiting(), waiting(), Ok(Turn::Answered)]);
    }

    #[tokio::test]
    async fn what_is_no_success_is_an_error() {
        let seen = turns(&[b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]).await;
        assert_eq!(seen, [Err("not answered with 200".to_owned())]);
    }
}
