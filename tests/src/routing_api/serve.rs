//! A small HTTP server over TLS, and the ways in which it answers wrongly.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// How one answer goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, with this text.
    Status(u16, &'static str),
    /// There is none.
    Hang,
    /// Half of it comes, then the connection is closed.
    Cut,
    /// 200 with this text in its place.
    Text(&'static str),
    /// It is what it was when it was asked for, and comes when the test says so.
    Held,
}

/// A body that may break off.
pub(super) type Body = BoxBody<Bytes, io::Error>;

/// An answer, or the end of the connection.
pub(super) type Answered = io::Result<Response<Body>>;

/// Who answers.
pub(super) trait Handler: Send + Sync + 'static {
    /// The answer to one request.
    fn answer(self: Arc<Self>, request: Request<Incoming>)
    -> impl Future<Output = Answered> + Send;
}

/// A server on a free port of the loopback address; it and its connections end when the value is dropped.
pub(super) struct Serving {
    pub(super) address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Serving {
    pub(super) async fn start(tls: Arc<ServerConfig>, handler: Arc<impl Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the bound address");
        let acceptor = TlsAcceptor::from(tls);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(serve(socket, acceptor.clone(), Arc::clone(&handler)));
                // Those that have ended need no place.
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, accepting }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(socket: TcpStream, acceptor: TlsAcceptor, handler: Arc<impl Handler>) {
    // Who does not come through the handshake, or breaks off, is seen by the test in another place.
    let Ok(stream) = acceptor.accept(socket).await else {
        return;
    };
    let service = service_fn(move |request| Arc::clone(&handler).answer(request));
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn whole(text: impl Into<Bytes>) -> Body {
    Full::new(text.into())
        .map_err(|never| match never {})
        .boxed()
}

/// 200 with JSON.
pub(super) fn json(text: String) -> Response<Body> {
    let answer = Response::builder().header(CONTENT_TYPE, "application/json");
    answer.body(whole(text)).expect("a response")
}

/// Another status, with a text.
pub(super) fn status(status: u16, text: &str) -> Response<Body> {
    let answer = Response::builder().status(status);
    let body = whole(text.to_owned());
    answer.body(body).expect("a response")
}

/// What goes wrong in the place of an answer with this text.
pub(super) async fn fault(fault: Fault, text: String) -> Answered {
    match fault {
        Fault::Status(code, reason) => Ok(status(code, reason)),
        Fault::Hang | Fault::Held => std::future::pending().await,
        Fault::Text(other) => Ok(json(other.to_owned())),
        Fault::Cut => {
            let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
            let frames = [Ok(Frame::data(half)), Err(io::Error::other("cut"))];
            let body = StreamBody::new(tokio_stream::iter(frames));
            Ok(Response::new(body.boxed()))
        }
    }
}
