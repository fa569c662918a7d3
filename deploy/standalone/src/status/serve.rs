//! Connections of the status listeners: few, and none that holds its place without asking for something.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Connections at the same time; more wait to be accepted.
const CONNECTIONS: usize = 128;

/// How long a handshake and the head of a request may take, and a connection be idle (Gorouter's read timeout).
const HEAD: Duration = Duration::from_secs(10);

/// How long a connection may last: longer than any listing takes that somebody reads.
const LIFE: Duration = Duration::from_secs(300);

/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;

/// How long accepting pauses when there are no more descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts and answers for ever; dropping it cuts what is being answered.
pub(super) async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // The semaphore is never closed, so there is a place at some time.
        let place = Arc::clone(&places).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let (acceptor, router) = (acceptor.clone(), router.clone());
                connections.spawn(async move {
                    connection(stream, acceptor, router).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(component = "router", %error, "accept-failed");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, router: Router) {
    match acceptor {
        None => answer(stream, router).await,
        Some(acceptor) => {
            // A failed handshake is the caller's trouble, as in Gorouter.
            if let Ok(Ok(stream)) = timeout(HEAD, acceptor.accept(stream)).await {
                answer(stream, router).await;
            }
        }
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A caller that breaks off, or does not read, is no event of ours.
    let _ = timeout(LIFE, connection).await;
}
