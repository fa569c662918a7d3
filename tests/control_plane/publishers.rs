//! What real publishers do, and what becomes of it.

use pointsman_tests::publisher::{Emitted, Emitter, Registrar};
use pointsman_tests::{Broker, Process, Publisher, configuration, eventually};

use crate::plane::{BOUND, Plane, get, next_json};

/// An interval that a test can wait for, and a threshold of three of them.
fn quick(configuration: &str) -> String {
    configuration.replace(
        "start_delay: 0s",
        "start_delay: 0s\n  interval: 1s\n  stale_threshold: 3s",
    )
}

fn emitted(uri: &str) -> Emitted {
    Emitted::plain(uri, "127.0.0.1:4000".parse().expect("an address"), 0)
}

async fn until_served_by(process: &Process, expected: &[&str]) {
    eventually("these routes", BOUND, async || {
        let text = get(process, "/routes").await.text().to_owned();
        let routes: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let keys = routes.as_object().expect("an object").keys();
        if keys.eq(expected) { Ok(()) } else { Err(text) }
    })
    .await;
}

/// C-510: an emitter that is there before any router greets again and again, until one answers
/// C-509: when a router starts anew it sends all routes after a random share of the interval
#[tokio::test]
async fn an_emitter_fills_routers_that_start() {
    let broker = Broker::start().await;
    let publisher = Publisher::connect(&broker).await;
    let (one, other) = (emitted("one.example.com"), emitted("other.example.com"));
    let emitter = Emitter::start(&publisher, &[&one, &other]).await;
    eventually("a second greeting", BOUND, async || {
        match emitter.told().greetings {
            0 | 1 => Err("one greeting at most".to_owned()),
            _ => Ok(()),
        }
    })
    .await;
    assert_eq!(
        emitter.told().rounds,
        0,
        "it does not know the interval yet"
    );
    let configuration = quick(&configuration::control_plane(&broker, ""));
    let routes = ["one.example.com", "other.example.com"];
    let mut process = Process::start("control-plane", &configuration).await;
    until_served_by(&process, &routes).await;
    let told = emitter.told();
    assert_eq!(told.interval.map(|interval| interval.as_secs()), Some(1));
    let restarts = told.restarts.len();
    process.kill();
    let process = Process::start("control-plane", &configuration).await;
    until_served_by(&process, &routes).await;
    let told = emitter.told();
    assert!(
        told.restarts.len() > restarts,
        "it heard of the start: {told:?}"
    );
    assert!(
        told.restarts.iter().all(|wait| wait.as_secs() < 1),
        "{told:?}"
    );
}

/// C-513: a client that registers at the interval which the router asks for is not taken for gone
#[tokio::test]
async fn the_interval_that_is_asked_for_keeps_routes() {
    let plane = Plane::start_changed(|configuration| quick(&configuration)).await;
    let answer = plane.publisher.client();
    let mut inbox = answer.subscribe("inbox").await.expect("a subscription");
    let greeted = answer.publish_with_reply("router.greet", "inbox", "".into());
    greeted.await.expect("a greeting");
    let asked = next_json(&mut inbox).await["minimumRegisterIntervalInSeconds"].clone();
    let interval = std::time::Duration::from_secs(asked.as_u64().expect("seconds"));
    let message = emitted("app.example.com");
    let kept = plane.publisher.keep_registered(&message, interval).await;
    // As many heartbeats as would outlast the threshold if they did not count.
    plane
        .until_metric("pointsman_registry_heartbeats_total", 5.0)
        .await;
    assert_eq!(plane.routes().await, ["app.example.com"]);
    assert!(plane.metric("routes_pruned_total").await < 1.0);
    drop(kept);
    plane.until_metric("routes_pruned_total", 1.0).await;
    plane.until_routes(&[]).await;
}

/// C-511: a component whose health script fails is taken back as often as its registrar says so, and others stay
/// C-512: a registrar that stops takes all its routes back
#[tokio::test]
async fn a_registrar_takes_its_routes_back() {
    let plane = Plane::start().await;
    let component = |uris: &[&str], port: u16| {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        Registrar::plain(uris, address)
    };
    let failing = component(&["api.example.com", "uaa.example.com"], 5000);
    let other = component(&["api.example.com"], 5001);
    let last = component(&["*.login.example.com"], 5002);
    for message in [&failing, &other, &last] {
        plane.publisher.register(message).await;
    }
    plane
        .until_routes(&["*.login.example.com", "api.example.com", "uaa.example.com"])
        .await;
    // The limit of messages that route-registrar has by default.
    for _ in 0..5 {
        plane.publisher.unregister(&failing).await;
    }
    plane
        .until_routes(&["*.login.example.com", "api.example.com"])
        .await;
    plane
        .until_metric("unregistry_message_total{component=\"\"}", 10.0)
        .await;
    let text = plane.get("/routes").await.text().to_owned();
    assert!(
        text.contains("127.0.0.1:5001") && !text.contains("127.0.0.1:5000"),
        "{text}"
    );
    for message in [&other, &last] {
        plane.publisher.unregister(message).await;
    }
    plane.until_routes(&[]).await;
}
