//! How often a request is tried, with which endpoints, and with which bodies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use pointsman_tests::endpoint::{Answer, Head, Reply};
use pointsman_tests::{Authority, Endpoint, RawConnection};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

use crate::support::{BOUND, Plane, Setup, head};

/// A data plane before so many endpoints, of which all together drop the first `failures` requests, and the endpoints.
async fn dropping(endpoints: usize, failures: usize, attempts: u32) -> (Vec<Endpoint>, Plane) {
    let count = Arc::new(AtomicUsize::new(0));
    let mut setup = Setup::new().with(|settings| settings.limits.attempts = attempts);
    let mut all = Vec::new();
    for _ in 0..endpoints {
        let count = Arc::clone(&count);
        let endpoint = Endpoint::with(move |_: &Head| -> Answer {
            if count.fetch_add(1, Ordering::SeqCst) < failures {
                Answer::Close
            } else {
                Reply::text("at last").into()
            }
        });
        let endpoint = endpoint.await;
        setup = setup.endpoint("app.test", &endpoint);
        all.push(endpoint);
    }
    (all, setup.start())
}

fn requests(endpoints: &[Endpoint]) -> Vec<usize> {
    endpoints.iter().map(Endpoint::request_count).collect()
}

/// D-436: with five endpoints, four failing, and four attempts, the good one is not reached.
/// D-437: with ten attempts it is, at the fifth.
/// L-27: attempts are bounded.
#[tokio::test]
async fn the_good_one_is_reached_within_the_attempts() {
    for (allowed, status, tries) in [(4, 502, 4), (10, 200, 5)] {
        let (endpoints, plane) = dropping(5, 4, allowed).await;
        assert_eq!(plane.get("/").await.status, status);
        let mut seen = requests(&endpoints);
        assert_eq!(seen.iter().sum::<usize>(), tries);
        seen.sort_unstable();
        assert_eq!(seen.last(), Some(&1), "each endpoint is tried once");
        assert_eq!(plane.settled().await.attempts, tries as u64);
    }
}

/// where all endpoints fail, what reaches them is hardly more than what clients send, and each answer comes at
/// once.
/// L-27: beside a fifth of the requests in flight, ten further attempts are allowed at once and ten a second.
#[tokio::test]
async fn an_outage_is_not_multiplied() {
    const REQUESTS: u32 = 500;
    let (endpoints, plane) = dropping(3, usize::MAX, 3).await;
    let mut client = plane.connect().await;
    let begin = Instant::now();
    for _ in 0..REQUESTS {
        client.write(head("GET /", &[]).as_bytes()).await;
        assert_eq!(client.read_answer().await.status, 502);
    }
    let time = begin.elapsed();
    assert!(time / REQUESTS < Duration::from_millis(250), "{time:?}");
    let totals = plane.settled().await;
    let allowed = 11.0 + 10.0 * time.as_secs_f64();
    let retries = u32::try_from(totals.retries).expect("few");
    assert!(f64::from(retries) <= allowed, "{retries} in {time:?}");
    assert!(retries >= 9 && totals.retries_refused > 0, "{totals:?}");
    let reached = requests(&endpoints).iter().sum::<usize>() as u64;
    assert_eq!(reached, u64::from(REQUESTS) + totals.retries);
}

/// A data plane that a script of one of its endpoints changes while a request is under way.
type Changed = Arc<Mutex<Option<Plane>>>;

/// Five endpoints that drop everything; the first request that comes makes `change` of the data plane.
async fn changing(
    change: impl Fn(&mut Plane, SocketAddr) + Send + Sync + 'static,
) -> (Vec<Endpoint>, Changed) {
    let changed = Changed::default();
    let change = Arc::new(change);
    let mut setup = Setup::new().with(|settings| settings.limits.attempts = 10);
    let mut endpoints = Vec::new();
    for _ in 0..5 {
        let endpoint = Endpoint::with(|_| Answer::Close).await;
        setup = setup.endpoint("app.test", &endpoint);
        endpoints.push(endpoint);
    }
    let first = Arc::new(AtomicUsize::new(0));
    for endpoint in &endpoints {
        let (changed, change, first) = (
            Arc::clone(&changed),
            Arc::clone(&change),
            Arc::clone(&first),
        );
        let address = endpoint.address();
        endpoint.script(move |_| {
            if first.fetch_add(1, Ordering::SeqCst) == 0 {
                let mut plane = changed.lock();
                change(plane.as_mut().expect("a data plane"), address);
            }
            Answer::Close
        });
    }
    *changed.lock() = Some(setup.start());
    (endpoints, changed)
}

/// The status of one GET, whose endpoints change the data plane meanwhile.
async fn status(changed: &Changed) -> u16 {
    let address = changed.lock().as_ref().expect("a data plane").address;
    let mut client = RawConnection::connect(address).await;
    client.write(head("GET /", &[]).as_bytes()).await;
    client.read_answer().await.status
}

/// D-440: endpoints that are registered again meanwhile are no others: five tries.
#[tokio::test]
async fn endpoints_that_are_registered_again_are_not_tried_again() {
    let known = Arc::new(Mutex::new(Vec::<SocketAddr>::new()));
    let all = Arc::clone(&known);
    let (endpoints, changed) = changing(move |plane, _| {
        for address in all.lock().iter() {
            plane.add_at("app.test", *address, |thing| thing.generation = 2);
        }
    })
    .await;
    known.lock().extend(endpoints.iter().map(Endpoint::address));
    assert_eq!(status(&changed).await, 502);
    assert_eq!(requests(&endpoints), [1; 5]);
}

/// D-441: two endpoints that come after the first failure are tried as well: seven tries.
#[tokio::test]
async fn endpoints_that_come_during_the_attempts_are_tried() {
    let more = [
        Endpoint::with(|_| Answer::Close).await,
        Endpoint::with(|_| Answer::Close).await,
    ];
    let addresses = [more[0].address(), more[1].address()];
    let (endpoints, changed) = changing(move |plane, _| {
        for address in addresses {
            plane.add_at("app.test", address, |_| {});
        }
    })
    .await;
    assert_eq!(status(&changed).await, 502);
    assert_eq!(requests(&endpoints), [1; 5]);
    assert_eq!(requests(&more), [1; 2]);
}

/// D-442: one that comes while another goes is tried.
#[tokio::test]
async fn an_endpoint_that_takes_another_ones_place_is_tried() {
    let new = Endpoint::named("new").await;
    let address = new.address();
    let (_endpoints, changed) = changing(move |plane, failed| {
        plane.add_at("app.test", address, |_| {});
        plane.remove_at("app.test", failed);
    })
    .await;
    assert_eq!(status(&changed).await, 200);
    assert_eq!(new.request_count(), 1);
}

/// D-447: a request with a body that is kept and an idempotency key is repeated when an endpoint closes.
/// D-448: one with more body than is kept is not.
/// D-450: a GET, HEAD, OPTIONS or TRACE with a body that is kept is repeated.
/// D-451: one with more body than is kept is not.
/// F-068: and that is counted.
#[tokio::test]
async fn bodies_are_repeated_as_far_as_they_are_kept() {
    let key = "Idempotency-Key: k";
    for (method, field) in [
        ("POST", key),
        ("GET", "X-A: b"),
        ("HEAD", "Connection: close"),
        ("OPTIONS", "X-A: b"),
        ("TRACE", "X-A: b"),
    ] {
        for (length, repeated) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
            let (endpoints, plane) = dropping(2, 1, 3).await;
            let fields = [field, &format!("Content-Length: {length}")];
            let request = head(&format!("{method} /"), &fields) + &"x".repeat(length);
            let mut client = plane.connect().await;
            client.write(request.as_bytes()).await;
            let status = client.read_head().await.status;
            let what = format!("{method} with {length} bytes");
            assert_eq!(status, if repeated { 200 } else { 502 }, "{what}");
            let seen = endpoints.iter().flat_map(Endpoint::requests);
            let bodies: Vec<usize> = seen.map(|request| request.body.len()).collect();
            let expected = if repeated { 2 } else { 1 };
            assert_eq!(bodies, vec![length; expected], "{what}");
            let unreplayable = plane.settled().await.unreplayable;
            assert_eq!(unreplayable, u64::from(!repeated), "{what}");
        }
    }
}

/// An empty body is no body, so that the request is repeated as one without.
#[tokio::test]
async fn an_empty_body_is_none() {
    let (endpoints, plane) = dropping(2, 1, 3).await;
    let answer = plane.ask(head("GET /", &["Content-Length: 0"])).await;
    assert_eq!(answer.status, 200);
    assert_eq!(requests(&endpoints), [1; 2]);
}

/// D-462: an endpoint that misbehaves is a 502.
/// D-444: it gets one try, the request is not repeated, and the failure is told.
#[tokio::test]
async fn what_is_no_answer_is_not_asked_for_twice() {
    for bytes in ["nonsense\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n"] {
        let mut setup = Setup::new();
        let mut endpoints = Vec::new();
        for _ in 0..2 {
            let endpoint = Endpoint::with(|_| Answer::RawThenClose(bytes.into())).await;
            setup = setup.endpoint("app.test", &endpoint);
            endpoints.push(endpoint);
        }
        let plane = setup.start();
        let answer = plane.get("/").await;
        assert_eq!(answer.status, 502);
        assert_eq!(requests(&endpoints).iter().sum::<usize>(), 1);
        let failures = "pointsman_failures_total{reason=\"malformed\"}";
        assert_eq!(plane.metric(failures), Some(1.0));
        assert_eq!(plane.settled().await.bad_gateways, 1);
    }
}

/// D-459: a request whose client is gone is cancelled at its endpoint.
/// D-471: and is recorded as cancelled.
#[tokio::test]
async fn requests_of_clients_that_are_gone_are_cancelled() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let plane = Setup::new().thing("app.test", address, |_| {}).start();
    let mut client = plane.connect().await;
    client.write(head("GET /gone", &[]).as_bytes()).await;
    let (mut silent, _) = timeout(BOUND, listener.accept())
        .await
        .expect("in time")
        .expect("a connection");
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let read = timeout(BOUND, silent.read_buf(&mut seen)).await;
        assert_ne!(read.expect("in time").expect("a request"), 0);
    }
    drop(client);
    let line = plane.line("/gone").await;
    assert!(line.contains("\" 499 0 0 "), "{line}");
    assert!(line.contains("(context canceled)"), "{line}");
    let end = timeout(BOUND, silent.read_buf(&mut seen)).await;
    assert!(matches!(end.expect("in time"), Ok(0) | Err(_)));
}

/// D-455: each attempt is in clear text or over TLS as its endpoint is registered.
#[tokio::test]
async fn each_attempt_speaks_as_its_endpoint_does() {
    let authority = Authority::new("authority");
    let name = "an-instance";
    let config = authority.server(&[name]).server_config(None);
    let safe = Endpoint::with_tls(config, |_| Reply::text("safe").into()).await;
    let plain = Endpoint::named("plain").await;
    let plane = Setup::new()
        .trust(&authority, None)
        .tls("app.test", &safe, name)
        .endpoint("app.test", &plain)
        .start();
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(plane.get("/").await.body);
    }
    answers.sort();
    assert_eq!(answers, [&b"plain"[..], b"plain", b"safe", b"safe"]);
    // Each way of a retry: whoever has the turn drops the request.
    for _ in 0..2 {
        for (first, other) in [(&plain, &safe), (&safe, &plain)] {
            first.script(|_| Answer::Close);
            other.script(|_| Reply::text("other").into());
            assert_eq!(plane.get("/").await.body, b"other");
            assert_eq!(plane.get("/").await.body, b"other");
        }
    }
    assert!(plane.settled().await.retries >= 4);
}
