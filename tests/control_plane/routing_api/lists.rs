//! The list: what its routes become, what a shorter one takes away, and what a bad one changes, which is nothing.

use pointsman_tests::eventually;
use pointsman_tests::routing_api::{Fault, route};
use serde_json::{Value, json};

use super::scene::{NEVER, OFTEN, Reading, Scene, endpoint};
use crate::plane::BOUND;

/// C-472: three routes of the list are registered, plain, with the threshold, service and tag that they have
/// C-480: the stream is asked for once
/// C-484: once it is there, the whole list is asked for once
/// C-501: with a token, which is asked for first
/// C-502: and the process lives
#[tokio::test]
async fn a_list_becomes_routes() {
    let scene = Scene::start().await;
    let mut first = route("a.example.com/Path", endpoint(1), "g1", 7);
    first["ttl"] = 8000.into();
    first["route_service_url"] = "https://rs.example.com".into();
    let mut last = route("c.example.com", endpoint(3), "g3", 0);
    last["ttl"] = Value::Null;
    for route in [first, route("b.example.com", endpoint(2), "g2", 1), last] {
        scene.api.put_silently(route);
    }
    let mut plane = scene.following_for_long().await;
    let routes = plane.routes().await;
    assert_eq!(
        routes["a.example.com/path"],
        json!([{
            "address": "10.0.0.1:3000", "availability_zone": "", "protocol": "", "tls": false, "ttl": 8000,
            "route_service_url": "https://rs.example.com", "tags": null, "load_balancing_algorithm": "round-robin",
        }])
    );
    let at_least = 2 * 3600 + 5;
    assert_eq!(
        routes["b.example.com"][0]["ttl"], at_least,
        "until listed again"
    );
    assert_eq!(routes["c.example.com"][0]["ttl"], 3 * 3600, "the default");
    let told = plane.until_told("endpoint-registered", 3).await;
    assert_eq!(told.len(), 3);
    assert_eq!(told[0]["application_id"], "log-g1");
    assert_eq!(
        told[0]["modification_tag"],
        json!({"guid": "g1", "index": 7})
    );
    assert_eq!(told[0]["isTLS"], false);
    assert_eq!((scene.api.lists(), scene.api.subscriptions()), (2, 1));
    assert_eq!(plane.told("setting-up-routing-api").len(), 1);
    assert_eq!(plane.told("started-fetching-token").len(), 1);
    let tokens = scene.api.authorizations();
    assert_eq!(tokens, ["bearer token-1"; 3]);
    assert!(!plane.process.log().contains("token-1"));
    assert!(plane.process.is_running());
}

/// C-481: the list is asked for at every interval
/// C-476: what a shorter list lacks is unregistered as it was, what it has is registered again
#[tokio::test]
async fn a_shorter_list_takes_away_what_it_lacks() {
    let scene = Scene::start().await;
    let three = ["a", "b", "c"].map(|name| {
        let (host, guid) = (format!("{name}.example.com"), format!("guid-{name}"));
        route(&host, endpoint(1), &guid, 3)
    });
    for route in &three {
        scene.api.put_silently(route.clone());
    }
    let plane = scene.following(OFTEN).await;
    let refreshed = r#"registry_message_total{component="",action="refreshed"}"#;
    let before = plane.metric("pointsman_routing_api_lists_total").await;
    plane
        .until_metric("pointsman_routing_api_lists_total", before + 2)
        .await;
    scene.api.delete_silently(&three[1]);
    scene.api.delete_silently(&three[2]);
    plane.until_routes(&["a.example.com"]).await;
    let mut gone = plane.until_told("endpoint-unregistered", 2).await;
    gone.sort_by_key(|gone| gone["uri"].to_string());
    let gone: Vec<_> = gone
        .iter()
        .map(|gone| (&gone["uri"], &gone["modification_tag"], &gone["backend"]))
        .collect();
    let (tag_b, tag_c) = (
        json!({"guid": "guid-b", "index": 3}),
        json!({"guid": "guid-c", "index": 3}),
    );
    let (b, c, address) = (
        json!("b.example.com"),
        json!("c.example.com"),
        json!("10.0.0.1:3000"),
    );
    assert_eq!(gone, [(&b, &tag_b, &address), (&c, &tag_c, &address)]);
    let seen = plane.metric(refreshed).await;
    plane.until_metric(refreshed, seen + 2).await;
    assert_eq!(plane.metric("pointsman_routing_api_routes").await, 1);
}

/// A route whose own time is shorter than lists are apart stays as long as the lists have it.
#[tokio::test]
async fn a_short_time_to_live_lasts_from_list_to_list() {
    let scene = Scene::start().await;
    let mut short = route("short.example.com", endpoint(1), "g", 0);
    short["ttl"] = 1.into();
    scene.api.put_silently(short);
    // Nothing ages for a while after a source has come back: here, for as short as can be.
    let configuration = scene.configuration("interval: 3s");
    let soon = configuration.replace("start_delay: 0s", "start_delay: 0s, interval: 1s");
    let plane = Reading::start(&soon).await;
    plane.until_routes(&["short.example.com"]).await;
    let lists = "pointsman_routing_api_lists_total";
    let before = plane.metric(lists).await;
    plane.until_metric(lists, before + 2).await;
    plane.until_routes(&["short.example.com"]).await;
    assert!(plane.told("pruned-route").is_empty());
    let added = r#"registry_message_total{component="",action="added"}"#;
    assert_eq!(plane.metric(added).await, 1, "it was there all the time");
}

/// C-473: however many want to know it, the list is asked for by one at a time
#[tokio::test]
async fn lists_do_not_overlap() {
    let scene = Scene::start().await;
    scene
        .api
        .put_silently(route("a.example.com", endpoint(1), "g", 0));
    let plane = scene.following(NEVER).await;
    for round in 0..10 {
        let before = scene.api.subscriptions();
        if round % 3 == 0 {
            scene.api.fail_lists([Fault::Held]);
        }
        scene.api.cut_streams();
        eventually("another stream", BOUND, async || {
            let now = scene.api.subscriptions();
            (now > before && scene.api.open_streams() == 1)
                .then_some(())
                .ok_or(now.to_string())
        })
        .await;
    }
    eventually("the end of what is held", BOUND, async || {
        scene.api.release();
        let waiting = scene.api.listing();
        let taken = plane.metric("pointsman_routing_api_connected").await;
        (waiting == 0 && taken == 1)
            .then_some(())
            .ok_or(waiting.to_string())
    })
    .await;
    assert_eq!(scene.api.most_listing(), 1);
    plane.until_routes(&["a.example.com"]).await;
    assert_eq!(
        plane
            .metric("pointsman_routing_api_list_errors_total")
            .await,
        0
    );
}

/// C-477: an error is told as it was said, with one token, and the table stays
#[tokio::test]
async fn a_list_that_fails_changes_nothing() {
    let scene = Scene::start().await;
    scene
        .api
        .put_silently(route("a.example.com", endpoint(1), "g", 0));
    let plane = scene.following(OFTEN).await;
    for (count, fault) in [
        Fault::Status(500, "Oops!"),
        Fault::Cut,
        Fault::Text("[{\"route\": 1}]"),
        Fault::Text("<html>"),
        Fault::Text("{}"),
    ]
    .into_iter()
    .enumerate()
    {
        scene.api.fail_lists([fault]);
        plane.until_told("failed-to-fetch-routes", count + 1).await;
    }
    let told = plane.told("failed-to-fetch-routes");
    let said: Vec<_> = told.iter().map(|told| told["error"].to_string()).collect();
    assert!(
        said[0].contains("500") && said[0].contains("Oops!"),
        "{said:?}"
    );
    assert!(said[2].contains("cannot be read"), "{said:?}");
    assert_eq!(
        plane
            .metric("pointsman_routing_api_list_errors_total")
            .await,
        5
    );
    plane.until_routes(&["a.example.com"]).await;
    assert!(plane.told("endpoint-unregistered").is_empty());
    assert_eq!(scene.uaa.requests(), 1);
}

/// A route that no request could reach is refused by cause, once, and the others count.
#[tokio::test]
async fn one_bad_route_costs_only_itself() {
    let scene = Scene::start().await;
    let bad = route("b.example.com", ([169, 254, 169, 254], 80).into(), "g", 0);
    scene.api.put_silently(bad);
    scene
        .api
        .put_silently(route("a.example.com", endpoint(1), "g", 0));
    let plane = scene.following(OFTEN).await;
    plane.until_routes(&["a.example.com"]).await;
    plane
        .until_metric("pointsman_routing_api_lists_total", 4)
        .await;
    let refused = r#"pointsman_refused_registrations_total{cause="host_metadata"}"#;
    assert_eq!(plane.metric(refused).await, 1);
    let told = plane.until_told("validation-error", 1).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["subject"], "routing_api");
    assert_eq!(told[0]["publisher"], "169.254.169.254");
}

/// R-112: a route that cannot be read is refused by name, once, and the others count, now and later
#[tokio::test]
async fn one_unreadable_route_costs_only_itself() {
    let scene = Scene::start().await;
    let mut bad = route("b.example.com", endpoint(2), "g", 0);
    bad["port"] = 70000.into();
    scene.api.put_silently(bad);
    scene
        .api
        .put_silently(route("a.example.com", endpoint(1), "g", 0));
    let plane = scene.following(OFTEN).await;
    plane.until_routes(&["a.example.com"]).await;
    let later = route("c.example.com", endpoint(3), "g", 0);
    scene.api.put_silently(later);
    plane
        .until_routes(&["a.example.com", "c.example.com"])
        .await;
    let failed = "pointsman_routing_api_list_errors_total";
    assert_eq!(plane.metric(failed).await, 0);
    let refused = r#"pointsman_refused_registrations_total{cause="wrong_type"}"#;
    assert_eq!(plane.metric(refused).await, 1);
    let told = plane.until_told("validation-error", 1).await;
    assert_eq!(told.len(), 1, "{told:?}");
    for (key, words) in [("error", "70000"), ("payload", "b.example.com")] {
        let said = told[0][key].as_str().unwrap_or_default();
        assert!(said.contains(words), "{told:?}");
    }
}
