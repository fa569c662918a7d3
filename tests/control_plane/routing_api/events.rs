//! The stream: what its events do, and what happens when it breaks off.

use pointsman_tests::eventually;
use pointsman_tests::routing_api::{Fault, route};
use serde_json::json;

use super::scene::{NEVER, Reading, Scene, endpoint};
use crate::plane::BOUND;

const BROKEN: &str = "failed-getting-next-event: ";

/// Waits until there have been so many streams, of which one is open.
async fn until_streams(scene: &Scene, count: usize) {
    eventually(&format!("{count} streams"), BOUND, async || {
        let now = (scene.api.subscriptions(), scene.api.open_streams());
        (now.0 >= count && now.1 == 1)
            .then_some(())
            .ok_or(format!("{now:?}"))
    })
    .await;
}

/// C-489: an Upsert registers the mapped endpoint
/// C-483: a Delete unregisters
/// C-490: the mapped endpoint
#[tokio::test]
async fn events_count_at_once() {
    let scene = Scene::start().await;
    let plane = scene.following_for_long().await;
    let mut changing = route("a.example.com", endpoint(1), "g", 0);
    changing["ttl"] = 8000.into();
    scene.api.put(changing.clone());
    plane.until_routes(&["a.example.com"]).await;
    let told = plane.until_told("endpoint-registered", 1).await;
    assert_eq!(told[0]["backend"], "10.0.0.1:3000");
    assert_eq!(told[0]["application_id"], "log-g");
    assert_eq!(plane.routes().await["a.example.com"][0]["ttl"], 8000);
    changing["modification_tag"]["index"] = 1.into();
    changing["route_service_url"] = "https://rs.example.com".into();
    scene.api.put(changing.clone());
    let told = plane.until_told("endpoint-registered", 2).await;
    assert_eq!(told[1]["route_service_url"], "https://rs.example.com");
    changing["modification_tag"]["index"] = 2.into();
    scene.api.delete(&changing);
    plane.until_routes(&[]).await;
    let told = plane.until_told("endpoint-unregistered", 1).await;
    assert_eq!(
        told[0]["modification_tag"],
        json!({"guid": "g", "index": 2})
    );
    assert_eq!(scene.api.lists(), 2, "no list was needed");
    assert_eq!(plane.metric("pointsman_routing_api_events_total").await, 3);
}

/// C-491: an event of another name is ignored, whatever it holds
#[tokio::test]
async fn other_events_and_comments_say_nothing() {
    let scene = Scene::start().await;
    let plane = scene.following(NEVER).await;
    scene.api.emit("Invalid", "{");
    scene.api.send(": keep-alive\n\n:\r\n\r\n");
    scene.api.emit("", "{}");
    // An event in pieces, with other line ends.
    let data = route("a.example.com", endpoint(1), "g", 0).to_string();
    let text = format!("event: Upsert\r\ndata: {data}\r\n\r\n");
    let (first, rest) = text.split_at(text.len() / 2);
    scene.api.send(first);
    plane
        .until_metric("pointsman_routing_api_ignored_events_total", 2)
        .await;
    scene.api.send(rest);
    plane.until_routes(&["a.example.com"]).await;
    assert_eq!(scene.api.subscriptions(), 1);
    assert!(plane.told(BROKEN).is_empty());
}

/// C-485: a stream that cannot be read on is closed
/// C-486: that is told and counted, and another one asked for with a token; and the list, so that nothing is missed
#[tokio::test]
async fn a_broken_stream_is_replaced_and_nothing_is_missed() {
    let scene = Scene::start().await;
    // So that it is seen that a token is looked for anew.
    scene.uaa.expires_in(Some(1));
    let lost = route("lost.example.com", endpoint(1), "l", 0);
    scene.api.put_silently(lost.clone());
    let plane = scene.following(NEVER).await;
    let found = route("found.example.com", endpoint(2), "f", 0);
    scene.api.put_silently(found);
    scene.api.delete_silently(&lost);
    scene.api.cut_streams();
    plane.until_routes(&["found.example.com"]).await;
    let too_large = format!("data: {}\n", "x".repeat(70_000));
    for (streams, bad) in [
        (2, "event: Upsert\ndata: {\n\n"),
        (3, "event: Delete\ndata: 3\n\n"),
        (4, too_large.as_str()),
    ] {
        until_streams(&scene, streams).await;
        scene.api.send(bad);
        plane.until_told(BROKEN, streams).await;
    }
    until_streams(&scene, 5).await;
    plane.until_metric("subscribe_events_errors_total", 4).await;
    plane
        .until_metric("pointsman_routing_api_lists_total", 6)
        .await;
    assert_eq!(scene.uaa.requests(), 11, "six lists and five streams");
    let told = plane.told(BROKEN);
    assert!(told[3]["error"].to_string().contains("65536"), "{told:?}");
    plane.until_routes(&["found.example.com"]).await;
}

/// C-487: a stream that is not given is told, counted and asked for again, with a token
/// C-488: where the token is refused, with another one
#[tokio::test]
async fn a_stream_that_is_not_given_is_asked_for_again() {
    let scene = Scene::start().await;
    scene.api.fail_streams([
        Fault::Status(500, "Oops!"),
        Fault::Text("not a stream"),
        Fault::Status(401, ""),
        Fault::Status(401, ""),
    ]);
    let plane = scene.following(NEVER).await;
    let message = "failed-subscribing-to-routing-api-event-stream";
    let told = plane.until_told(message, 4).await;
    let said: Vec<_> = told.iter().map(|told| told["error"].to_string()).collect();
    assert!(said[0].contains("Oops!"), "{said:?}");
    assert!(said[1].contains("no text/event-stream"), "{said:?}");
    assert_eq!(said[2..], ["\"unauthorized\""; 2]);
    assert_eq!(plane.metric("subscribe_events_errors_total").await, 4);
    assert_eq!(scene.api.subscriptions(), 5);
    assert_eq!(scene.uaa.requests(), 3, "one for each refusal");
    let tokens = scene.api.authorizations();
    // The list at the start, five streams, the list after the last of them.
    assert_eq!(
        tokens,
        [1, 1, 1, 1, 2, 3, 3].map(|number| format!("bearer token-{number}"))
    );
}

/// Asks for a list that is held, and answers once it is.
async fn held(scene: &Scene, plane: &Reading) {
    let streams = scene.api.subscriptions();
    scene.api.fail_lists([Fault::Held]);
    scene.api.cut_streams();
    until_streams(scene, streams + 1).await;
    plane
        .until_metric("pointsman_routing_api_subscribed", 1)
        .await;
    eventually("a list that is held", BOUND, async || {
        let listing = scene.api.listing();
        (listing == 1).then_some(()).ok_or(listing.to_string())
    })
    .await;
}

/// C-506: an older index changes nothing, another identity does
#[tokio::test]
async fn what_is_older_changes_nothing() {
    let scene = Scene::start().await;
    scene
        .api
        .put_silently(route("a.example.com", endpoint(1), "abc", 5));
    let plane = scene.following(NEVER).await;
    let tag = async |guid: &str, index: u32, count: usize| {
        let told = plane.until_told("endpoint-registered", count).await;
        assert_eq!(
            told[count - 1]["modification_tag"],
            json!({"guid": guid, "index": index})
        );
    };
    tag("abc", 5, 1).await;
    let with = |guid: &str, index| route("a.example.com", endpoint(1), guid, index).to_string();
    scene.api.emit("Upsert", &with("abc", 4));
    scene.api.emit("Delete", &with("abc", 3));
    plane.until_told("endpoint-not-registered", 1).await;
    plane.until_told("endpoint-not-unregistered", 1).await;
    scene.api.emit("Upsert", &with("abc", 6));
    tag("abc", 6, 2).await;
    scene.api.emit("Upsert", &with("def", 0));
    tag("def", 0, 3).await;
    scene.api.emit("Delete", &with("def", 0));
    plane.until_routes(&[]).await;
}

/// What an event has said since the list was asked for, the list does not undo.
#[tokio::test]
async fn a_list_that_comes_late_undoes_nothing() {
    let scene = Scene::start().await;
    let gone = route("gone.example.com", endpoint(1), "g", 0);
    scene.api.put_silently(gone.clone());
    let plane = scene.following(NEVER).await;
    held(&scene, &plane).await;
    scene.api.delete(&gone);
    scene.api.put(route("new.example.com", endpoint(2), "n", 0));
    plane.until_routes(&["new.example.com"]).await;
    let lists = plane.metric("pointsman_routing_api_lists_total").await;
    scene.api.release();
    plane
        .until_metric("pointsman_routing_api_lists_total", lists + 1)
        .await;
    plane.until_routes(&["new.example.com"]).await;
    let registered = plane.until_told("endpoint-registered", 2).await;
    let unregistered = plane.until_told("endpoint-unregistered", 1).await;
    assert_eq!((registered.len(), unregistered.len()), (2, 1));
}

/// The end of a route that was made anew meanwhile does not end the new one, and the list is asked for.
#[tokio::test]
async fn the_end_of_an_earlier_route_does_not_end_the_later_one() {
    let scene = Scene::start().await;
    scene
        .api
        .put_silently(route("a.example.com", endpoint(1), "new", 0));
    let plane = scene.following(NEVER).await;
    let earlier = route("a.example.com", endpoint(1), "old", 9).to_string();
    scene.api.emit("Delete", &earlier);
    plane
        .until_metric("pointsman_routing_api_lists_total", 3)
        .await;
    plane.until_routes(&["a.example.com"]).await;
    assert!(plane.told("endpoint-unregistered").is_empty());
}
