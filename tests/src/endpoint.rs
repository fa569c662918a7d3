//! An upstream with a script, over raw sockets: what it received is kept to the byte, and what it sends is what the
//! test says, well-formed or not.

mod answer;
mod request;
mod serve;

pub use answer::{Answer, Reply};
pub use request::{Head, Request};

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;

/// Decides, once a request's head was read, what becomes of it.
type Script = dyn Fn(&Head) -> Answer + Send + Sync;

/// A scripted upstream on a free port of the loopback address; it and its connections end when the value is dropped.
pub struct Endpoint {
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    seen: Arc<Seen>,
    accepting: Option<JoinHandle<()>>,
}

/// What an endpoint has seen, shared with its connections.
struct Seen {
    script: Mutex<Arc<Script>>,
    requests: Mutex<Vec<Request>>,
    accepted: AtomicUsize,
    open: AtomicUsize,
    body_bytes_sent: AtomicU64,
}

impl Endpoint {
    /// An endpoint that answers everything with 200 and its name.
    pub async fn named(name: &str) -> Self {
        let reply = Reply::text(name);
        Self::with(move |_head| Answer::Reply(reply.clone())).await
    }

    /// An endpoint that answers as `script` says.
    pub async fn with(script: impl Fn(&Head) -> Answer + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(script), Ipv4Addr::LOCALHOST.into()).await
    }

    /// An endpoint at this address of the machine that answers everything with 200 and its name.
    pub async fn at(host: IpAddr, name: &str) -> Self {
        let reply = Reply::text(name);
        let script = move |_head: &Head| Answer::Reply(reply.clone());
        Self::start(None, Arc::new(script), host).await
    }

    /// An endpoint that speaks TLS, with an identity from [`certs`](crate::certs).
    pub async fn with_tls(
        config: Arc<ServerConfig>,
        script: impl Fn(&Head) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let host = Ipv4Addr::LOCALHOST.into();
        Self::start(Some(config.into()), Arc::new(script), host).await
    }

    async fn start(tls: Option<TlsAcceptor>, script: Arc<Script>, host: IpAddr) -> Self {
        let listener = listen((host, 0).into()).expect("a free port");
        let address = listener.local_addr().expect("the bound address");
        let seen = Arc::new(Seen {
            script: Mutex::new(script),
            requests: Mutex::default(),
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            body_bytes_sent: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(serve::accept(listener, tls.clone(), Arc::clone(&seen)));
        Self {
            address,
            tls,
            seen,
            accepting: Some(accepting),
        }
    }

    /// Where it listens, or listened before it was closed.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port of [`address`](Self::address).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers otherwise from the next request on.
    pub fn script(&self, script: impl Fn(&Head) -> Answer + Send + Sync + 'static) {
        *self.seen.script.lock() = Arc::new(script);
    }

    /// Every request so far, in the order in which they were complete.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.seen.requests.lock().clear();
    }

    /// How many requests were read, including those that were not answered.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.seen.requests.lock().len()
    }

    /// The latest request.
    ///
    /// # Panics
    ///
    /// When there was none.
    #[must_use]
    pub fn last_request(&self) -> Request {
        self.seen
            .requests
            .lock()
            .last()
            .cloned()
            .expect("a request at the endpoint")
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn accepted_connections(&self) -> usize {
        self.seen.accepted.load(Ordering::SeqCst)
    }

    /// How many connections are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.seen.open.load(Ordering::SeqCst)
    }

    /// How many bytes of [`Answer::Large`] bodies its sockets have taken so far.
    #[must_use]
    pub fn body_bytes_sent(&self) -> u64 {
        self.seen.body_bytes_sent.load(Ordering::SeqCst)
    }

    /// Ends listener and connections, as a crash does. Connecting is refused from now on.
    pub async fn close(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            let _aborted = accepting.await;
        }
    }

    /// Listens again, on the address that it had.
    ///
    /// # Panics
    ///
    /// When somebody else took the port meanwhile.
    pub async fn reopen(&mut self) {
        self.close().await;
        let listener = listen(self.address).expect("the port is still free");
        let serving = serve::accept(listener, self.tls.clone(), Arc::clone(&self.seen));
        self.accepting = Some(tokio::spawn(serving));
    }
}

/// Listens with room for as many connections at once as a test makes: where there is none, the kernel resets some.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Endpoint, Reply};
    use crate::{Authority, Client, RawConnection};

    #[tokio::test]
    async fn keeps_what_it_received_to_the_byte() {
        let endpoint = Endpoint::with(|_head| Answer::Echo).await;
        let mut raw = RawConnection::connect(endpoint.address()).await;
        let request = b"POST /a HTTP/1.1\r\nhOst:  app\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n0\r\n\r\n";
        raw.write(request).await;
        let answer = raw.read_answer().await;
        assert_eq!(answer.body, request);
        let seen = endpoint.last_request();
        assert_eq!(seen.head.target, "/a");
        assert_eq!(seen.head.header("host"), Some("app"));
        assert_eq!(seen.body, b"3;x=1\r\nabc\r\n0\r\n\r\n");
    }

    #[tokio::test]
    async fn answers_before_the_body_when_told_to() {
        let endpoint = Endpoint::with(|_head| Answer::Early(Reply::status(413))).await;
        let mut raw = RawConnection::connect(endpoint.address()).await;
        raw.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n")
            .await;
        assert_eq!(raw.read_answer().await.status, 413);
    }

    #[tokio::test]
    async fn closes_without_an_answer_when_told_to() {
        let endpoint = Endpoint::with(|_head| Answer::Close).await;
        let mut client = Client::connect(endpoint.address()).await;
        assert!(client.get("app", "/").await.is_err());
        assert_eq!(endpoint.request_count(), 1);
    }

    #[tokio::test]
    async fn is_refused_while_closed_and_comes_back() {
        let mut endpoint = Endpoint::named("here").await;
        endpoint.close().await;
        assert!(
            tokio::net::TcpStream::connect(endpoint.address())
                .await
                .is_err()
        );
        endpoint.reopen().await;
        let mut client = Client::connect(endpoint.address()).await;
        assert_eq!(client.get("app", "/").await.unwrap().text(), "here");
        assert_eq!(endpoint.accepted_connections(), 1);
    }

    #[tokio::test]
    async fn shows_its_certificate_to_who_believes_its_authority() {
        let authority = Authority::new("an authority");
        let config = authority.server(&["instance-guid"]).server_config(None);
        let endpoint = Endpoint::with_tls(config, |_head| Reply::text("safe").into()).await;
        let address = endpoint.address();
        let trust = authority.client_config(None);
        let mut raw = RawConnection::connect_tls(address, trust.clone(), "instance-guid")
            .await
            .unwrap();
        raw.write(b"GET / HTTP/1.1\r\nhost: app\r\n\r\n").await;
        assert_eq!(raw.read_answer().await.body, b"safe");
        assert!(
            RawConnection::connect_tls(address, trust, "another-guid")
                .await
                .is_err()
        );
    }
}
