//! The two clients of the tests: hyper's, which speaks well, and one that writes and reads bytes.

mod raw;

pub use raw::{RawAnswer, RawConnection};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::header::HOST;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};

/// The longest that a test waits for one exchange.
const BOUND: Duration = Duration::from_secs(20);

/// One keep-alive connection that is spoken to through hyper.
#[derive(Debug)]
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
}

/// A response that was read to its end.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// The trailer fields, where there were any.
    pub trailers: Option<HeaderMap>,
}

/// Why an exchange failed.
#[derive(Debug)]
pub enum Failure {
    /// hyper says why.
    Exchange(hyper::Error),
    /// No complete response within the bound.
    TooLate(Duration),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exchange(error) => write!(formatter, "{error:?}"),
            Self::TooLate(bound) => write!(formatter, "no complete response within {bound:?}"),
        }
    }
}

impl std::error::Error for Failure {}

impl Client {
    /// Connects.
    ///
    /// # Panics
    ///
    /// When nobody listens there.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(raw::dial(address).await).await
    }

    /// Connects over TLS, or says why the handshake failed.
    ///
    /// # Errors
    ///
    /// When the handshake fails.
    pub async fn connect_tls(
        address: SocketAddr,
        config: Arc<ClientConfig>,
        name: &str,
    ) -> std::io::Result<Self> {
        Ok(Self::over(raw::handshake(raw::dial(address).await, config, name).await?).await)
    }

    async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let io = TokioIo::new(stream);
        let (sender, connection) = hyper::client::conn::http1::handshake(io)
            .await
            .expect("nothing is sent yet");
        // The connection's own error reaches whoever waits for a response on it.
        tokio::spawn(async move { drop(connection.await) });
        Self { sender }
    }

    /// Sends `GET PATH` for `host` and reads the whole response.
    ///
    /// # Errors
    ///
    /// When no complete response arrives.
    pub async fn get(&mut self, host: &str, path: &str) -> Result<Response, Failure> {
        let request = Request::get(path).header(HOST, host).body(Full::default());
        self.send(request.expect("a request")).await
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    ///
    /// When no complete response arrives.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response, Failure> {
        let exchange = async {
            self.sender.ready().await?;
            let response = self.sender.send_request(request).await?;
            let (head, body) = response.into_parts();
            let body = body.collect().await?;
            let trailers = body.trailers().cloned();
            Ok(Response {
                status: head.status,
                headers: head.headers,
                body: body.to_bytes(),
                trailers,
            })
        };
        match tokio::time::timeout(BOUND, exchange).await {
            Ok(answered) => answered.map_err(Failure::Exchange),
            Err(_elapsed) => Err(Failure::TooLate(BOUND)),
        }
    }
}

impl Response {
    /// The body as text.
    ///
    /// # Panics
    ///
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }

    /// The value of a header field, where it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
