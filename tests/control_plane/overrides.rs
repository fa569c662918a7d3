//! What operators put over the rules for a while: pruning frozen, endpoints taken out.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, LOCATION};
use hyper::{Method, Request, StatusCode};
use pointsman_tests::client::Response;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Client, eventually};
use serde_json::{Value, json};

use crate::contract::Contract;
use crate::follower::{Follower, hello};
use crate::plane::{BOUND, Plane, until_logged};

async fn send(plane: &Plane, method: Method, path: &str, order: Option<&Value>) -> Response {
    let mut client = Client::connect(plane.process.address("admin")).await;
    let mut request = Request::builder().method(method).uri(path);
    request = request.header(HOST, "localhost");
    if order.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = order.map(ToString::to_string).unwrap_or_default();
    let request = request.body(Full::new(Bytes::from(body)));
    let answer = client.send(request.expect("a request")).await;
    answer.expect("an answer")
}

fn body(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()))
}

/// Puts an override, and says what stands then, or what was wrong.
async fn place(plane: &Plane, order: &Value) -> (StatusCode, Value) {
    let answer = send(plane, Method::POST, "/v1/overrides", Some(order)).await;
    Contract::of(plane)
        .await
        .check(("post", "/v1/overrides"), &answer);
    let mut body = body(&answer);
    let placed = body["override"].take();
    let told = if placed.is_null() { body } else { placed };
    (answer.status, told)
}

async fn standing(plane: &Plane) -> Vec<Value> {
    let answer = send(plane, Method::GET, "/v1/overrides", None).await;
    Contract::of(plane)
        .await
        .check(("get", "/v1/overrides"), &answer);
    let list = &body(&answer)["overrides"];
    list.as_array().expect("a list").clone()
}

async fn end(plane: &Plane, placed: &Value) -> StatusCode {
    let id = placed["id"].as_str().expect("an id");
    let path = format!("/v1/overrides/{id}");
    let answer = send(plane, Method::DELETE, &path, None).await;
    let contract = Contract::of(plane).await;
    contract.check(("delete", "/v1/overrides/{id}"), &answer);
    answer.status
}

/// Registrations that count for 2 s, of which three routes may go at once.
async fn forgetful() -> Plane {
    Plane::start_changed(|configuration| {
        configuration.replace(
            "  start_delay: 0s\n",
            "  start_delay: 0s
  interval: 1s
  stale_threshold: 2s
  guard: {percent: 10, at_least: 3, window: 1h}
",
        )
    })
    .await
}

async fn register_ten(plane: &Plane) {
    for number in 0..10 {
        let uri = format!("app-{number}.example.com");
        let message = Emitted::plain(&uri, ([127, 0, 0, 1], 80).into(), number);
        plane.publisher.register(&message).await;
    }
    eventually("ten routes", BOUND, async || {
        let routes = plane.routes().await;
        (routes.len() == 10)
            .then_some(())
            .ok_or_else(|| format!("{routes:?}"))
    })
    .await;
}

/// How long ago each endpoint was heard, and whether it is held.
async fn heard(plane: &Plane) -> Vec<(f64, bool)> {
    let shown = body(&plane.get("/v1/routes").await);
    let routes = shown["routes"].as_array().expect("routes").iter();
    let endpoints = routes.flat_map(|route| route["endpoints"].as_array().expect("endpoints"));
    endpoints
        .map(|it| {
            let ago = it["last_heard_seconds"].as_f64().expect("seconds");
            (ago, it["held"] == true)
        })
        .collect()
}

/// pruning is frozen by one command, for a time, and the guard's rules are those of ever when that is over
#[tokio::test]
async fn pruning_is_frozen_for_a_while() {
    let plane = forgetful().await;
    let order = json!({"kind": "freeze-pruning", "reason": "cells are moved", "for": "30m"});
    let (status, placed) = place(&plane, &order).await;
    assert_eq!(status, StatusCode::CREATED, "{placed}");
    plane
        .until_metric("pointsman_overrides{kind=\"freeze-pruning\"}", 1.0)
        .await;
    register_ten(&plane).await;
    eventually("two thresholds of silence", BOUND, async || {
        let heard = heard(&plane).await;
        if heard.iter().all(|(ago, _)| *ago > 4.5) {
            Ok(())
        } else {
            Err(format!("{heard:?}"))
        }
    })
    .await;
    let kept = heard(&plane).await;
    assert_eq!(kept.len(), 10, "nothing went");
    assert!(kept.iter().all(|(_, held)| !held), "nor is held: {kept:?}");

    // Another one that ends by itself, and the first is ended by hand: what came due meanwhile meets the guard.
    let short = json!({"kind": "freeze-pruning", "reason": "to be sure", "for": "1s"});
    assert_eq!(place(&plane, &short).await.0, StatusCode::CREATED);
    plane.until_logged("override-ended").await;
    assert_eq!(
        plane.routes().await.len(),
        10,
        "the longer one still stands"
    );
    assert_eq!(standing(&plane).await.len(), 1);
    assert_eq!(end(&plane, &placed).await, StatusCode::OK);
    eventually("three to go, and seven to be held", BOUND, async || {
        let heard = heard(&plane).await;
        if heard.len() == 7 && heard.iter().all(|(_, held)| *held) {
            Ok(())
        } else {
            Err(format!("{heard:?}"))
        }
    })
    .await;
    assert_eq!(standing(&plane).await, Vec::<Value>::new());
}

/// an endpoint is taken out by one command, whatever is registered, and comes back when that is ended
#[tokio::test]
async fn an_endpoint_is_taken_out_and_comes_back() {
    let plane = Plane::start().await;
    let uri = "app.example.com";
    let bad = Emitted::plain(uri, ([127, 0, 0, 1], 81).into(), 0);
    let good = Emitted::plain(uri, ([127, 0, 0, 1], 82).into(), 1);
    plane.publisher.register(&bad).await;
    plane.publisher.register(&good).await;
    let address = plane.process.address("distribution");
    let mut follower = Follower::connect(address, hello("dp")).await;
    let mut known = follower.step().await.endpoints;
    while known.len() < 2 {
        known.extend(follower.step().await.endpoints);
    }

    let target = json!({"address": "127.0.0.1:81", "route": uri});
    let order = json!({"kind": "eject", "target": target, "reason": "it hangs", "for": "10m"});
    let (status, placed) = place(&plane, &order).await;
    assert_eq!(status, StatusCode::CREATED, "{placed}");
    assert_eq!(placed["endpoints"], 1);
    let gone = follower.step().await;
    assert_eq!(gone.removals.len(), 1, "{gone:?}");
    assert_eq!(gone.removals[0].address, "127.0.0.1:81");

    // It is announced again, as it was and as something else, and so is a third one, which is the next to come.
    plane.publisher.register(&bad).await;
    let changed = Emitted {
        endpoint_updated_at_ns: Some(1_800_000_000_000_000_000),
        ..bad.clone()
    };
    plane.publisher.register(&changed).await;
    plane.publisher.unregister(&changed).await;
    plane.publisher.register(&changed).await;
    let third = Emitted::plain(uri, ([127, 0, 0, 1], 83).into(), 2);
    plane.publisher.register(&third).await;
    let mut given = Vec::new();
    while !given.contains(&"127.0.0.1:83".to_owned()) {
        let step = follower.step().await;
        given.extend(step.endpoints.into_iter().map(|it| it.address));
    }
    assert_eq!(given, ["127.0.0.1:83"]);
    plane
        .until_metric("pointsman_registry_ejected_endpoints", 1.0)
        .await;

    // What stands says who, why, and until when.
    let list = standing(&plane).await;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["reason"], "it hangs");
    assert_eq!(list[0]["target"]["route"], uri);
    for key in ["who", "since", "until"] {
        assert!(list[0][key].is_string(), "{}", list[0]);
    }
    let left = list[0]["seconds_left"].as_u64().expect("seconds");
    assert!((500..=600).contains(&left), "{left}");

    assert_eq!(end(&plane, &placed).await, StatusCode::OK);
    let back = follower.step().await;
    let addresses: Vec<_> = back.endpoints.iter().map(|it| &*it.address).collect();
    assert_eq!(addresses, ["127.0.0.1:81"]);
    assert_eq!(end(&plane, &placed).await, StatusCode::NOT_FOUND);
    plane.until_logged("operator-override").await;
    // The one that did not exist is written down too.
    until_logged(&plane.process, "operator-ends-override", 2).await;
    let ended = plane.logged("operator-ends-override");
    assert_eq!(ended[0]["data"]["before"]["overrides"], 1, "{ended:?}");
    assert_eq!(ended[0]["data"]["after"]["overrides"], 0, "{ended:?}");
    assert!(ended[1]["data"]["refused"].is_string(), "{ended:?}");
}

/// What would take the only endpoint of a route out.
fn ejecting_the_last() -> Value {
    json!({"kind": "eject", "target": {"address": "127.0.0.1:81"}, "reason": "a test"})
}

/// Orders that would do harm or make no sense, what they are answered with, and a part of what is told.
fn refused() -> Vec<(Value, u16, &'static str)> {
    let eject = |target: Value| json!({"kind": "eject", "target": target, "reason": "a test"});
    let freeze = |key: &str, value: Value| {
        let mut order = json!({"kind": "freeze-pruning", "reason": "a test"});
        order[key] = value;
        order
    };
    vec![
        (
            ejecting_the_last(),
            409,
            "left without an endpoint: app.example.com;",
        ),
        (
            eject(json!({"address": "127.0.0.1:99"})),
            409,
            "no registered endpoint",
        ),
        (
            eject(json!({"address": "127.0.0.1:81", "app": "none"})),
            409,
            "no registered",
        ),
        (
            eject(json!({"address": ""})),
            400,
            "target.address is empty",
        ),
        (
            eject(json!({"address": "a", "route": "/"})),
            400,
            "target.route is `/`",
        ),
        (eject(Value::Null), 400, "eject has no target"),
        (
            freeze("target", json!({"address": "a"})),
            400,
            "freeze-pruning has no target",
        ),
        (freeze("reason", json!(" ")), 400, "reason has 0 bytes"),
        (freeze("for", json!("25h")), 400, "expected 1s to 24h"),
        (freeze("for", json!("0s")), 400, "expected 1s to 24h"),
        (freeze("for", json!("soon")), 422, "is no duration"),
        (
            freeze("kind", json!("reboot")),
            422,
            "unknown variant `reboot`",
        ),
        (
            freeze("until", json!("tomorrow")),
            422,
            "unknown field `until`",
        ),
    ]
}

/// what would leave a route without an endpoint asks for force, and what makes no sense is refused
#[tokio::test]
async fn overrides_that_would_do_harm_or_nothing_are_refused() {
    let plane = Plane::start().await;
    let uri = "app.example.com";
    let only = Emitted::plain(uri, ([127, 0, 0, 1], 81).into(), 0);
    plane.until_registered(&only).await;
    for (order, status, detail) in refused() {
        let (refused, problem) = place(&plane, &order).await;
        assert_eq!(refused.as_u16(), status, "{order}: {problem}");
        let told = problem["detail"].as_str().expect("a detail");
        assert!(told.contains(detail), "{order}: {told}");
    }
    let form = Request::post("/v1/overrides").header(HOST, "localhost");
    let form = form.body(Full::new(Bytes::from("{}"))).expect("a request");
    let mut client = Client::connect(plane.process.address("admin")).await;
    let refused = client.send(form).await.expect("an answer").status;
    assert_eq!(refused, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(plane.get("/v1/overrides/x").await.status, 405);
    assert_eq!(standing(&plane).await, Vec::<Value>::new());

    let mut forced = ejecting_the_last();
    forced["force"] = json!(true);
    let answer = send(&plane, Method::POST, "/v1/overrides", Some(&forced)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let answered = body(&answer);
    let placed = &answered["override"];
    let location = answer.header(LOCATION.as_str()).expect("a place");
    assert_eq!(
        location,
        format!("/v1/overrides/{}", placed["id"].as_str().expect("an id"))
    );
    assert_eq!(
        placed["seconds_left"].as_u64().map(|left| left / 60),
        Some(59)
    );
    let scope = answered["scope"].as_str().expect("a scope");
    assert!(scope.contains("until it restarts"), "{scope}");
    let shown = body(&plane.get(&format!("/v1/routes?uri={uri}")).await);
    assert_eq!(
        shown["routes"][0]["endpoints"][0]["ejected"], true,
        "{shown}"
    );
}
