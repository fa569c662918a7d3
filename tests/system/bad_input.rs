//! Bad input is told, changes nothing that was right, and ends no process.

use std::net::SocketAddr;

use hyper::StatusCode;
use pointsman_tests::fleet::BOUND;
use pointsman_tests::publisher::{Emitted, REGISTER, UNREGISTER};
use pointsman_tests::{Client, Endpoint, Fleet, RawConnection, eventually};

const HOST: &str = "app.example.com";

/// Requests beside a dead endpoint.
const REQUESTS: u32 = 300;

#[tokio::test(flavor = "multi_thread")]
async fn hostile_messages_change_no_route() {
    let mut fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("here").await;
    fleet
        .register(&Emitted::plain(HOST, endpoint.address(), 0), HOST)
        .await;
    let hostile: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe\x00",
        br#"{"host":"127.0.0.1","port":99999,"uris":["app.example.com"]}"#,
        br#"{"host":"","port":0,"uris":[""]}"#,
        br#"{"uris":"app.example.com"}"#,
        br#"{"host":"169.254.169.254","port":80,"uris":["app.example.com"]}"#,
    ];
    for payload in hostile {
        fleet.publisher.publish(REGISTER, payload).await;
        fleet.publisher.publish(UNREGISTER, payload).await;
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    fleet.publisher.publish(REGISTER, deep.into_bytes()).await;
    fleet.publisher.publish(REGISTER, vec![b' '; 900_000]).await;

    // A later registration is answered: everything before it was handled.
    let later = Endpoint::named("later").await;
    fleet
        .register(
            &Emitted::plain("later.example.com", later.address(), 0),
            "later.example.com",
        )
        .await;
    fleet.answers(HOST, StatusCode::OK).await;
    assert!(fleet.control_plane.is_running() && fleet.data_planes[0].is_running());
}

/// R-115: an endpoint that answers nobody costs no error and at most one attempt more, and is passed over then
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_endpoint_costs_no_request() {
    let fleet = Fleet::start(1).await;
    let mut dead = Endpoint::named("dead").await;
    let (one, two) = (Endpoint::named("one").await, Endpoint::named("two").await);
    for (index, endpoint) in [(0, &one), (1, &two)] {
        let message = Emitted::plain(HOST, endpoint.address(), index);
        fleet.register(&message, HOST).await;
    }
    let message = Emitted::plain(HOST, dead.address(), 2);
    dead.close().await;
    fleet.publisher.register(&message).await;
    let admin = fleet.data_planes[0].address("admin");
    eventually("three endpoints", BOUND, async || {
        let count = metric(admin, "pointsman_endpoints ").await;
        (count >= 3.0)
            .then_some(())
            .ok_or_else(|| count.to_string())
    })
    .await;
    let before = metric(admin, "total_requests").await;
    let mut client = Client::connect(fleet.routers()[0]).await;
    for _ in 0..REQUESTS {
        let answer = client.get(HOST, "/").await.expect("an answer");
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
    let more = metric(admin, "total_requests").await - before - f64::from(REQUESTS);
    // It is tried again when its mark is over, which is long after this.
    assert!((1.0..=10.0).contains(&more), "{more} attempts more");
}

/// One sample of a data plane's metrics, by its name.
async fn metric(admin: SocketAddr, name: &str) -> f64 {
    let mut client = Client::connect(admin).await;
    let answer = client.get("127.0.0.1", "/metrics").await.expect("metrics");
    let mut lines = answer.text().lines();
    let line = lines.find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.rsplit(' ').next());
    let value = value.unwrap_or_else(|| panic!("no {name} in\n{}", answer.text()));
    value.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_requests_are_refused_and_the_next_client_is_served() {
    let mut fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("here").await;
    fleet
        .register(&Emitted::plain(HOST, endpoint.address(), 0), HOST)
        .await;
    let before = endpoint.request_count();
    let hostile: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\nHost: app.example.com\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"CONNECT app.example.com:443 HTTP/1.1\r\nHost: app.example.com\r\n\r\n",
    ];
    for bytes in hostile {
        let mut raw = RawConnection::connect(fleet.routers()[0]).await;
        raw.write(bytes).await;
        let answer = raw.read_to_end().await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    fleet.answers(HOST, StatusCode::OK).await;
    let passed = endpoint.requests();
    let paths: Vec<_> = passed[before..]
        .iter()
        .map(|request| &request.head.bytes)
        .collect();
    assert_eq!(paths.len(), 1, "only the good request reaches the app");
    assert!(fleet.data_planes[0].is_running());
}
