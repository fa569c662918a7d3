//! One connection of a proxy to the backend.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;

use crate::poller::{Interest, Poller, discard};

/// Bytes of the small body.
pub(crate) const SMALL: usize = 1024;
/// Bytes of the large one.
const LARGE: usize = 1 << 20;

static ANSWERS: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| [SMALL, LARGE, 2].map(answer));

fn answer(length: usize) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nServer: backend\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.into_bytes(), vec![b'x'; length]].concat()
}

/// What the turns of all connections share.
pub(super) struct Scratch {
    bytes: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            bytes: vec![0; 256 * 1024],
        }
    }
}

/// A connection, in the middle of a head, of a body, or of an answer.
pub(super) struct Connection {
    socket: TcpStream,
    /// The beginning of a head that did not come in one piece.
    head: Vec<u8>,
    /// Bytes of the request's body that are still to come.
    body: usize,
    /// What is left of an answer that the socket did not take at once.
    unsent: &'static [u8],
}

impl Connection {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            head: Vec::new(),
            body: 0,
            unsent: &[],
        }
    }

    /// Does what the socket is ready for; `false` when the connection is over.
    pub(super) fn turn(
        &mut self,
        poller: &Poller,
        token: usize,
        scratch: &mut Scratch,
    ) -> io::Result<bool> {
        if !self.unsent.is_empty() {
            self.send(self.unsent, poller, token)?;
            return Ok(true);
        }
        if self.body > 0 {
            let count = discard(&self.socket, self.body, &mut scratch.bytes)?;
            self.body -= count;
            if count > 0 && self.body == 0 {
                self.send(&ANSWERS[2], poller, token)?;
            }
            return Ok(count > 0);
        }
        let count = self.socket.read(&mut scratch.bytes)?;
        if count == 0 {
            return Ok(false);
        }
        let received = &scratch.bytes[..count];
        if self.head.is_empty() && received.starts_with(b"GET /") && received.ends_with(b"\r\n\r\n")
        {
            let which = usize::from(received.get(5) == Some(&b'l'));
            self.send(&ANSWERS[which], poller, token)?;
            return Ok(true);
        }
        self.head.extend_from_slice(received);
        self.read_head(poller, token)
    }

    /// Looks whether the head is whole, and what it announces.
    fn read_head(&mut self, poller: &Poller, token: usize) -> io::Result<bool> {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut fields);
        let parsed = request.parse(&self.head).map_err(io::Error::other)?;
        let httparse::Status::Complete(end) = parsed else {
            return Ok(true);
        };
        let length = request
            .headers
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case("content-length"))
            .and_then(|field| std::str::from_utf8(field.value).ok()?.parse::<usize>().ok())
            .unwrap_or(0);
        let which = match (request.method, request.path) {
            (Some("GET"), Some(path)) => usize::from(path.starts_with("/l")),
            _ => 2,
        };
        self.body = length.saturating_sub(self.head.len() - end);
        self.head.clear();
        if self.body == 0 {
            self.send(&ANSWERS[which], poller, token)?;
        }
        Ok(true)
    }

    fn send(&mut self, bytes: &'static [u8], poller: &Poller, token: usize) -> io::Result<()> {
        let was_waiting = !self.unsent.is_empty();
        let count = match self.socket.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            written => written?,
        };
        self.unsent = &bytes[count..];
        match (was_waiting, self.unsent.is_empty()) {
            (false, false) => poller.change(&self.socket, token, Interest::Write),
            (true, true) => poller.change(&self.socket, token, Interest::Read),
            (false, true) | (true, false) => Ok(()),
        }
    }
}
