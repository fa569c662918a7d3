//! Reaching a control plane.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use pointsman_process::configuration::HostPort;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};

/// How long a connection may take to come about, its handshake included.
const CONNECT: Duration = Duration::from_secs(5);

/// A control plane that can be followed.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    /// How it is called in logs.
    pub name: String,
    /// How it is reached.
    pub link: Link,
}

/// A way to a control plane.
#[derive(Clone, Debug)]
pub enum Link {
    /// Clear text, which never leaves the machine: an address that is not loopback is refused.
    Loopback(HostPort),
    /// Mutual TLS; the control plane's certificate has to name the host.
    Tls(HostPort, Arc<ClientConfig>),
    /// A control plane in this process.
    Pipe(Pipe),
}

/// Makes connections within the process.
#[derive(Clone)]
pub struct Pipe(Arc<dyn Fn() -> Connecting + Send + Sync>);

impl Pipe {
    /// One more connection.
    pub(super) async fn connect(&self) -> io::Result<DuplexStream> {
        (self.0)().await
    }
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<DuplexStream>> + Send>>;

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe").finish_non_exhaustive()
    }
}

/// What a connection is made of.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl ControlPlane {
    /// A channel over a connection that is made now. One that answers no ping of HTTP/2, which is
    /// sent after two signs of life were due, within the time of one ends.
    ///
    /// # Errors
    ///
    /// Where that fails or takes too long.
    pub(super) async fn connect(&self, heartbeat: Duration) -> io::Result<Channel> {
        let stream = tokio::time::timeout(CONNECT, self.link.open())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        // The connection exists; the URI only becomes the `:authority` of the requests on it.
        let endpoint = Endpoint::from_static("http://control-plane.internal")
            .http2_keep_alive_interval(heartbeat.saturating_mul(2))
            .keep_alive_timeout(heartbeat)
            .keep_alive_while_idle(true);
        endpoint
            .connect_with_connector(Once(Some(stream)))
            .await
            .map_err(io::Error::other)
    }
}

impl Link {
    /// A link to a control plane in this process: `connect` hands it the other end of what it
    /// returns.
    pub fn pipe<Fut>(connect: impl Fn() -> Fut + Send + Sync + 'static) -> Self
    where
        Fut: Future<Output = io::Result<DuplexStream>> + Send + 'static,
    {
        Self::Pipe(Pipe(Arc::new(move || Box::pin(connect()))))
    }

    async fn open(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Loopback(at) => Box::new(dial(at, true).await?),
            Self::Tls(at, config) => {
                let name = ServerName::try_from(at.host.clone()).map_err(io::Error::other)?;
                let stream = dial(at, false).await?;
                let connector = TlsConnector::from(Arc::clone(config));
                Box::new(connector.connect(name, stream).await?)
            }
            Self::Pipe(pipe) => Box::new(pipe.connect().await?),
        })
    }
}

/// Connects to the first address of a host that answers.
async fn dial(at: &HostPort, loopback_only: bool) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = lookup_host((at.host.as_str(), at.port)).await?.collect();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        if loopback_only && !address.ip().to_canonical().is_loopback() {
            failure = io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{address} is not loopback; give `control_planes.tls` to follow it"),
            );
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// A connector that hands out one connection, so that a channel ends with it and never makes
/// another behind our back.
struct Once(Option<Box<dyn Stream>>);

impl tower::Service<Uri> for Once {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let stream = self.0.take().map(TokioIo::new);
        std::future::ready(stream.ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}
