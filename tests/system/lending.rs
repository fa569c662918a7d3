//! A data plane that starts while the control plane has not heard anything yet.

use std::time::Duration;

use hyper::StatusCode;
use pointsman_tests::fleet::{BOUND, More};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Broker, Client, Endpoint, Fleet, Process, configuration, eventually};

use crate::shown;

const HOST: &str = "app.example.com";
const GONE: &str = "gone.example.com";

/// A fleet whose control plane borrows the tables of data planes at first.
async fn fleet(data_planes: usize) -> Fleet {
    let more = More {
        distribution: "borrow_tables: 1MiB",
        ..More::default()
    };
    Fleet::with(Broker::start().await, data_planes, more).await
}

/// A data plane that was never there before.
async fn newcomer(fleet: &Fleet) -> Process {
    let control_plane = fleet.control_plane.address("distribution");
    Process::start("data-plane", &configuration::data_plane(control_plane)).await
}

/// Starts another control plane in the place of the killed one, and waits until it is followed.
async fn succeed(fleet: &mut Fleet) {
    fleet.restart_control_plane().await;
    let followed = |shown: &serde_json::Value| !shown["followed"].is_null();
    until_shown(
        &fleet.data_planes[0],
        "the successor to be followed",
        followed,
    )
    .await;
}

/// Waits until the data plane answers so.
async fn answers(data_plane: &Process, host: &str, wanted: StatusCode) {
    let router = data_plane.address("http");
    let what = format!("{wanted} for {host}");
    eventually(&what, BOUND, async || {
        let mut client = Client::connect(router).await;
        let response = client.get(host, "/").await;
        let response = response.map_err(|failure| failure.to_string())?;
        (response.status == wanted)
            .then_some(())
            .ok_or_else(|| response.status.to_string())
    })
    .await;
}

/// Waits until the status of a data plane is so.
async fn until_shown(data_plane: &Process, what: &str, is_so: impl Fn(&serde_json::Value) -> bool) {
    eventually(what, BOUND, async || {
        let shown = shown(data_plane).await?;
        if is_so(&shown) {
            Ok(())
        } else {
            Err(shown.to_string())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_plane_that_comes_to_a_new_control_plane_serves_what_the_others_serve() {
    let mut fleet = fleet(1).await;
    let endpoint = Endpoint::named("lent").await;
    let route = Emitted::plain(HOST, endpoint.address(), 0);
    fleet.register(&route, HOST).await;
    let gone = Emitted::plain(GONE, endpoint.address(), 0);
    fleet.register(&gone, GONE).await;

    // The successor hears that one route is taken back, and nothing of the other.
    fleet.kill_control_plane();
    succeed(&mut fleet).await;
    fleet.publisher.unregister(&gone).await;
    fleet.answers(GONE, StatusCode::NOT_FOUND).await;
    let newcomer = newcomer(&fleet).await;
    answers(&newcomer, HOST, StatusCode::OK).await;
    answers(&newcomer, GONE, StatusCode::NOT_FOUND).await;
    until_shown(&newcomer, "what is lent to be doubted", |shown| {
        shown["table"]["borrowed_endpoints"].as_u64() >= Some(1) && shown["table"]["orphans"] == 1
    })
    .await;

    // Once the new control plane hears of the route, it is as any other.
    fleet.publisher.register(&route).await;
    until_shown(&newcomer, "the orphan to be confirmed", |shown| {
        shown["table"]["orphans"] == 0
    })
    .await;
    answers(&newcomer, HOST, StatusCode::OK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_lent_and_is_not_there_is_given_up_at_once() {
    let mut fleet = fleet(1).await;
    let (alive, dead) = (
        Endpoint::named("alive").await,
        Endpoint::named("dead").await,
    );
    for endpoint in [&alive, &dead] {
        let route = Emitted::plain(HOST, endpoint.address(), 0);
        fleet.register(&route, HOST).await;
    }
    fleet.kill_control_plane();
    drop(dead);
    succeed(&mut fleet).await;
    let newcomer = newcomer(&fleet).await;
    until_shown(&newcomer, "the loan", |shown| {
        shown["table"]["borrowed_endpoints"].as_u64() >= Some(1)
    })
    .await;
    let mut client = Client::connect(newcomer.address("http")).await;
    let began = tokio::time::Instant::now();
    for _ in 0..10 {
        let response = client.get(HOST, "/").await.expect("an answer");
        assert_eq!(response.status, StatusCode::OK);
        assert_eq!(response.text(), "alive");
    }
    assert!(began.elapsed() < Duration::from_secs(10));
}
