//! A connection for bytes: for requests that no library would send, and answers that it would not show.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::BOUND;
use crate::install_crypto_provider;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection on which bytes are written and read.
pub struct RawConnection {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// A response as it stood on the wire.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// The status code of the first line.
    pub status: u16,
    /// The head with its empty line.
    pub head: String,
    /// The body: with a length, its bytes; chunked, the chunks joined; otherwise what came until the close.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// The first value of a header field, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl RawConnection {
    /// Connects.
    ///
    /// # Panics
    ///
    /// When nobody listens there.
    pub async fn connect(address: SocketAddr) -> Self {
        Self {
            stream: Box::new(dial(address).await),
            buffer: Vec::new(),
        }
    }

    /// Connects over TLS.
    ///
    /// # Errors
    ///
    /// When the handshake fails.
    pub async fn connect_tls(
        address: SocketAddr,
        config: Arc<ClientConfig>,
        name: &str,
    ) -> std::io::Result<Self> {
        let stream = handshake(dial(address).await, config, name).await?;
        Ok(Self {
            stream: Box::new(stream),
            buffer: Vec::new(),
        })
    }

    /// Writes exactly these bytes.
    ///
    /// # Panics
    ///
    /// When the peer takes no more; use [`try_write`](Self::try_write) where it may have closed.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.try_write(bytes)
            .await
            .expect("the peer takes the bytes");
    }

    /// Writes exactly these bytes.
    ///
    /// # Errors
    ///
    /// When the peer closed, or took not all of them within the bound.
    pub async fn try_write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        bounded(async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        })
        .await
    }

    /// Says that nothing more will be written; reading goes on.
    ///
    /// # Errors
    ///
    /// When the peer closed before.
    pub async fn finish(&mut self) -> std::io::Result<()> {
        bounded(self.stream.shutdown()).await
    }

    /// Reads exactly `count` bytes.
    ///
    /// # Panics
    ///
    /// When the peer closes before, or sends too slowly.
    pub async fn read_exactly(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            self.expect_more().await;
        }
        self.take(count)
    }

    /// Reads up to the end of `mark`, which is part of the result.
    ///
    /// # Panics
    ///
    /// When the peer closes before, or sends too slowly.
    pub async fn read_until(&mut self, mark: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self
                .buffer
                .windows(mark.len())
                .position(|window| window == mark)
            {
                return self.take(at + mark.len());
            }
            self.expect_more().await;
        }
    }

    /// Reads until the peer closes; a reset counts as a close.
    ///
    /// # Panics
    ///
    /// When the peer does not close within the bound.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Reads the answer to anything but HEAD.
    ///
    /// # Panics
    ///
    /// When what arrives is no answer, or not all of it.
    pub async fn read_answer(&mut self) -> RawAnswer {
        let mut answer = self.read_head().await;
        answer.body = if matches!(answer.status, 100..=199 | 204 | 304) {
            Vec::new()
        } else if answer.header("transfer-encoding").is_some() {
            self.read_chunks().await
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().expect("a length in Content-Length");
            self.read_exactly(length).await
        } else {
            self.read_to_end().await
        };
        answer
    }

    /// Reads the head of an answer, whose body stays empty here.
    ///
    /// # Panics
    ///
    /// When what arrives is no head.
    pub async fn read_head(&mut self) -> RawAnswer {
        let head = self.read_until(b"\r\n\r\n").await;
        let head = String::from_utf8(head).expect("a head of text");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {head:?}"));
        RawAnswer {
            status,
            head,
            body: Vec::new(),
        }
    }

    async fn read_chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = self.read_until(b"\r\n").await;
            let line = String::from_utf8(line).expect("a chunk's line");
            let size = line.split([';', '\r']).next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).expect("a chunk's size");
            if size == 0 {
                while self.read_until(b"\r\n").await != b"\r\n" {}
                return body;
            }
            body.extend(self.read_exactly(size).await);
            assert_eq!(self.read_exactly(2).await, b"\r\n", "the end of a chunk");
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(count);
        std::mem::replace(&mut self.buffer, rest)
    }

    async fn expect_more(&mut self) {
        if !self.more().await {
            panic!("closed after {:?}", String::from_utf8_lossy(&self.buffer));
        }
    }

    /// Reads what is there; false at the end of the stream.
    async fn more(&mut self) -> bool {
        let read = tokio::time::timeout(BOUND, self.stream.read_buf(&mut self.buffer)).await;
        match read {
            Ok(Ok(count)) => count > 0,
            Ok(Err(_reset)) => false,
            Err(_elapsed) => {
                panic!(
                    "no byte for {BOUND:?} after {:?}",
                    String::from_utf8_lossy(&self.buffer)
                )
            }
        }
    }
}

async fn bounded<T>(work: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    tokio::time::timeout(BOUND, work)
        .await
        .unwrap_or_else(|elapsed| Err(elapsed.into()))
}

pub(super) async fn dial(address: SocketAddr) -> TcpStream {
    let dialed = bounded(TcpStream::connect(address)).await;
    let stream = dialed.unwrap_or_else(|error| panic!("connect to {address}: {error}"));
    stream
        .set_nodelay(true)
        .expect("an option of a fresh socket");
    stream
}

pub(super) async fn handshake(
    stream: TcpStream,
    config: Arc<ClientConfig>,
    name: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    install_crypto_provider();
    let name = ServerName::try_from(name.to_owned()).expect("a server name");
    bounded(TlsConnector::from(config).connect(name, stream)).await
}
