//! A client over HTTP/2 in clear text that writes any frame, sound or not.

use std::net::SocketAddr;
use std::time::Duration;

use pointsman_data_plane::Settings;
use pointsman_tests::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{BOUND, Plane, Setup};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
pub(crate) const PADDED: u8 = 0x8;
pub(crate) const PRIORITISED: u8 = 0x20;

pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const FLOW_CONTROL_ERROR: u32 = 3;
pub(crate) const STREAM_CLOSED: u32 = 5;
pub(crate) const FRAME_SIZE_ERROR: u32 = 6;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const COMPRESSION_ERROR: u32 = 9;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A data plane that speaks HTTP/2 in clear text before one endpoint.
pub(crate) fn plane(endpoint: &Endpoint, change: impl FnOnce(&mut Settings)) -> Plane {
    Setup::new()
        .endpoint("app.test", endpoint)
        .with(|settings| settings.http2.cleartext = true)
        .with(change)
        .start()
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The error code of a reset, or of the end of a connection.
    pub(crate) fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        let code = self.payload[at..].first_chunk().expect("a code");
        u32::from_be_bytes(*code)
    }
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A number with a prefix of so many bits (RFC 7541, section 5.1).
fn number(first: u8, bits: u32, mut value: usize) -> Vec<u8> {
    let most = (1 << bits) - 1;
    let byte = |value: usize| u8::try_from(value).expect("a byte");
    if value < most {
        return vec![first | byte(value)];
    }
    let mut bytes = vec![first | byte(most)];
    value -= most;
    while value >= 128 {
        bytes.push(byte(value % 128) | 128);
        value /= 128;
    }
    bytes.push(byte(value));
    bytes
}

/// A field as it is, noted in the table where `first` says so (RFC 7541, section 6.2).
pub(crate) fn field_as(first: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    bytes.extend(number(0, 7, name.len()));
    bytes.extend(name.as_bytes());
    bytes.extend(number(0, 7, value.len()));
    bytes.extend(value);
    bytes
}

/// A header block.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let fields = fields.iter();
    fields
        .flat_map(|(name, value)| field_as(0, name, value.as_bytes()))
        .collect()
}

/// The pseudo-headers of a sound request.
pub(crate) const SOUND: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "app.test"),
];

/// A block of a sound request with these fields behind it.
pub(crate) fn sound(more: &[(&str, &str)]) -> Vec<u8> {
    block(&[&SOUND[..], more].concat())
}

/// A frame of headers that is a whole block.
pub(crate) fn headers(stream: u32, ends: bool, block: &[u8]) -> Vec<u8> {
    let ends = if ends { END_STREAM } else { 0 };
    frame(HEADERS, END_HEADERS | ends, stream, block)
}

/// What became of a stream, or of its whole connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was reset with this code.
    Reset(u32),
    /// Its connection was ended with this code.
    GoAway(u32),
    /// An answer has begun.
    Answered,
    /// The connection has ended without a word.
    Closed,
}

/// A connection.
pub(crate) struct Raw {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    /// One on which nothing was said.
    pub(crate) async fn silent(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.expect("a connection");
        socket.set_nodelay(true).expect("an option");
        Self {
            socket,
            read: Vec::new(),
        }
    }

    /// One that has begun, with these settings.
    pub(crate) async fn with(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let mut raw = Self::silent(address).await;
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend(name.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        let mut hello = PREFACE.to_vec();
        hello.extend(frame(SETTINGS, 0, 0, &payload));
        hello.extend(frame(SETTINGS, ACK, 0, &[]));
        raw.write(&hello).await;
        raw
    }

    /// One that has begun.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::with(address, &[]).await
    }

    /// Writes as much as is taken; answers whether all was.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        self.socket.write_all(bytes).await.is_ok()
    }

    /// Writes while what comes is read, so that neither side waits for the other; answers whether all was taken.
    pub(crate) async fn flood(&mut self, bytes: &[u8]) -> bool {
        let Self { socket, read } = self;
        let (mut from, mut to) = socket.split();
        let mut writing = std::pin::pin!(to.write_all(bytes));
        loop {
            tokio::select! {
                written = &mut writing => return written.is_ok(),
                got = from.read_buf(read) => if !matches!(got, Ok(1..)) {
                    return false;
                },
            }
        }
    }

    /// The next frame; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let next = async {
            loop {
                if let Some(frame) = self.take() {
                    return Some(frame);
                }
                if !matches!(self.socket.read_buf(&mut self.read).await, Ok(1..)) {
                    return None;
                }
            }
        };
        timeout(BOUND, next)
            .await
            .expect("a frame within the bound")
    }

    fn take(&mut self) -> Option<Frame> {
        let [high, middle, low, kind, flags, stream @ ..] = *self.read.first_chunk::<9>()?;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let end = 9 + usize::try_from(length).expect("a length");
        let payload = self.read.get(9..end)?.to_vec();
        self.read.drain(..end);
        Some(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            payload,
        })
    }

    /// What becomes of a stream.
    pub(crate) async fn fate(&mut self, stream: u32) -> Fate {
        while let Some(frame) = self.next().await {
            match frame.kind {
                GOAWAY => return Fate::GoAway(frame.code()),
                RST_STREAM if frame.stream == stream => return Fate::Reset(frame.code()),
                HEADERS if frame.stream == stream => return Fate::Answered,
                _ => {}
            }
        }
        Fate::Closed
    }

    /// The code with which the connection is ended; `None` where it ends without a word, as where a reset of the
    /// connection has overtaken it.
    pub(crate) async fn end(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                code = Some(frame.code());
            }
        }
        code
    }

    /// Whether nothing has ended it within this time.
    pub(crate) async fn stays(&mut self, time: Duration) -> bool {
        timeout(time, async { while self.next().await.is_some() {} })
            .await
            .is_err()
    }
}
