//! Requests that go on while something happens, and are counted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The longest that one request may take.
const BOUND: Duration = Duration::from_secs(20);
/// Between two requests of one connection.
const PAUSE: Duration = Duration::from_millis(2);

/// Clients that send one request after the other until they are stopped.
///
/// They behave as browsers and load balancers do: a connection that was closed in good order is replaced before the next
/// request, and a request is never sent twice, so whatever the router loses is counted.
#[derive(Debug)]
pub struct Requests {
    stop: CancellationToken,
    clients: JoinSet<Tally>,
}

/// What became of the requests.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many were answered with 200, by the text of the answer.
    pub answered: BTreeMap<String, u64>,
    /// What went wrong with the others.
    pub failed: Vec<String>,
}

impl Tally {
    /// How many were answered with 200.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.answered.values().sum()
    }

    fn add(&mut self, other: Self) {
        for (text, count) in other.answered {
            *self.answered.entry(text).or_default() += count;
        }
        self.failed.extend(other.failed);
    }
}

impl Requests {
    /// Starts this many connections to each router.
    #[must_use]
    pub fn keep_sending(routers: &[SocketAddr], host: &str, connections: usize) -> Self {
        let stop = CancellationToken::new();
        let mut clients = JoinSet::new();
        for &router in routers {
            for _ in 0..connections {
                clients.spawn(repeat(router, host.to_owned(), stop.clone()));
            }
        }
        Self { stop, clients }
    }

    /// Lets the requests in flight finish, and counts.
    pub async fn stop(self) -> Tally {
        self.stop.cancel();
        let mut all = Tally::default();
        for tally in self.clients.join_all().await {
            all.add(tally);
        }
        all
    }
}

type Sender = SendRequest<Empty<Bytes>>;

async fn repeat(router: SocketAddr, host: String, stop: CancellationToken) -> Tally {
    let mut tally = Tally::default();
    let mut connection = None;
    let mut ticks = tokio::time::interval(PAUSE);
    while !stop.is_cancelled() {
        ticks.tick().await;
        let outcome = timeout(BOUND, exchange(&mut connection, router, &host)).await;
        match outcome.unwrap_or_else(|_elapsed| Err(format!("no answer within {BOUND:?}"))) {
            Ok(text) => *tally.answered.entry(text).or_default() += 1,
            Err(failure) => {
                connection = None;
                tally.failed.push(format!("{router}: {failure}"));
            }
        }
    }
    tally
}

async fn exchange(
    kept: &mut Option<Sender>,
    router: SocketAddr,
    host: &str,
) -> Result<String, String> {
    let usable = match kept.as_mut() {
        Some(sender) => sender.ready().await.is_ok(),
        None => false,
    };
    if !usable {
        *kept = Some(
            connect(router)
                .await
                .map_err(|error| format!("connect: {error}"))?,
        );
    }
    let sender = kept.as_mut().ok_or("no connection")?;
    let request = Request::get("/").header(HOST, host).body(Empty::new());
    let request = request.map_err(|error| error.to_string())?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| format!("{error:?}"))?;
    let (head, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| format!("{error:?}"))?
        .to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    if head.status == StatusCode::OK {
        Ok(text)
    } else {
        Err(format!("{}: {text}", head.status))
    }
}

async fn connect(router: SocketAddr) -> std::io::Result<Sender> {
    let socket = TcpStream::connect(router).await?;
    socket.set_nodelay(true)?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await;
    let (sender, connection) = handshake.map_err(std::io::Error::other)?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Requests;
    use crate::{Endpoint, eventually};

    #[tokio::test]
    async fn counts_who_answered_and_what_was_lost() {
        let mut endpoint = Endpoint::named("here").await;
        let requests = Requests::keep_sending(&[endpoint.address()], "app", 2);
        eventually("ten requests", Duration::from_secs(10), async || {
            let count = endpoint.request_count();
            if count >= 10 {
                Ok(())
            } else {
                Err(count.to_string())
            }
        })
        .await;
        endpoint.close().await;
        let address = endpoint.address();
        eventually("the port to refuse", Duration::from_secs(10), async || {
            match tokio::net::TcpStream::connect(address).await {
                Ok(_) => Err("accepted".to_owned()),
                Err(_) => Ok(()),
            }
        })
        .await;
        endpoint.reopen().await;
        let tally = requests.stop().await;
        assert!(tally.answered["here"] >= 10, "{tally:?}");
        assert_eq!(tally.answered.len(), 1);
    }
}
