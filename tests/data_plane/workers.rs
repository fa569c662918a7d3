//! Several workers: who gets a connection, and whose connections to endpoints are used.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use pointsman_tests::endpoint::Reply;
use pointsman_tests::{Authority, Endpoint, RawConnection, eventually};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::support::{BOUND, Plane, Setup, head};

fn with_workers(setup: Setup, count: usize) -> Setup {
    setup.with(|settings| settings.workers = NonZeroUsize::new(count))
}

/// Connects so many clients, each with an answered request.
async fn crowd(plane: &Plane, count: usize) -> Vec<RawConnection> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = plane.connect().await;
        client.write(head("GET /", &[]).as_bytes()).await;
        assert_eq!(client.read_answer().await.status, 200);
        clients.push(client);
    }
    clients
}

/// No worker is above the mean by more than a quarter and two.
#[track_caller]
fn assert_balanced(plane: &Plane, count: u64) {
    let workers = plane.connections_by_worker();
    assert_eq!(workers.iter().sum::<u64>(), count, "{workers:?}");
    let bound = (count / workers.len() as u64) * 5 / 4 + 2;
    assert!(workers.iter().all(|&open| open <= bound), "{workers:?}");
}

/// A worker that has more connections than its share hands fresh ones on, whether the system
/// spreads them by its hash or all of them arrive at one worker.
#[tokio::test]
async fn connections_are_balanced_between_workers() {
    let endpoint = Endpoint::named("here").await;
    let setup = || with_workers(Setup::new(), 4).endpoint("app.test", &endpoint);
    let spread = setup().start();
    let clients = crowd(&spread, 200).await;
    assert_balanced(&spread, 200);
    drop(clients);
    spread
        .until("all are gone", |totals| totals.connections_open == 0)
        .await;

    let one = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let skewed = setup().inherit(one).start();
    let mut clients = crowd(&skewed, 200).await;
    assert_balanced(&skewed, 200);
    assert!(skewed.totals().connections_handed_on >= 130);
    // They live on where they are.
    for client in &mut clients {
        client.write(head("GET /", &[]).as_bytes()).await;
        assert_eq!(client.read_answer().await.body, b"here");
    }
}

/// L-21: above the bound on connections nothing is accepted, until one ends; those that there are
/// go on.
#[tokio::test]
async fn accepting_pauses_while_there_are_too_many_connections() {
    let endpoint = Endpoint::named("here").await;
    let plane = with_workers(Setup::new(), 1)
        .with(|settings| settings.limits.connections = Some(10))
        .endpoint("app.test", &endpoint)
        .start();
    let mut clients = crowd(&plane, 10).await;
    // The system connects them; the data plane has not accepted them.
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let mut client = plane.connect().await;
        client.write(head("GET /", &[]).as_bytes()).await;
        waiting.push(client);
    }
    plane
        .until("accepting pauses", |totals| totals.accepts_paused >= 1)
        .await;
    clients[0].write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(clients[0].read_answer().await.status, 200);
    let most = plane.settled().await.connections_open;
    assert!((10..=11).contains(&most), "{most} are open");
    for mut client in waiting {
        clients.pop();
        assert_eq!(client.read_answer().await.status, 200);
    }
}

/// Sends a thousand requests a second, 31 on each of 32 connections, for so many rounds.
async fn load(connections: Vec<RawConnection>, rounds: usize) -> Vec<RawConnection> {
    let mut clients = JoinSet::new();
    for mut client in connections {
        clients.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(32));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for _ in 0..rounds {
                ticks.tick().await;
                client.write(head("GET /", &[]).as_bytes()).await;
                assert_eq!(client.read_answer().await.body, b"safe");
            }
            client
        });
    }
    clients.join_all().await
}

/// a worker without an unused connection takes one of another worker's before it makes one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_endpoints_are_shared_by_eight_workers() {
    const ENDPOINTS: usize = 500;
    const CLIENTS: usize = 32;
    const ROUNDS: usize = 150;
    const WORKERS: usize = 8;
    let authority = Authority::new("an authority");
    let config = authority
        .server(&["instance"])
        .server_config(Some(&authority));
    let mut setup = with_workers(Setup::new(), WORKERS);
    let mut endpoints = Vec::new();
    for _ in 0..ENDPOINTS {
        let reply = Reply::text("safe");
        let script = move |_: &_| reply.clone().into();
        let endpoint = Endpoint::with_tls(Arc::clone(&config), script).await;
        setup = setup.tls("app.test", &endpoint, "instance");
        endpoints.push(endpoint);
    }
    let client = authority.client(&["router"]);
    let plane = setup.trust(&authority, Some(&client)).start();
    let handshakes = || -> usize { endpoints.iter().map(Endpoint::accepted_connections).sum() };

    let mut connections = crowd(&plane, CLIENTS).await;
    // Each endpoint is met, and some by several requests at the same time.
    connections = load(connections, ROUNDS).await;
    let before = handshakes();
    let requests = plane.settled().await.requests;
    connections = load(connections, ROUNDS).await;
    let requests = plane.settled().await.requests - requests;
    let made = handshakes() - before;
    assert_eq!(requests, (CLIENTS * ROUNDS) as u64);
    println!("{made} handshakes for {requests} requests");
    assert!(made * 20 <= CLIENTS * ROUNDS, "{made} for {requests}");
    let workers = plane.connections_by_worker();
    let busy = workers.iter().filter(|&&open| open > 0).count();
    assert!(busy > WORKERS / 2, "{workers:?}");
    drop(connections);
}

/// the bound on unused connections to an endpoint is the process's, not each worker's.
/// F-044: unused connections are kept by endpoint, up to a bound that is configured.
#[tokio::test]
async fn unused_connections_are_bounded_for_all_workers() {
    let reply = Reply::text("here").after(Duration::from_millis(200));
    let endpoint = Endpoint::with(move |_| reply.clone().into()).await;
    let plane = with_workers(Setup::new(), 4)
        .with(|settings| settings.upstream.idle_per_endpoint = 3)
        .endpoint("app.test", &endpoint)
        .start();
    let mut clients = Vec::new();
    for _ in 0..12 {
        let mut client = plane.connect().await;
        client.write(head("GET /", &[]).as_bytes()).await;
        clients.push(client);
    }
    for client in &mut clients {
        assert_eq!(client.read_answer().await.status, 200);
    }
    assert_eq!(endpoint.accepted_connections(), 12);
    eventually("three are kept", BOUND, async || {
        match endpoint.open_connections() {
            3 => Ok(()),
            open => Err(format!("{open} are open")),
        }
    })
    .await;
}
