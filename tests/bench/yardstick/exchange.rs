//! The exchanges that are counted.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::client::{Kind, Request, Special};
use crate::features::{Feature, Setup};

/// What goes through the data plane, always the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    name: &'static str,
    kind: Kind,
    special: Option<Special>,
    requests: usize,
    /// How many are sent before the first answer is read, each on a connection of its own.
    at_once: usize,
}

/// The longest that an answer may take under callgrind.
const BOUND: Duration = Duration::from_secs(60);

impl Exchange {
    /// Those of a data plane that is set up like this.
    pub(super) fn of(setup: Setup) -> Vec<Self> {
        let exchange = |name, kind, requests, at_once| Self {
            name,
            kind,
            special: None,
            requests,
            at_once,
        };
        let special = |name, feature: Feature| Self {
            special: Some(feature.request()),
            ..exchange(name, Kind::Small, 2000, 1)
        };
        match setup {
            Setup::Plain => {}
            Setup::Logging => return vec![special("keep-alive, access log", Feature::AccessLog)],
            Setup::Services => {
                return vec![special(
                    "keep-alive, route service, both passes",
                    Feature::Service,
                )];
            }
            Setup::Tracing => return vec![special("keep-alive, traces", Feature::Traces)],
        }
        vec![
            special("keep-alive, 10 endpoints", Feature::Ten),
            special("keep-alive, 64 KiB of cookies", Feature::Cookies),
            special("keep-alive, hash balancing", Feature::Hashed),
            special("keep-alive, sticky session", Feature::Sticky),
            exchange("keep-alive", Kind::Small, 2000, 1),
            exchange("keep-alive, 32 at once", Kind::Small, 2048, 32),
            exchange("new connection", Kind::NewConnection, 500, 1),
            exchange("download of 1 MiB", Kind::Download, 50, 1),
            exchange("upload of 1 MiB", Kind::Upload, 50, 1),
        ]
    }

    pub(super) fn name(self) -> &'static str {
        self.name
    }

    pub(super) fn requests(self) -> usize {
        self.requests
    }

    /// Sends this many requests, and reads every answer to its end.
    pub(super) fn run(self, to: SocketAddr, requests: usize) -> Result<(), String> {
        let run = || -> io::Result<()> {
            let mut request = match self.special {
                Some(special) => Request::special(special),
                None => Request::new(self.kind, 1),
            };
            let mut sockets = Vec::new();
            for turn in 0..requests.div_ceil(self.at_once) {
                if turn == 0 || self.kind == Kind::NewConnection {
                    sockets = connect(to, self.at_once)?;
                }
                for socket in &mut sockets {
                    socket.write_all(request.next())?;
                }
                for socket in &mut sockets {
                    read_answer(socket, self.kind)?;
                }
            }
            Ok(())
        };
        run().map_err(|error| format!("{}: {error}", self.name))
    }
}

fn connect(to: SocketAddr, count: usize) -> io::Result<Vec<TcpStream>> {
    let one = |_| {
        let socket = TcpStream::connect(to)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(BOUND))?;
        Ok(socket)
    };
    (0..count).map(one).collect()
}

fn read_answer(socket: &mut TcpStream, kind: Kind) -> io::Result<()> {
    let (mut answer, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let count = socket.read(&mut buffer)?;
        answer.extend_from_slice(&buffer[..count]);
        let head = memchr::memmem::find(&answer, b"\r\n\r\n");
        if head.is_some_and(|end| answer.len() >= end + 4 + kind.answer()) {
            break;
        }
        if count == 0 {
            return Err(io::Error::other("closed before the end of an answer"));
        }
    }
    if answer.starts_with(b"HTTP/1.1 200") {
        Ok(())
    } else {
        Err(io::Error::other(
            String::from_utf8_lossy(&answer).into_owned(),
        ))
    }
}
