//! An endpoint over TLS that speaks HTTP/2 where it may, and plain HTTP/1.1 otherwise.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Builder, SendResponse};
use http::{HeaderMap, Response, request};
use parking_lot::Mutex;
use pointsman_tests::certs::Identity;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What becomes of a request.
type Script = dyn Fn(Exchange) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// One request and the way back.
pub(super) struct Exchange {
    pub(super) head: request::Parts,
    pub(super) body: RecvStream,
    pub(super) reply: SendResponse<Bytes>,
    seen: Arc<Seen>,
}

/// A request that was read to its end.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) head: request::Parts,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Option<HeaderMap>,
}

/// What an endpoint has seen, and how it is spoken to.
#[derive(Default)]
struct Seen {
    protocols: Mutex<Vec<String>>,
    requests: Mutex<Vec<Whole>>,
    begun: AtomicUsize,
    at_once: AtomicUsize,
    most: AtomicUsize,
}

/// The endpoint; it and its connections end when the value is dropped.
pub(super) struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
    accepting: Option<JoinHandle<()>>,
}

/// What a server shows, with these protocols in its order of preference.
pub(super) fn config(identity: &Identity, protocols: &[&str]) -> Arc<ServerConfig> {
    offering(identity.server_config(None), protocols)
}

/// The same configuration with these protocols.
pub(super) fn offering(config: Arc<ServerConfig>, protocols: &[&str]) -> Arc<ServerConfig> {
    let mut config = Arc::unwrap_or_clone(config);
    config.alpn_protocols = protocols
        .iter()
        .map(|one| one.as_bytes().to_vec())
        .collect();
    Arc::new(config)
}

impl Server {
    /// One that answers every request with its body and trailers.
    pub(super) async fn echo(config: Arc<ServerConfig>) -> Self {
        Self::start(config, Builder::new(), |exchange| async move {
            let (whole, mut reply) = exchange.read().await;
            let mut response = reply
                .send_response(Response::new(()), false)
                .expect("a client that waits");
            response
                .send_data(whole.body.into(), whole.trailers.is_none())
                .expect("a client that waits");
            if let Some(trailers) = whole.trailers {
                response
                    .send_trailers(trailers)
                    .expect("a client that waits");
            }
        })
        .await
    }

    /// One that does with requests what the script says.
    pub(super) async fn start<F>(
        config: Arc<ServerConfig>,
        builder: Builder,
        script: impl Fn(Exchange) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let script: Arc<Script> = Arc::new(move |exchange| Box::pin(script(exchange)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Seen>::default();
        let known = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(config);
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, builder) = (acceptor.clone(), builder.clone());
                let (script, seen) = (Arc::clone(&script), Arc::clone(&known));
                connections.spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        serve(stream, builder, script, seen).await;
                    }
                });
            }
        });
        Self {
            address,
            seen,
            accepting: Some(accepting),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was chosen with each connection, in the order of their handshakes.
    pub(super) fn protocols(&self) -> Vec<String> {
        self.seen.protocols.lock().clone()
    }

    /// The requests that were read to their end.
    pub(super) fn requests(&self) -> Vec<Whole> {
        self.seen.requests.lock().clone()
    }

    /// How many requests were begun.
    pub(super) fn begun(&self) -> usize {
        self.seen.begun.load(Ordering::SeqCst)
    }

    /// How many requests were on one connection at most at the same time.
    pub(super) fn most_at_once(&self) -> usize {
        self.seen.most.load(Ordering::SeqCst)
    }

    /// Ends it with all its connections, as a crash does.
    pub(super) async fn close(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            let _aborted = accepting.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

async fn serve(
    mut stream: TlsStream<TcpStream>,
    builder: Builder,
    script: Arc<Script>,
    seen: Arc<Seen>,
) {
    let chosen = stream.get_ref().1.alpn_protocol().unwrap_or_default();
    let chosen = String::from_utf8_lossy(chosen).into_owned();
    let over_http2 = chosen == "h2";
    seen.protocols.lock().push(chosen);
    if !over_http2 {
        return serve_lines(&mut stream).await;
    }
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else {
        return;
    };
    let mut exchanges = JoinSet::new();
    while let Some(Ok((request, reply))) = connection.accept().await {
        seen.begun.fetch_add(1, Ordering::SeqCst);
        let now = seen.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most.fetch_max(now, Ordering::SeqCst);
        let (head, body) = request.into_parts();
        let exchange = Exchange {
            head,
            body,
            reply,
            seen: Arc::clone(&seen),
        };
        let (answered, seen) = (script(exchange), Arc::clone(&seen));
        exchanges.spawn(async move {
            answered.await;
            seen.at_once.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// Answers every request without a body by the name of the protocol.
async fn serve_lines(stream: &mut TlsStream<TcpStream>) {
    let mut seen = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut seen).await {
        if seen.ends_with(b"\r\n\r\n") {
            seen.clear();
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nHTTP/1.1";
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
    }
}

impl Exchange {
    /// Reads the request to its end.
    pub(super) async fn read(self) -> (Whole, SendResponse<Bytes>) {
        let Self {
            head,
            mut body,
            reply,
            seen,
        } = self;
        let mut bytes = Vec::new();
        while let Some(Ok(data)) = body.data().await {
            bytes.extend_from_slice(&data);
            let _released = body.flow_control().release_capacity(data.len());
        }
        let whole = Whole {
            head,
            body: bytes,
            trailers: body.trailers().await.ok().flatten(),
        };
        seen.requests.lock().push(whole.clone());
        (whole, reply)
    }
}

impl Whole {
    /// The value of a field.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }
}

/// A response head.
pub(super) fn response(status: u16, fields: &[(&str, &str)]) -> Response<()> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(()).expect("a response")
}

/// Answers with a text.
pub(super) fn answer(reply: &mut SendResponse<Bytes>, status: u16, text: &'static str) {
    let sent = reply.send_response(response(status, &[]), false);
    if let Ok(mut stream) = sent {
        let _sent = stream.send_data(Bytes::from_static(text.as_bytes()), true);
    }
}
