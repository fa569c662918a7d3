//! The app's clients.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, timeout};

use crate::commands::{Ask, Await};
use crate::signals::Signals;
use crate::tally::Tally;

/// The longest that one request may take.
const BOUND: Duration = Duration::from_secs(10);
/// How often an instance is asked for.
const INTERVAL: Duration = Duration::from_millis(5);
/// The largest answer that is read.
const LARGEST: usize = 64 * 1024;

/// Waits until the instance has answered through every router. Any other answer is none yet.
pub(crate) async fn wait(wanted: &Await) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(wanted.within);
    for &router in &wanted.routers {
        loop {
            let seen = match exchange(&mut None, router, &wanted.host).await {
                Ok(instance) if instance == wanted.instance => break,
                Ok(instance) => format!("an answer of {instance}"),
                Err(failure) => failure,
            };
            if Instant::now() >= deadline {
                let (instance, within) = (&wanted.instance, wanted.within);
                bail!(
                    "no answer of {instance} through {router} within {within} s; the last: {seen}"
                );
            }
            tokio::time::sleep(INTERVAL).await;
        }
        say(&format!("{router} answers: hello from {}", wanted.instance));
    }
    Ok(())
}

/// Sends requests through every router until a signal, and fails if one of them did.
pub(crate) async fn ask(wanted: &Ask) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let tally = Rc::new(RefCell::new(Tally::default()));
    let stop = Rc::new(RefCell::new(false));
    let local = LocalSet::new();
    local
        .run_until(async {
            let mut connections = JoinSet::new();
            for &router in &wanted.routers {
                for _ in 0..wanted.connections {
                    let (host, pause) = (wanted.host.clone(), Duration::from_millis(wanted.pause));
                    let (tally, stop) = (Rc::clone(&tally), Rc::clone(&stop));
                    connections.spawn_local(repeat(router, host, pause, tally, stop));
                }
            }
            signals.wait().await;
            // The requests in flight are counted as well: they are the ones that a break would hit.
            *stop.borrow_mut() = true;
            connections.join_all().await;
        })
        .await;
    let tally = tally.borrow();
    say(&tally.to_string());
    if tally.requests() == 0 {
        bail!("not one request was sent");
    }
    if tally.failures() > 0 {
        bail!("{} requests failed", tally.failures());
    }
    Ok(())
}

async fn repeat(
    router: SocketAddr,
    host: String,
    pause: Duration,
    tally: Rc<RefCell<Tally>>,
    stop: Rc<RefCell<bool>>,
) {
    let mut connection = None;
    let mut ticks = tokio::time::interval(pause);
    while !*stop.borrow() {
        ticks.tick().await;
        let outcome = exchange(&mut connection, router, &host).await;
        tally.borrow_mut().count(outcome);
    }
}

type Sender = SendRequest<Empty<Bytes>>;

/// One request on a kept connection, or a fresh one: the name of who answered, or what failed.
///
/// A kept connection that the router closed in good order is replaced before a request is sent on it.
async fn exchange(
    kept: &mut Option<Sender>,
    router: SocketAddr,
    host: &str,
) -> Result<String, String> {
    match timeout(BOUND, try_exchange(kept, router, host)).await {
        Ok(Ok((StatusCode::OK, text))) => text
            .trim_end()
            .strip_prefix("hello from ")
            .map(str::to_owned)
            .ok_or_else(|| format!("an answer of somebody else: {text:?}")),
        Ok(Ok((status, text))) => Err(format!("{status}: {}", text.trim_end())),
        Ok(Err(error)) => {
            *kept = None;
            Err(format!("{error:#}"))
        }
        Err(_elapsed) => {
            *kept = None;
            Err(format!("no answer within {BOUND:?}"))
        }
    }
}

async fn try_exchange(
    kept: &mut Option<Sender>,
    router: SocketAddr,
    host: &str,
) -> anyhow::Result<(StatusCode, String)> {
    let ready = match kept.as_mut() {
        Some(sender) => sender.ready().await.is_ok(),
        None => false,
    };
    if !ready {
        *kept = Some(connect(router).await?);
    }
    let sender = kept.as_mut().context("a connection")?;
    let request = Request::get("/")
        .header(HOST, host)
        .body(Empty::new())
        .context("the request")?;
    let response = sender
        .send_request(request)
        .await
        .context("sending the request")?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST).collect().await;
    let body = body
        .map_err(|error| anyhow::anyhow!("reading the answer: {error}"))?
        .to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

async fn connect(router: SocketAddr) -> anyhow::Result<Sender> {
    let socket = TcpStream::connect(router)
        .await
        .with_context(|| format!("connect to {router}"))?;
    socket.set_nodelay(true).context("TCP_NODELAY")?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await;
    let (sender, connection) = handshake.context("a connection")?;
    // Its error reaches whoever waits for an answer on it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

#[expect(clippy::print_stdout, reason = "the report of a sample")]
fn say(line: &str) {
    println!("{line}");
}
