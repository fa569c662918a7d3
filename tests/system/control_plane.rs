//! The data planes serve without a control plane.

use hyper::StatusCode;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Client, Endpoint, Fleet, Requests, eventually, fleet::BOUND};
use serde_json::Value;

use crate::assert_none_lost;

#[tokio::test(flavor = "multi_thread")]
async fn killing_and_restarting_the_control_plane_loses_no_request() {
    let mut fleet = Fleet::start(2).await;
    let endpoint = Endpoint::named("old").await;
    let message = Emitted::plain("old.example.com", endpoint.address(), 0);
    fleet.register(&message, "old.example.com").await;

    let requests = Requests::keep_sending(&fleet.routers(), "old.example.com", 2);
    fleet.kill_control_plane();
    enough_more(&endpoint).await;
    fleet.restart_control_plane().await;
    // The data planes have found it again when a route that only it knows is answered.
    let new = Endpoint::named("new").await;
    fleet
        .register(
            &Emitted::plain("new.example.com", new.address(), 0),
            "new.example.com",
        )
        .await;
    enough_more(&endpoint).await;
    assert_none_lost(&requests.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_control_plane_takes_no_route_away_that_it_has_not_heard_of() {
    let mut fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("old").await;
    let message = Emitted::plain("old.example.com", endpoint.address(), 0);
    fleet.register(&message, "old.example.com").await;
    fleet.restart_control_plane().await;
    let new = Endpoint::named("new").await;
    fleet
        .register(
            &Emitted::plain("new.example.com", new.address(), 0),
            "new.example.com",
        )
        .await;
    fleet.answers("old.example.com", StatusCode::OK).await;
}

/// a data plane whose control plane and broker are both gone is alive, ready and serves; what it lacks is shown
/// beside that
#[tokio::test(flavor = "multi_thread")]
async fn a_data_plane_alone_stays_ready_and_says_what_it_lacks() {
    let mut fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("old").await;
    let message = Emitted::plain("old.example.com", endpoint.address(), 0);
    fleet.register(&message, "old.example.com").await;
    let admin = fleet.data_planes[0].address("admin");
    let get = async |path: &str| {
        let mut client = Client::connect(admin).await;
        client.get("localhost", path).await.expect("an answer")
    };
    fleet.kill_control_plane();
    fleet.broker.kill();
    eventually("the loss", BOUND, async || {
        let answer = get("/status").await;
        let status: Value = serde_json::from_slice(&answer.body).expect("JSON");
        if status["followed"].is_null() && status["trouble"].is_string() {
            Ok(())
        } else {
            Err(status.to_string())
        }
    })
    .await;
    for path in ["/livez", "/readyz", "/health"] {
        assert_eq!(get(path).await.status, StatusCode::OK, "{path}");
    }
    fleet.answers("old.example.com", StatusCode::OK).await;
}

/// Waits until the endpoint has had a good number of requests more.
async fn enough_more(endpoint: &Endpoint) {
    let before = endpoint.request_count();
    eventually("two hundred more requests", BOUND, async || {
        let count = endpoint.request_count() - before;
        if count >= 200 {
            Ok(())
        } else {
            Err(count.to_string())
        }
    })
    .await;
}
