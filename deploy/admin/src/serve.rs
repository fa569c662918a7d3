//! Connections of the admin API: few, and none that holds its place without asking for something, or without reading.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use pointsman_process::tls::{dns_sans, uri_sans};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time;
use tokio_rustls::TlsAcceptor;

use crate::access::Peer;

/// Connections at the same time; more wait to be accepted.
const CONNECTIONS: usize = 128;

/// How long a connection takes further requests: so places come free that are only held, and a peer has to show again who
/// it is.
const LIFE: Duration = Duration::from_secs(300);

/// How long a request's head may take from its first byte on, and how long a connection may be idle.
const HEAD: Duration = Duration::from_secs(10);

/// How long a handshake may take (L-06).
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a client may leave lying what was sent before its connection is cut.
const UNREAD: Duration = Duration::from_secs(60);

/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;

/// How long accepting pauses when the operating system has no more descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts and answers until `end` resolves; then what is being answered is cut.
pub(crate) async fn serve(
    (listener, acceptor): (TcpListener, Option<TlsAcceptor>),
    router: Router,
    end: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            () = &mut end => return,
            Some(_ended) = connections.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        if let Some((stream, peer, place)) = accepted {
            let (acceptor, router) = (acceptor.clone(), router.clone());
            connections.spawn(async move {
                welcome((stream, peer), acceptor, router).await;
                drop(place);
            });
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // It is never closed, so there is always a place at some time.
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            tracing::warn!(component = "admin", error = %error, "accept-failed");
            time::sleep(PAUSE).await;
            None
        }
    }
}

/// Finds out who is there, and answers.
async fn welcome(
    (stream, address): (TcpStream, SocketAddr),
    acceptor: Option<TlsAcceptor>,
    router: Router,
) {
    // Where the system does not know this, a client that reads nothing keeps one of the places.
    let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(UNREAD));
    let mut peer = Peer {
        address: address.ip().to_canonical(),
        names: Arc::from([]),
    };
    let Some(acceptor) = acceptor else {
        return answer(stream, peer, router).await;
    };
    let error = match time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let (_, session) = stream.get_ref();
            let shown = session.peer_certificates().and_then(<[_]>::first);
            if let Some(certificate) = shown {
                // It was verified, so it can be parsed; where not, it says nothing.
                let mut names = dns_sans(certificate).unwrap_or_default();
                names.extend(uri_sans(certificate).unwrap_or_default());
                peer.names = names.into();
            }
            return answer(stream, peer, router).await;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "not done in time".to_owned(),
    };
    tracing::warn!(component = "admin", peer = %address, error, "handshake-failed");
}

async fn answer<Stream>(stream: Stream, peer: Peer, router: Router)
where
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = router.layer(Extension(peer));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // What ends there is what a client breaks off, which is no event of ours.
    if time::timeout(LIFE, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

#[cfg(test)]
mod tests;
