//! Bursts of connections, and pages that are asked for all the time, cost no request.

use std::net::SocketAddr;

use hyper::StatusCode;
use pointsman_tests::fleet::More;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Broker, Client, Endpoint, Fleet, RawConnection, Requests};

use crate::assert_none_lost;

/// Connections of one burst.
const BURST: usize = 2000;

/// One burst: everybody connects, then everybody asks, then everybody is answered.
async fn burst(router: SocketAddr) {
    let mut clients = Vec::new();
    for _ in 0..BURST {
        clients.push(RawConnection::connect(router).await);
    }
    for client in &mut clients {
        client
            .write(b"GET / HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
            .await;
    }
    for client in &mut clients {
        assert_eq!(client.read_answer().await.status, 200);
    }
}

/// three bursts of two thousand connections, while others ask for health and metrics without a pause, cost no request
#[tokio::test(flavor = "multi_thread")]
async fn bursts_of_connections_cost_no_request() {
    let more = More {
        // All of them are at the one endpoint at the same time.
        data_plane: "limits: {endpoint_connections: 0}\n",
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 1, more).await;
    let endpoint = Endpoint::named("here").await;
    let message = Emitted::plain("app.example.com", endpoint.address(), 0);
    fleet.register(&message, "app.example.com").await;
    let router = fleet.routers()[0];
    let requests = Requests::keep_sending(&[router], "app.example.com", 2);
    let admin = fleet.data_planes[0].address("admin");
    let hammers: Vec<_> = ["/health", "/metrics", "/status"]
        .map(|path| {
            tokio::spawn(async move {
                loop {
                    let mut client = Client::connect(admin).await;
                    for _ in 0..100 {
                        let answer = client.get("127.0.0.1", path).await;
                        assert_eq!(answer.expect("an answer").status, StatusCode::OK);
                    }
                }
            })
        })
        .into();
    for _ in 0..3 {
        burst(router).await;
    }
    assert!(hammers.iter().all(|hammer| !hammer.is_finished()));
    hammers.iter().for_each(tokio::task::JoinHandle::abort);
    assert_none_lost(&requests.stop().await);
}
