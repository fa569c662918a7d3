//! Connections of the admin API: few, and none that holds its place without asking for something.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections at the same time; more wait to be accepted.
const CONNECTIONS: usize = 128;

/// How long a request's head may take, and a connection be idle.
const HEAD: Duration = Duration::from_secs(10);

/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;

/// How long a connection may last: longer than any listing takes that somebody reads.
const LIFE: Duration = Duration::from_secs(300);

/// How long accepting pauses when there are no more descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts and answers until `end` resolves; then what is being answered is cut.
pub(super) async fn serve(listener: TcpListener, router: Router, end: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    tokio::pin!(end);
    loop {
        while connections.try_join_next().is_some() {}
        // The semaphore is never closed, so there is a place at some time.
        let place = tokio::select! {
            () = &mut end => return,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = &mut end => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    answer(stream, router).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(component = "admin", %error, "accept-failed");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A client that breaks off, or does not read, is no event of ours.
    let _ = timeout(LIFE, connection).await;
}
