//! The handshake of one client.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use rustls::server::Accepted;
use rustls::server::danger::ClientCertVerifier;
use rustls::{Connection, HandshakeKind, ServerConfig};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::net::TcpStream;

use super::hello::{Hello, Unwelcome};
use super::{DomainIndex, Front, UNSENT_MOST, shown};
use crate::deadlines::Deadline;
use crate::downstream::client::{Client, Secured};
use crate::downstream::connection::{self, End};
use crate::downstream::http2;
use crate::downstream::linger::linger;
use crate::io::Io;
use crate::io::tls::TlsIo;
use crate::settings::{CertFormat, ForwardedClientCert};
use crate::wire::Wire;
use crate::worker::{Open, Worker};

/// What a client hears that speaks HTTP where TLS is spoken (D-040).
const NOT_TLS: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// Shakes hands, then serves the client until its connection ends.
pub(crate) async fn serve(open: Open, socket: TcpStream, peer: SocketAddr) {
    // In a place of its own, so that what a handshake needs is not held for as long as a client stays.
    let welcomed = Box::pin(welcome(&open, socket)).await;
    if let Some((tls, secured)) = welcomed {
        let client = Client::secured(peer, secured);
        if tls.session().alpn_protocol() == Some(http2::ALPN) {
            // In a place of its own as well: what it needs is not held for clients of HTTP/1.1.
            Box::pin(http2::serve(open, Io::Tls(tls), Vec::new(), client)).await;
        } else {
            connection::serve(open, Io::Tls(tls), client).await;
        }
    }
}

/// The connection after its handshake; `None` where it has ended with it.
async fn welcome(open: &Open, socket: TcpStream) -> Option<(Box<TlsIo>, Secured)> {
    let worker = open.worker();
    // Without it there is no listener whose clients would come here.
    let front = worker.front.as_deref()?;
    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let deadline = worker.deadlines.register(waker);
    deadline.set_after(worker.settings.timeouts.client_handshake);
    let counters = &worker.counters;
    let shaken = {
        let mut shaking = pin!(shake(worker, front, socket));
        poll_fn(|cx| match shaking.as_mut().poll(cx) {
            Poll::Ready(shaken) => Poll::Ready(Some(shaken)),
            // There is nobody to tell (L-06).
            Poll::Pending if deadline.passed() || worker.stage().is_ending() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    };
    match shaken {
        Some(Ok((tls, secured))) => {
            counters.client_handshakes.increment();
            if is_resumed(tls.session()) {
                counters.client_handshakes_resumed.increment();
            }
            return Some((tls, secured));
        }
        Some(Err(Some((socket, words)))) => part(worker, &deadline, socket, &words).await,
        Some(Err(None)) | None => {}
    }
    counters.client_handshakes_failed.increment();
    None
}

/// A connection that ends with its handshake, and the last words on it, if there is anybody to hear them.
type Parting = Option<(TcpStream, Vec<u8>)>;

/// Says the last words. What the client has sent since is read, so that the system does not throw them away.
async fn part(worker: &Worker, deadline: &Deadline, socket: TcpStream, words: &[u8]) {
    let mut wire = Wire::new(Io::Plain(socket), worker.buffers.clone());
    wire.output().extend_from_slice(words);
    linger(&mut wire, deadline, worker, End::Linger).await;
}

/// The handshake: only so many of its steps are done at a time.
async fn shake(
    worker: &Worker,
    front: &Front,
    mut socket: TcpStream,
) -> Result<(Box<TlsIo>, Secured), Parting> {
    let mut hello = Hello::default();
    let accepted = match poll_fn(|cx| hello.poll(cx, &mut socket)).await {
        Ok(accepted) => accepted,
        Err(Unwelcome::PlainHttp) => return Err(Some((socket, NOT_TLS.to_vec()))),
        Err(Unwelcome::Refused(alert)) => return Err(Some((socket, alert))),
        Err(Unwelcome::Gone) => return Err(None),
    };
    let asked = accepted.client_hello().server_name().map(str::to_owned);
    let domain = asked.and_then(|name| front.domain_of(name.as_bytes()));
    worker.handshakes.turn().await;
    let policy = front.policy(domain);
    let config = if worker.switches.disable_http2() {
        &policy.without_http2
    } else {
        &policy.config
    };
    let session = match begin(*accepted, Arc::clone(config)) {
        Ok(session) => session,
        Err(alert) => return Err(Some((socket, alert))),
    };
    let mut tls = Box::new(TlsIo::new(socket, session));
    // The answer to the hello belongs to the turn that this one has already.
    let shaken = match poll_fn(|cx| Poll::Ready(tls.poll_handshake(cx))).await {
        Poll::Ready(shaken) => shaken,
        Poll::Pending => worker.handshakes.shake(&mut tls).await,
    };
    let secured = shaken
        .ok()
        .and_then(|()| secured(worker, front, domain, tls.session()));
    match secured {
        Some(secured) => Ok((tls, secured)),
        // The session has said why, as far as the socket took it.
        None => Err(Some((tls.into_socket(), Vec::new()))),
    }
}

/// The session that answers a hello, or the alert that does.
fn begin(accepted: Accepted, config: Arc<ServerConfig>) -> Result<Connection, Vec<u8>> {
    let session = accepted.into_connection(config);
    let session = session.map_err(|(_, mut alert)| {
        let mut words = Vec::new();
        // A vector takes everything.
        let _ = alert.write_all(&mut words);
        words
    })?;
    let mut session = Connection::from(session);
    session.set_buffer_limit(Some(UNSENT_MOST));
    Ok(session)
}

fn is_resumed(session: &Connection) -> bool {
    session.handshake_kind() == Some(HandshakeKind::Resumed)
}

/// What is known of a client after its handshake; `None` for one whose certificate is not good any more.
fn secured(
    worker: &Worker,
    front: &Front,
    domain: Option<DomainIndex>,
    session: &Connection,
) -> Option<Secured> {
    let shown = match &front.policy(domain).clients {
        Some(clients) => {
            let chain = session.peer_certificates().unwrap_or_default();
            if is_resumed(session) {
                look_again(&**clients, chain)?;
            }
            chain.first()
        }
        None => None,
    };
    let (mode, format) = match front.domain(domain) {
        Some(domain) => (domain.mode, domain.format),
        None => (
            worker.settings.headers.forwarded_client_cert,
            CertFormat::Raw,
        ),
    };
    let forwarded = shown.filter(|_| mode == ForwardedClientCert::SanitizeSet);
    Some(Secured {
        domain,
        mode,
        has_certificate: shown.is_some(),
        forwarded: forwarded.and_then(|leaf| shown::forwarded(leaf, format)),
        caller: shown.filter(|_| domain.is_some()).and_then(shown::caller),
    })
}

/// Looks at a certificate that comes from a ticket: its time may have passed since.
fn look_again(clients: &dyn ClientCertVerifier, chain: &[CertificateDer<'_>]) -> Option<()> {
    let Some((leaf, others)) = chain.split_first() else {
        return (!clients.client_auth_mandatory()).then_some(());
    };
    let verified = clients.verify_client_cert(leaf, others, UnixTime::now());
    verified.ok().map(drop)
}
