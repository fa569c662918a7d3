//! Endpoints that do not let anybody connect, beside others that do.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::{Endpoint, eventually};
use socket2::{Domain, Socket, Type};

use crate::support::{BOUND, Plane, Setup, head};

/// A listener whose queue is full: the system drops whatever wants to connect, as a packet filter
/// does, or a host that is gone.
struct Dropping {
    socket: Socket,
    address: SocketAddr,
    queued: Vec<Socket>,
    accepted: Vec<Socket>,
}

impl Dropping {
    fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("a free port");
        socket.listen(0).expect("a listener");
        let address = socket.local_addr().expect("an address");
        let address = address.as_socket().expect("an address of the internet");
        let mut queued = Vec::new();
        // A queue of none holds one, and what the system still has in work.
        for _ in 0..4 {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            client.set_nonblocking(true).expect("an option");
            let _begun = client.connect(&address.into());
            queued.push(client);
        }
        Self {
            socket,
            address,
            queued,
            accepted: Vec::new(),
        }
    }

    /// Takes whoever waits, so that the next ones get through.
    fn open(&mut self) {
        self.queued.clear();
        self.socket.set_nonblocking(true).expect("an option");
        while let Ok((socket, _)) = self.socket.accept() {
            self.accepted.push(socket);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "real sockets do not run on a test's clock"
)]
fn now() -> Instant {
    Instant::now()
}

/// one of three endpoints drops whoever wants to connect, and 99 of 100 requests have their
/// answer within 100 ms.
/// each request is delivered once, POST or GET, whichever endpoint was faster.
#[tokio::test]
async fn an_endpoint_that_nobody_reaches_costs_little() {
    let dropping = Dropping::new();
    let endpoints = [Endpoint::named("a").await, Endpoint::named("b").await];
    let mut setup = Setup::new().thing("app.test", dropping.address, |_| {});
    for endpoint in &endpoints {
        setup = setup.endpoint("app.test", endpoint);
    }
    let plane = setup.start();
    let mut times = Vec::new();
    for n in 0..300 {
        let request = if n % 2 == 0 {
            head("GET /", &[])
        } else {
            head("POST /", &["Content-Length: 3"]) + "abc"
        };
        let start = now();
        assert_eq!(plane.ask(request).await.status, 200);
        times.push(start.elapsed());
    }
    times.sort();
    let p99 = times[times.len() * 99 / 100];
    assert!(p99 < Duration::from_millis(100), "{p99:?}");
    let delivered: usize = endpoints.iter().map(Endpoint::request_count).sum();
    assert_eq!(delivered, 300);
    let totals = plane.settled().await;
    assert!(totals.hedges > 0, "{totals:?}");
    assert_eq!((totals.bad_gateways, totals.retries), (0, 0));
}

/// The dial that lost its race goes on, and its connection is kept for the next request.
#[tokio::test]
async fn a_connection_that_comes_late_is_kept() {
    let mut dropping = Dropping::new();
    let there = Endpoint::named("there").await;
    let plane = Setup::new()
        .thing("app.test", dropping.address, |_| {})
        .endpoint("app.test", &there)
        .start();
    for _ in 0..4 {
        assert_eq!(plane.get("/").await.body, b"there");
    }
    let kept = plane.settled().await.idle_upstream;
    assert!(plane.settled().await.hedges >= 1);
    dropping.open();
    eventually("the late connection is kept", BOUND, async || {
        dropping.open();
        match plane.settled().await.idle_upstream {
            more if more > kept.max(1) => Ok(()),
            other => Err(format!("{other} kept")),
        }
    })
    .await;
}

/// Where there is nobody else, a dial is not given company, and ends at its own bound.
/// F-038: a dial has a bound of its own.
#[tokio::test]
async fn a_lone_endpoint_is_dialled_once() {
    let dropping = Dropping::new();
    let plane = Setup::new()
        .thing("app.test", dropping.address, |_| {})
        .with(|settings| settings.timeouts.dial = Duration::from_millis(200))
        .start();
    let answer = plane.get("/").await;
    assert_eq!(answer.status, 502);
    let error = answer.header("X-Cf-RouterError").expect("an error");
    assert!(error.contains("i/o timeout"), "{error}");
    let totals = plane.settled().await;
    assert_eq!((totals.dials, totals.hedges), (1, 0));
}

/// Places at endpoints are counted exactly: after races, failures and clients that went away nobody
/// holds one, and each endpoint takes as many requests as it may have.
/// F-039: a client that goes away ends the dial that was for it.
#[tokio::test]
async fn places_are_given_back_by_whoever_loses() {
    let dropping = Dropping::new();
    let there = Endpoint::with(|_| Reply::text("there").into()).await;
    let plane: Plane = Setup::new()
        .thing("app.test", dropping.address, |_| {})
        .endpoint("app.test", &there)
        .with(|settings| settings.limits.endpoint_connections = 1)
        .start();
    for _ in 0..20 {
        assert_eq!(
            plane.get("/").await.status,
            200,
            "{:?}",
            plane.settled().await
        );
    }
    there.script(|_| Answer::Silence);
    let mut leaving = plane.connect().await;
    leaving.write(head("GET /", &[]).as_bytes()).await;
    plane
        .until("it is under way", |totals| totals.attempts == 21)
        .await;
    drop(leaving);
    plane
        .until("it is gone", |totals| totals.clients_gone == 1)
        .await;
    there.script(|_| Reply::text("there").into());
    assert_eq!(plane.get("/").await.status, 200);
    assert_eq!(plane.settled().await.backend_exhausted_conns, 0);
}
