//! Many requests on few connections.

use std::sync::Arc;
use std::time::Duration;

use h2::server::Builder;
use pointsman_tests::{Authority, eventually};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::frames::{END_HEADERS, Frames, HEADERS, STATUS_200};
use super::server::{Server, answer, config};
use super::{NAME, trusting};
use crate::support::{BOUND, Plane, head};

/// A server that answers once it is let.
async fn held(authority: &Authority, builder: Builder) -> (Server, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let config = config(&authority.server(&[NAME]), &["h2"]);
    let server = Server::start(config, builder, move |exchange| {
        let gate = Arc::clone(&opened);
        async move {
            let (_, mut reply) = exchange.read().await;
            gate.acquire().await.expect("a gate").forget();
            answer(&mut reply, 200, "held");
        }
    });
    (server.await, gate)
}

/// Sends so many requests at the same time.
pub(super) fn send(plane: &Plane, count: usize) -> JoinSet<u16> {
    let address = plane.address;
    let mut all = JoinSet::new();
    for _ in 0..count {
        all.spawn(async move {
            let mut client = pointsman_tests::RawConnection::connect(address).await;
            client
                .write(head("POST /", &["Content-Length: 0"]).as_bytes())
                .await;
            client.read_answer().await.status
        });
    }
    all
}

async fn begun(server: &Server, count: usize) {
    eventually("the requests to arrive", BOUND, async || {
        match server.begun() {
            begun if begun == count => Ok(()),
            begun => Err(format!("{begun} of {count}")),
        }
    })
    .await;
}

async fn all_are_answered(mut all: JoinSet<u16>) {
    while let Some(status) = all.join_next().await {
        assert_eq!(status.expect("a client"), 200);
    }
}

/// Requests that come at the same time share one connection, from its first moment on.
#[tokio::test]
async fn many_requests_share_one_connection() {
    let authority = Authority::new("authority");
    let (server, gate) = held(&authority, Builder::new()).await;
    let plane = trusting(&authority).http2(server.address()).start();
    let all = send(&plane, 60);
    begun(&server, 60).await;
    assert_eq!(server.protocols().len(), 1);
    assert_eq!(server.most_at_once(), 60);
    gate.add_permits(60);
    all_are_answered(all).await;
    // Those that came later rest on the same one.
    gate.add_permits(10);
    all_are_answered(send(&plane, 10)).await;
    assert_eq!(server.protocols().len(), 1);
    assert_eq!(plane.totals().dials, 1);
}

/// What an endpoint takes at once on a connection is never exceeded: there are more connections then.
#[tokio::test]
async fn a_limit_of_streams_makes_more_connections() {
    let authority = Authority::new("authority");
    for (limit, connections) in [(1, 6), (4, 2)] {
        let mut builder = Builder::new();
        builder.max_concurrent_streams(limit);
        let (server, gate) = held(&authority, builder).await;
        let plane = trusting(&authority).http2(server.address()).start();
        let all = send(&plane, 6);
        begun(&server, 6).await;
        assert_eq!(server.protocols().len(), connections, "of {limit} streams");
        gate.add_permits(6);
        all_are_answered(all).await;
        let totals = plane.totals();
        assert_eq!(
            (totals.retries, totals.bad_gateways),
            (0, 0),
            "none was refused"
        );
        gate.add_permits(6);
        for _ in 0..6 {
            assert_eq!(plane.get("/").await.status, 200);
        }
        assert_eq!(server.protocols().len(), connections, "they are used again");
    }
}

/// Requests count at their endpoint one by one, however few connections carry them.
#[tokio::test]
async fn requests_count_at_their_endpoint() {
    let authority = Authority::new("authority");
    let (server, gate) = held(&authority, Builder::new()).await;
    let plane = trusting(&authority)
        .with(|settings| settings.limits.endpoint_connections = 2)
        .http2(server.address())
        .start();
    let all = send(&plane, 2);
    begun(&server, 2).await;
    assert_eq!(plane.get("/").await.status, 503);
    gate.add_permits(3);
    all_are_answered(all).await;
    assert_eq!(plane.get("/").await.status, 200);
}

/// An endpoint that stops: a failed connection fails all its requests, and the next one is reached over a new one.
#[tokio::test]
async fn an_endpoint_that_dies_fails_all_its_requests() {
    let authority = Authority::new("authority");
    let (mut server, _gate) = held(&authority, Builder::new()).await;
    let (other, open) = held(&authority, Builder::new()).await;
    open.add_permits(100);
    let plane = trusting(&authority).http2(server.address()).start();
    let mut all = send(&plane, 5);
    begun(&server, 5).await;
    server.close().await;
    while let Some(status) = all.join_next().await {
        assert_eq!(status.expect("a client"), 502, "a POST is not sent again");
    }
    let mut plane = plane;
    plane.add_at("app.test", other.address(), |thing| {
        thing.tls = Some(NAME.to_owned());
        thing.protocol = pointsman_routing::Protocol::Http2;
    });
    for _ in 0..4 {
        assert_eq!(plane.get("/").await.status, 200);
    }
}

/// A drain ends a connection that nobody uses, and lets the others finish.
#[tokio::test]
async fn a_drain_lets_streams_finish() {
    let authority = Authority::new("authority");
    let frames = Frames::listen(config(&authority.server(&[NAME]), &["h2"])).await;
    let mut plane = trusting(&authority).http2(frames.address()).start();
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    endpoint
        .send(HEADERS, END_HEADERS, stream, STATUS_200)
        .await;
    client.read_head().await;
    plane.stages.leave();
    plane.stages.close();
    endpoint.send(super::frames::DATA, 1, stream, b"done").await;
    client.read_until(b"done\r\n0\r\n\r\n").await;
    let goodbye = async { while endpoint.next().await.is_some() {} };
    tokio::time::timeout(BOUND, goodbye)
        .await
        .expect("the connection ends");
    drop(client);
    plane.ended().await;
}

/// Several workers, and endpoints that come and go: nothing is lost, and nothing waits.
#[tokio::test]
async fn several_workers_have_a_connection_each() {
    let authority = Authority::new("authority");
    let server = Server::echo(config(&authority.server(&[NAME]), &["h2"])).await;
    let plane = trusting(&authority)
        .with(|settings| settings.workers = std::num::NonZeroUsize::new(3))
        .http2(server.address())
        .start();
    let bounded = tokio::time::timeout(Duration::from_secs(20), async {
        for _ in 0..5 {
            all_are_answered(send(&plane, 30)).await;
        }
    });
    bounded.await.expect("in time");
    let made = server.protocols().len();
    assert!((1..=3).contains(&made), "{made}");
    assert_eq!(server.requests().len(), 150);
}
