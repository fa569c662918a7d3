//! While the API cannot be had: what stays, and what goes when it is back.

use pointsman_tests::publisher::Emitted;
use pointsman_tests::routing_api::{Fault, route};
use pointsman_tests::{Broker, Publisher, eventually};
use serde_json::Value;

use super::scene::{OFTEN, Reading, Scene, endpoint};
use crate::plane::BOUND;

/// A control plane that reads both NATS and the API, where two seconds are old.
async fn beside_nats(scene: &Scene, broker: &Broker) -> Reading {
    let configuration = scene
        .configuration(OFTEN)
        .replace("servers: []", &format!("servers: ['{}']", broker.address()))
        .replace(
            "start_delay: 0s",
            "start_delay: 0s, interval: 1s, stale_threshold: 2s",
        );
    let plane = Reading::start(&configuration).await;
    plane.until_told("subscriber-started", 1).await;
    plane
}

/// The clock of the source stands while the API is down: its routes outlive their thresholds, while those of a publisher
/// that fell silent at the same time go. When it is back, what it lacks goes.
#[tokio::test]
async fn nothing_ages_while_the_api_is_down() {
    let scene = Scene::start().await;
    let broker = Broker::start().await;
    let (kept, lost) = (
        route("kept.example.com", endpoint(1), "k", 0),
        route("lost.example.com", endpoint(2), "l", 0),
    );
    scene.api.put_silently(kept);
    scene.api.put_silently(lost.clone());
    let plane = beside_nats(&scene, &broker).await;
    plane
        .until_routes(&["kept.example.com", "lost.example.com"])
        .await;
    scene.api.set_down(true);
    plane
        .until_metric_is("pointsman_routing_api_connected", 0)
        .await;
    let publisher = Publisher::connect(&broker).await;
    let silent = Emitted::plain("silent.example.com", endpoint(3), 0);
    publisher.register(&silent).await;
    plane
        .until_routes(&["kept.example.com", "lost.example.com", "silent.example.com"])
        .await;
    // It was heard after both others, and goes for its age.
    plane
        .until_routes(&["kept.example.com", "lost.example.com"])
        .await;
    scene.api.delete_silently(&lost);
    scene.api.set_down(false);
    plane.until_routes(&["kept.example.com"]).await;
    assert_eq!(plane.metric("pointsman_routing_api_connected").await, 1);
}

/// A list that does not come within a moment counts as one that cannot be had, before what was heard is old.
#[tokio::test]
async fn an_api_that_hangs_is_away() {
    let scene = Scene::start().await;
    scene
        .api
        .put_silently(route("a.example.com", endpoint(1), "g", 0));
    let plane = scene
        .following("interval: 100ms\n  request_timeout: 8s")
        .await;
    scene.api.fail_lists([Fault::Hang]);
    plane
        .until_metric_is("pointsman_routing_api_connected", 0)
        .await;
    assert!(plane.told("failed-to-fetch-routes").is_empty());
    let told = plane.until_told("failed-to-fetch-routes", 1).await;
    assert_eq!(told[0]["error"], "no answer within 8s");
    plane
        .until_metric_is("pointsman_routing_api_connected", 1)
        .await;
    plane.until_routes(&["a.example.com"]).await;
}

/// A control plane whose Routing API was never there is not fit to fill an empty data plane, and says why.
#[tokio::test]
async fn readiness_waits_for_the_api() {
    let scene = Scene::start().await;
    scene.api.set_down(true);
    let configuration = scene
        .configuration(OFTEN)
        .replace("start_delay: 0s", "start_delay: 10ms");
    let plane = Reading::start(&configuration).await;
    plane
        .until_told("routing-api-connection-not-yet-made", 1)
        .await;
    let answer = crate::plane::get(&plane.process, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains("the Routing API"),
        "{}",
        answer.text()
    );
    scene.api.set_down(false);
    eventually("a ready control plane", BOUND, async || {
        let answer = crate::plane::get(&plane.process, "/readyz").await;
        let is_ready = answer.status == 200;
        is_ready.then_some(()).ok_or(answer.text().to_owned())
    })
    .await;
}

/// Of a table, an API that suddenly has nothing takes only what the guard lets go; what is said to be gone goes.
#[tokio::test]
async fn an_empty_list_meets_the_guard() {
    let scene = Scene::start().await;
    let names: Vec<_> = (0..200).map(|at| format!("r{at:03}.example.com")).collect();
    let routes: Vec<Value> = names
        .iter()
        .map(|name| route(name, endpoint(1), name, 0))
        .collect();
    for route in &routes {
        scene.api.put_silently(route.clone());
    }
    let plane = scene.following(OFTEN).await;
    plane
        .until_metric_is("pointsman_routing_api_routes", 200)
        .await;
    for route in &routes {
        scene.api.delete_silently(route);
    }
    plane
        .until_metric_is("pointsman_registry_held_expiries", 150)
        .await;
    let left = plane.routes().await.as_object().map(|routes| routes.len());
    assert_eq!(left, Some(150));
    for route in &routes {
        scene.api.emit("Delete", &route.to_string());
    }
    plane.until_routes(&[]).await;
}
