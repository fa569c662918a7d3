//! Which route and endpoints a URL gets.

use pointsman_proto::v1;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::follow_response::Message;
use pointsman_tests::eventually;
use pointsman_tests::publisher::Emitted;
use serde_json::{Value, json};

use crate::contract::Contract;
use crate::follower::{Follower, hello};
use crate::plane::{BOUND, Plane};

async fn explained(plane: &Plane, contract: &Contract, query: &str) -> Value {
    let answer = plane.get(&format!("/v1/explain?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    contract.check(("get", "/v1/explain"), &answer)
}

/// Candidates with what becomes of them.
fn outcomes(explained: &Value) -> Vec<String> {
    let candidates = explained["candidates"].as_array().expect("candidates");
    let word = |it: &Value, name: &str| it[name].as_str().expect("a word").to_owned();
    let each = candidates.iter();
    each.map(|it| format!("{} {}", word(it, "route"), word(it, "outcome")))
        .collect()
}

async fn registered(plane: &Plane, routes: &[(&str, u16)]) {
    for (number, (uri, port)) in (0..).zip(routes) {
        let address = ([127, 0, 0, 1], *port).into();
        let message = Emitted::plain(uri, address, number);
        plane.until_registered(&message).await;
    }
}

/// A control plane that keeps emptied routes, with routes of names and wildcards, one of them emptied.
async fn furnished() -> Plane {
    let plane = Plane::start_changed(|configuration| {
        let kept = "  start_delay: 0s\n  empty_pool: {status: 503, timeout: 1h}\n";
        configuration.replace("  start_delay: 0s\n", kept)
    })
    .await;
    let routes = [
        ("app.example.com/a", 80),
        ("app.example.com/a/empty", 80),
        ("app.example.com/a/empty/below", 80),
        ("*.example.com", 81),
        ("*.example.org/deep", 82),
    ];
    registered(&plane, &routes).await;
    let empty = Emitted::plain("app.example.com/a/empty", ([127, 0, 0, 1], 80).into(), 1);
    plane.publisher.unregister(&empty).await;
    plane.until_logged("endpoint-unregistered").await;
    plane
}

/// K-140: which route a URL gets and why the others do not, with the endpoints and what is known of each
#[tokio::test]
async fn a_url_is_explained_step_by_step() {
    let plane = furnished().await;
    let contract = Contract::of(&plane).await;
    let url = "url=https%3A%2F%2FApp.Example.com%3A443%2Fa%2FEmpty%2Fx%3Fy%3D1";
    let found = explained(&plane, &contract, url).await;
    let normal = (&found["host"], &found["path"]);
    assert_eq!(normal, (&json!("app.example.com"), &json!("/a/empty/x")));
    let expected = [
        "app.example.com/a/empty/x not-registered",
        "app.example.com/a/empty empty",
        "app.example.com/a answers",
        "app.example.com not-registered",
        "*.example.com later",
    ];
    assert_eq!(outcomes(&found), expected);
    assert_eq!(found["route"]["route"], "app.example.com/a");
    assert_eq!(found["status"], json!(null));
    let endpoint = &found["endpoints"][0];
    assert_eq!(endpoint["address"], "127.0.0.1:80");
    assert_eq!(endpoint["chosen"], "first");
    let left = endpoint["stale_in_seconds"].as_f64().expect("a time");
    assert!((60.0..=120.0).contains(&left), "{left}");
    let steps = found["steps"].as_array().expect("steps");
    let chosen = "endpoints are chosen by round-robin";
    assert!(steps.iter().any(|it| it == chosen), "{steps:?}");
}

/// K-140: a URL that no route, a wildcard or an empty route answers is explained as well
#[tokio::test]
async fn wildcards_and_empty_routes_are_explained() {
    let plane = furnished().await;
    let contract = Contract::of(&plane).await;
    for (url, route, status) in [
        (
            "other.example.com/deep",
            json!("*.example.com"),
            json!(null),
        ),
        (
            "other.example.org/deep/x",
            json!("*.example.org/deep"),
            json!(null),
        ),
        ("nobody.org", json!(null), json!(404)),
    ] {
        let query = format!("url={url}&replicas=false");
        let found = explained(&plane, &contract, &query).await;
        let told = (&found["route"]["route"], &found["status"]);
        assert_eq!(told, (&route, &status), "{url}");
    }
    let last = Emitted::plain("*.example.org/deep", ([127, 0, 0, 1], 82).into(), 4);
    plane.publisher.unregister(&last).await;
    eventually("an empty route", BOUND, async || {
        let found = explained(&plane, &contract, "url=other.example.org/deep/x").await;
        if found["status"] == 503 {
            Ok(())
        } else {
            Err(found.to_string())
        }
    })
    .await;
    for query in [
        "",
        "url=",
        "url=a&method=a+b",
        "url=a&header=x",
        "url=a&zone=z",
    ] {
        let answer = plane.get(&format!("/v1/explain?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        contract.check(("get", "/v1/explain"), &answer);
    }
}

/// What a data plane holds that has everything that it was given.
async fn given(follower: &mut Follower) -> v1::Holding {
    let step = follower.step_to(2).await;
    let routes = step.routes.into_iter().map(v1::thing::Kind::Route);
    let endpoints = step.endpoints.into_iter().map(v1::thing::Kind::Endpoint);
    let things = routes.chain(endpoints);
    v1::Holding {
        things: things.map(|kind| v1::Thing { kind: Some(kind) }).collect(),
        sum: Some(v1::HeldSum {
            things: step.closing.things,
            digest: step.closing.digest,
        }),
        ..v1::Holding::default()
    }
}

fn route(holding: &mut v1::Holding) -> &mut v1::Route {
    match holding.things[0].kind.as_mut() {
        Some(v1::thing::Kind::Route(route)) => route,
        other => panic!("{other:?}"),
    }
}

fn endpoint(holding: &mut v1::Holding) -> &mut v1::Endpoint {
    match holding.things[1].kind.as_mut() {
        Some(v1::thing::Kind::Endpoint(endpoint)) => endpoint,
        other => panic!("{other:?}"),
    }
}

/// Answers every question with this.
async fn answering(mut follower: Follower, holding: v1::Holding) {
    while let Ok(message) = follower.next().await {
        let Message::Question(question) = message else {
            continue;
        };
        let answer = v1::Answer {
            id: question.id,
            kind: Some(v1::answer::Kind::Holding(holding.clone())),
        };
        follower.say(Said::Answer(answer)).await;
    }
}

/// The id of each data plane, and what it would answer.
fn answers(found: &Value) -> Vec<(&str, &str)> {
    let replicas = found["replicas"].as_array().expect("replicas").iter();
    replicas
        .map(|it| {
            (
                it["id"].as_str().expect("an id"),
                it["answer"].as_str().expect("a word"),
            )
        })
        .collect()
}

/// What a data plane holds otherwise than it was given it.
type Change = fn(&mut v1::Holding);

/// K-140: data planes that would answer otherwise are shown, with what is different
#[tokio::test]
async fn data_planes_that_differ_are_shown() {
    let plane = Plane::start().await;
    let contract = Contract::of(&plane).await;
    registered(&plane, &[("app.example.com", 80)]).await;
    let address = plane.process.address("distribution");
    let mut running = Vec::new();
    let changes: [(&str, Change); 5] = [
        ("other", |held| {
            endpoint(held).address = "127.0.0.1:99".to_owned();
        }),
        ("same", |_| {}),
        ("served", |held| {
            let pool = v1::Pool {
                route_service_url: "https://stale.example.com".to_owned(),
                ..v1::Pool::default()
            };
            let group = v1::Group {
                pool: Some(pool),
                ..v1::Group::default()
            };
            let route = route(held);
            (route.generation, route.groups) = (1, vec![group]);
        }),
        ("stale", |held| endpoint(held).generation = 1),
        ("without", |held| held.things.clear()),
    ];
    for (id, change) in changes {
        let mut follower = Box::pin(Follower::connect(address, hello(id))).await;
        let mut held = given(&mut follower).await;
        change(&mut held);
        running.push(tokio::spawn(answering(follower, held)));
    }
    let found = explained(&plane, &contract, "url=app.example.com").await;
    let expected = [
        ("other", "different"),
        ("same", "same"),
        ("served", "different"),
        ("stale", "different"),
        ("without", "different"),
    ];
    assert_eq!(answers(&found), expected, "{found:#}");
    let told = found["replicas"].as_array().expect("replicas").iter();
    let told: Vec<_> = told.map(|it| &it["differences"]).collect();
    let expected = [
        &json!([
            "does not have the endpoints 127.0.0.1:80",
            "still has the endpoints 127.0.0.1:99"
        ]),
        &json!([]),
        &json!(["has the route with another route service"]),
        &json!(["has with another attribute the endpoints 127.0.0.1:80"]),
        &json!(["no route answers, not `app.example.com`"]),
    ];
    assert_eq!(told, expected);
    let quiet = explained(&plane, &contract, "url=app.example.com&replicas=false").await;
    assert_eq!(quiet["replicas"], json!([]));
    for one in running {
        one.abort();
    }
}

/// K-140: of a large fleet each data plane is asked, and one that leaves before it answers is told from the others
#[tokio::test]
async fn every_data_plane_of_a_large_fleet_is_asked() {
    const MANY: usize = 70;
    let plane = Plane::start().await;
    let contract = Contract::of(&plane).await;
    registered(&plane, &[("app.example.com", 80)]).await;
    let address = plane.process.address("distribution");
    let mut running = Vec::new();
    for number in 0..MANY {
        let hello = hello(&format!("dp-{number:02}"));
        let mut follower = Box::pin(Follower::connect(address, hello)).await;
        let held = given(&mut follower).await;
        running.push(tokio::spawn(answering(follower, held)));
    }
    let mut leaving = Box::pin(Follower::connect(address, hello("leaving"))).await;
    running.push(tokio::spawn(async move {
        while !matches!(leaving.next().await, Ok(Message::Question(_)) | Err(_)) {}
    }));
    let found = explained(&plane, &contract, "url=app.example.com").await;
    let (last, others) = found["replicas"]
        .as_array()
        .expect("replicas")
        .split_last()
        .expect("some");
    assert_eq!(others.len(), MANY);
    assert!(others.iter().all(|it| it["answer"] == "same"), "{others:?}");
    let left = (
        json!("unanswered"),
        json!(["the data plane has left before it answered"]),
    );
    assert_eq!((&last["answer"], &last["differences"]), (&left.0, &left.1));
    for one in running {
        one.abort();
    }
}
