//! A registration becomes an answer, and an unregistration takes it away.

use std::time::Duration;

use hyper::StatusCode;
use pointsman_tests::publisher::{Emitted, Registrar};
use pointsman_tests::{Endpoint, Fleet};

use crate::NOT_FOUND;

/// What the README promises for a machine that has nothing else to do.
const PROMISE: Duration = Duration::from_millis(100);
/// What a busy test machine must still hold: the bound of convergence.
const CONVERGENCE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_answers_its_first_request_on_every_data_plane() {
    let fleet = Fleet::start(2).await;
    let endpoint = Endpoint::named("here").await;
    let mut took = Vec::new();
    for number in 0..20 {
        let host = format!("app-{number}.example.com");
        let message = Emitted::plain(&host, endpoint.address(), 0);
        took.push(fleet.register(&message, &host).await);
    }
    took.sort();
    let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
    println!(
        "from publish to the first answer on both data planes: median {median:?}, longest {longest:?}"
    );
    assert!(longest < CONVERGENCE, "{took:?}");
    if longest > PROMISE {
        println!("beyond the promise of {PROMISE:?}; was the machine busy?");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unregistered_route_is_gone_from_every_data_plane() {
    let fleet = Fleet::start(2).await;
    let endpoint = Endpoint::named("here").await;
    let message = Emitted::plain("app.example.com", endpoint.address(), 0);
    fleet.register(&message, "app.example.com").await;
    fleet.publisher.unregister(&message).await;
    fleet.answers("app.example.com", NOT_FOUND).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_registers_several_hosts_wildcards_and_paths() {
    let fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("component").await;
    let uris = [
        "api.example.com",
        "*.apps.example.com",
        "web.example.com/v1",
    ];
    fleet
        .publisher
        .register(&Registrar::plain(&uris, endpoint.address()))
        .await;
    fleet.answers("api.example.com", StatusCode::OK).await;
    fleet.answers("any.apps.example.com", StatusCode::OK).await;
    fleet.answers("web.example.com", NOT_FOUND).await;
    let mut client = pointsman_tests::Client::connect(fleet.routers()[0]).await;
    let response = client.get("web.example.com", "/v1/things").await.unwrap();
    assert_eq!(response.text(), "component");
}
