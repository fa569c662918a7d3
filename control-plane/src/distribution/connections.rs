//! The connections of data planes, each with buffers that are bounded.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::server::Connected;
use tower::Service as _;

use super::wire::Rpc;

/// What a data plane may send before it is read: its messages are small.
const RECEIVE_WINDOW: u32 = 64 * 1024;

/// What may wait in a connection for a data plane that does not read, beside the last message that began below this.
const SEND_BUFFER: usize = 16 * 1024;

/// Streams of one connection. A data plane has one; during a reconnect there may be two.
const STREAMS: u32 = 16;

/// Connections at once: one for each session that there may be, and as many that are still to say hello.
const CONNECTIONS: usize = 2 * 4096;

/// How long sessions have to say farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves the connections that come in until `end` resolves, then lets the sessions say farewell, and cuts off who does
/// not take it.
pub(super) async fn serve<Connection>(
    incoming: impl Stream<Item = io::Result<Connection>>,
    end: impl Future<Output = ()>,
    rpc: Rpc,
    heartbeat: Duration,
) where
    Connection: Connected + AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut incoming, mut end) = (pin!(incoming), pin!(end));
    let (connections, ending) = (TaskTracker::new(), CancellationToken::new());
    let cut = ending.clone().drop_guard();
    let builder = builder(heartbeat);
    loop {
        let accepted = tokio::select! {
            () = &mut end => break,
            accepted = incoming.next() => accepted,
        };
        let connection = match accepted {
            Some(Ok(connection)) => connection,
            Some(Err(error)) => {
                // Whatever it is, it is about one connection.
                tracing::warn!(component = "distribution", error = %error, "accept-failed");
                continue;
            }
            None => {
                end.as_mut().await;
                break;
            }
        };
        if connections.len() >= CONNECTIONS {
            tracing::warn!(
                component = "distribution",
                limit = CONNECTIONS,
                "too-many-connections"
            );
            continue;
        }
        connections.spawn(one(
            connection,
            builder.clone(),
            rpc.clone(),
            ending.clone(),
        ));
    }
    rpc.0.ending.cancel();
    rpc.0.sessions.close();
    let _ = tokio::time::timeout(FAREWELL, rpc.0.sessions.wait()).await;
    drop(cut);
    connections.close();
    connections.wait().await;
}

fn builder(heartbeat: Duration) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(RECEIVE_WINDOW)
        .initial_connection_window_size(RECEIVE_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(heartbeat)
        .keep_alive_timeout(heartbeat * 2);
    builder
}

async fn one<Connection>(
    connection: Connection,
    builder: http2::Builder<TokioExecutor>,
    rpc: Rpc,
    ending: CancellationToken,
) where
    Connection: Connected + AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let peer = connection.connect_info();
    let service = service_fn(move |mut request: http::Request<_>| {
        request.extensions_mut().insert(peer.clone());
        let mut rpc = rpc.clone();
        async move {
            poll_fn(|context| rpc.poll_ready(context)).await?;
            rpc.call(request).await
        }
    });
    let mut served = pin!(builder.serve_connection(TokioIo::new(connection), service));
    // A data plane that breaks off is no event of the connection: its session tells.
    tokio::select! {
        _ = &mut served => return,
        () = ending.cancelled() => served.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(FAREWELL, served).await;
}
