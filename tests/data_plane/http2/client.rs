//! A client over HTTP/2, and a data plane for it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use pointsman_tests::{Authority, Endpoint};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::front_support::{changed, front, session, shake};
use crate::support::{BOUND, Plane, Setup};

/// A data plane that speaks HTTP/2 over TLS before one endpoint, and a client's settings.
pub(crate) struct Front {
    pub(crate) plane: Plane,
    config: Arc<ClientConfig>,
}

impl Front {
    /// Before this endpoint, which serves `app.test`.
    pub(crate) fn before(endpoint: &Endpoint) -> Self {
        Self::of(Setup::new().endpoint("app.test", endpoint))
    }

    /// As the test sets it up.
    pub(crate) fn of(setup: Setup) -> Self {
        let authority = Authority::new("authority");
        let identity = authority.server(&["app.test"]);
        Self {
            plane: setup.front(front(&[&identity])).start(),
            config: offering(&authority, &[b"h2", b"http/1.1"]),
        }
    }

    /// A connection over TLS.
    pub(crate) async fn connect(&self) -> Client {
        let stream = shake(self.plane.tls(), &self.config, "app.test").await;
        let stream = stream.expect("a handshake");
        assert_eq!(session(&stream).alpn_protocol(), Some(&b"h2"[..]));
        Client::over(stream).await
    }
}

/// A client that offers these protocols.
pub(crate) fn offering(authority: &Authority, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    changed(&authority.client_config(None), |config| {
        config.alpn_protocols = protocols.iter().map(|each| each.to_vec()).collect();
    })
}

/// A connection.
pub(crate) struct Client {
    pub(crate) send: SendRequest<Bytes>,
    pub(crate) ended: JoinHandle<Result<(), h2::Error>>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answered {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request for `https://app.test`, to be changed.
pub(crate) fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(format!("https://app.test{path}"))
}

pub(crate) fn bare(builder: http::request::Builder) -> Request<()> {
    builder.body(()).expect("a request")
}

impl Client {
    /// In clear text.
    pub(crate) async fn clear(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.expect("a connection");
        Self::over(socket).await
    }

    pub(crate) async fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let (send, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        Self {
            send,
            ended: tokio::spawn(connection),
        }
    }

    /// Begins a request whose body follows, or does not.
    pub(crate) async fn begin(
        &mut self,
        request: Request<()>,
        ends: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let mut send = self.send.clone().ready().await.expect("a connection");
        send.send_request(request, ends).expect("a request")
    }

    /// A whole exchange.
    pub(crate) async fn ask(&mut self, request: Request<()>, body: &[u8]) -> Answered {
        let tried = self.attempt(request, body).await;
        tried.expect("an answer")
    }

    /// The same where there may be none.
    pub(crate) async fn attempt(
        &mut self,
        request: Request<()>,
        body: &[u8],
    ) -> Result<Answered, h2::Error> {
        let (response, mut sending) = self.begin(request, body.is_empty()).await;
        if !body.is_empty() {
            // What is not taken of it shows in the answer.
            let _ = sending.send_data(Bytes::copy_from_slice(body), true);
        }
        let answer = async { whole(response.await?).await };
        let timely = tokio::time::timeout(BOUND, answer);
        timely.await.expect("an answer within the bound")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answered {
        self.ask(bare(request("GET", path)), b"").await
    }
}

/// Reads an answer to its end.
pub(crate) async fn whole(response: Response<RecvStream>) -> Result<Answered, h2::Error> {
    let (parts, mut receiving) = response.into_parts();
    let mut body = Vec::new();
    while let Some(data) = receiving.data().await {
        let data = data?;
        body.extend_from_slice(&data);
        receiving.flow_control().release_capacity(data.len())?;
    }
    Ok(Answered {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
        trailers: receiving.trailers().await?,
    })
}

/// Sends all of this, as the windows allow.
pub(crate) async fn send_all(
    sending: &mut SendStream<Bytes>,
    mut data: &[u8],
    ends: bool,
) -> Result<(), h2::Error> {
    while !data.is_empty() {
        sending.reserve_capacity(data.len());
        let room = match sending.capacity() {
            0 => match poll_fn(|cx| sending.poll_capacity(cx)).await {
                Some(room) => room?,
                None => return Ok(()),
            },
            room => room,
        };
        let (piece, rest) = data.split_at(room.min(data.len()));
        sending.send_data(Bytes::copy_from_slice(piece), ends && rest.is_empty())?;
        data = rest;
    }
    Ok(())
}
