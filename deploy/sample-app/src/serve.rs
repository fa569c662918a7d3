//! An instance of the app.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use crate::commands::Serve;
use crate::registration::Registration;
use crate::signals::Signals;

/// How long requests in flight may take once the instance stops accepting.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until a signal, and leaves in good order: unregister, go on answering, stop accepting, finish.
pub(crate) async fn run(wanted: Serve) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("a port of 127.0.0.1")?;
    let address = listener.local_addr().context("the bound address")?;
    say(&format!("{} listens on {address}", wanted.name));
    let interval = Duration::from_secs(wanted.interval);
    let mut registration =
        Registration::publish(&wanted.nats, &wanted.route, &wanted.name, address, interval).await?;
    say(&format!("{} registered {}", wanted.name, wanted.route));

    let connections = GracefulShutdown::new();
    let name: Arc<str> = wanted.name.into();
    {
        let mut accepting = std::pin::pin!(accept(&listener, &connections, &name));
        tokio::select! {
            failed = &mut accepting => return failed,
            failed = registration.keep() => return failed,
            () = signals.wait() => {}
        }
        registration.withdraw().await?;
        say(&format!("{name} unregistered {}", wanted.route));
        // The time that a platform gives an instance between its routes and its end: requests that were on their way
        // to it when it unregistered are still answered.
        let linger = Duration::from_millis(wanted.linger);
        tokio::time::timeout(linger, accepting)
            .await
            .unwrap_or(Ok(()))?;
    }
    drop(listener);
    let drained = tokio::time::timeout(DRAIN, connections.shutdown()).await;
    drained.context("requests in flight did not end in time")?;
    say(&format!("{name} ended"));
    Ok(())
}

/// Accepts for as long as it is polled; ends only with an error.
async fn accept(
    listener: &TcpListener,
    connections: &GracefulShutdown,
    name: &Arc<str>,
) -> anyhow::Result<()> {
    loop {
        let (socket, _) = listener.accept().await.context("accept a connection")?;
        // Without it answers would wait for delayed acknowledgements; a socket that refuses is already closed.
        let _closed = socket.set_nodelay(true);
        serve(socket, connections, Arc::clone(name));
    }
}

fn serve(socket: TcpStream, connections: &GracefulShutdown, name: Arc<str>) {
    let service = service_fn(move |request| {
        let name = Arc::clone(&name);
        async move { Ok::<_, Infallible>(answer(&request, &name)) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    let connection = connections.watch(connection);
    // The end of a connection is the client's business.
    tokio::spawn(async move { drop(connection.await) });
}

fn answer(request: &Request<Incoming>, name: &str) -> Response<Full<Bytes>> {
    let mut text = format!("hello from {name}\n");
    if request.uri().path() == "/headers" {
        for (field, value) in request.headers() {
            text.push_str(&format!(
                "{field}: {}\n",
                String::from_utf8_lossy(value.as_bytes())
            ));
        }
    }
    let mut response = Response::new(Full::from(text));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

#[expect(clippy::print_stdout, reason = "the log of a sample")]
fn say(line: &str) {
    println!("{line}");
}
