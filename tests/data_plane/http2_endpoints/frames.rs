//! An endpoint that speaks HTTP/2 frame by frame, as the test says: what a server library would not send.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::support::BOUND;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;

pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;

/// `:status: 200` as it stands in the static table (RFC 7541, appendix A).
pub(super) const STATUS_200: &[u8] = &[0x88];

/// A listener for such endpoints.
pub(super) struct Frames {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

/// One connection.
pub(super) struct Connection(TlsStream<TcpStream>);

/// One frame.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frames {
    pub(super) async fn listen(config: Arc<ServerConfig>) -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.expect("a port"),
            acceptor: config.into(),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("an address")
    }

    /// The next connection, greeted with these settings.
    pub(super) async fn accept(&self, settings: &[(u16, u32)]) -> Connection {
        let accepted = timeout(BOUND, self.listener.accept()).await;
        let accepted = accepted.expect("a connection within the bound");
        let (socket, _) = accepted.expect("the data plane");
        let mut stream = self.acceptor.accept(socket).await.expect("a handshake");
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.expect("a preface");
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut connection = Connection(stream);
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        connection.send(SETTINGS, 0, 0, &payload).await;
        connection
    }
}

impl Connection {
    /// Sends a frame.
    pub(super) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a short frame");
        let mut bytes = length.to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
        self.0.write_all(&bytes).await.expect("the data plane");
        self.0.flush().await.expect("the data plane");
    }

    /// Sends frames that the test has made; answers whether all were taken.
    pub(super) async fn send_bytes(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok() && self.0.flush().await.is_ok()
    }

    /// The next frame, which has to come within the bound; `None` at the end of the connection.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        let read = timeout(BOUND, self.0.read_exact(&mut head)).await;
        read.expect("a frame or the end within the bound").ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    /// The next frame of this kind; settings are acknowledged on the way.
    pub(super) async fn next_of(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().await.expect("a frame");
            if frame.kind == SETTINGS && frame.flags & ACK == 0 {
                self.send(SETTINGS, ACK, 0, &[]).await;
            }
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// Waits for the next request, to the end of its head, and answers on which stream it is.
    pub(super) async fn request(&mut self) -> u32 {
        self.next_of(HEADERS).await.stream
    }

    /// Answers with 200 and a text.
    pub(super) async fn answer(&mut self, stream: u32, text: &str) {
        self.send(HEADERS, END_HEADERS, stream, STATUS_200).await;
        self.send(DATA, END_STREAM, stream, text.as_bytes()).await;
    }

    /// Says that nothing beyond this stream was looked at.
    pub(super) async fn go_away(&mut self, last: u32) {
        let payload = [last.to_be_bytes(), 0_u32.to_be_bytes()].concat();
        self.send(GOAWAY, 0, 0, &payload).await;
    }

    /// Ends a stream with this code.
    pub(super) async fn reset(&mut self, stream: u32, code: u32) {
        self.send(RST_STREAM, 0, stream, &code.to_be_bytes()).await;
    }
}
