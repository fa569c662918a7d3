//! `router.active_apps`.

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::broker::Broker;
use crate::heard::Heard;
use crate::instance::Instance;
use crate::router::{Router, get};

const NO_DELAY: &str = "start_response_delay_interval: 0s\n";

fn listed(message: &[u8]) -> Vec<String> {
    let mut text = String::new();
    let mut decoder = ZlibDecoder::new(message);
    decoder.read_to_string(&mut text).expect("it is compressed");
    serde_json::from_str(&text).expect("an array of texts")
}

fn serving(broker: &Broker, keys: &str) -> (Router, Instance, u16) {
    let instance = Instance::start();
    let mut router = Router::start(&(broker.nats() + NO_DELAY + keys));
    router.wait_for("subscriber-started");
    broker.register("app.example.com", instance.port());
    router.wait_until_healthy();
    let traffic = router.traffic_port();
    crate::until("the route is served", || {
        get(traffic, "/", "app.example.com").ends_with("from the instance")
    });
    (router, instance, traffic)
}

/// C-435: with an interval the active apps are published, as a compressed array of JSON.
/// C-429: it is empty where none is active.
#[test]
fn active_apps_are_published_at_the_interval() {
    let broker = Broker::start();
    let mut heard = Heard::on(&broker, "router.active_apps");
    let (_router, _instance, traffic) = serving(&broker, "publish_active_apps_interval: 1s\n");
    // Those of the first requests, and then nothing more.
    while listed(&heard.next()) != ["app-1"] {}
    assert!(listed(&heard.next()).is_empty());
    assert!(get(traffic, "/", "nobody.example.com").starts_with("HTTP/1.1 404 "));
    assert!(get(traffic, "/", "app.example.com").starts_with("HTTP/1.1 200 "));
    while listed(&heard.next()) != ["app-1"] {}
}

/// C-434: without an interval nothing is published.
#[test]
fn without_an_interval_nothing_is_published() {
    let broker = Broker::start();
    let mut heard = Heard::on(&broker, "router.active_apps");
    let (router, _instance, _) = serving(&broker, "publish_active_apps_interval: 0s\n");
    router.signal("TERM");
    assert_eq!(router.until_it_ends().0, Some(0));
    assert!(heard.nothing_more());
}
