//! What data planes report, as it is told on: `/varz`, and `router.active_apps`.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::{ActiveApp, Counts, Report};
use pointsman_tests::eventually;
use pointsman_tests::publisher::Emitted;
use serde_json::{Value, json};

use crate::follower::{Follower, hello};
use crate::plane::{BOUND, Plane, next};

async fn varz(plane: &Plane) -> Value {
    serde_json::from_str(plane.get("/varz").await.text()).expect("JSON")
}

async fn follower(plane: &Plane, id: &str) -> Follower {
    Follower::connect(plane.process.address("distribution"), hello(id)).await
}

/// C-412: two URIs are two routes, where there was none before
/// C-413: bad requests and bad gateways of all data planes are counted
/// C-414: so are requests
/// C-416: so are responses, by class
#[tokio::test]
async fn varz_is_the_sum_of_what_is_reported() {
    let plane = Plane::start().await;
    let before = varz(&plane).await;
    assert_eq!(
        (&before["urls"], &before["requests"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(before["credentials"], Value::Null, "no secret is told");
    let (one, other) = (
        follower(&plane, "one").await,
        follower(&plane, "other").await,
    );
    let counts = |number| Counts {
        attempts: number,
        rejected_requests: 1,
        bad_gateways: 2,
        responses_2xx: 3,
        responses_4xx: 4,
        responses_xxx: 5,
        ..Counts::default()
    };
    for (follower, number) in [(&one, 10), (&other, 100), (&one, 20)] {
        let report = Report {
            counts: Some(counts(number)),
            ..Report::default()
        };
        follower.say(Said::Report(report)).await;
    }
    let address = "127.0.0.1:4000".parse().expect("an address");
    for uri in ["one.example.com", "other.example.com"] {
        plane
            .until_registered(&Emitted::plain(uri, address, 0))
            .await;
    }
    let expected = json!({
        "requests": 120, "bad_requests": 2, "bad_gateways": 4, "responses_2xx": 6, "responses_3xx": 0,
        "responses_4xx": 8, "responses_xxx": 10, "urls": 2, "droplets": 1,
    });
    eventually("the sums", BOUND, async || {
        let shown = varz(&plane).await;
        let mut wanted = expected.as_object().expect("an object").iter();
        if wanted.all(|(key, value)| shown[key] == *value) {
            Ok(())
        } else {
            Err(shown.to_string())
        }
    })
    .await;
    drop(other);
    eventually("only what is left", BOUND, async || {
        let shown = varz(&plane).await;
        if shown["requests"] == 20 {
            Ok(())
        } else {
            Err(shown.to_string())
        }
    })
    .await;
}

/// C-435: the apps that data planes report are published, compressed
/// C-429: the newest first; and none is an empty array
#[tokio::test]
async fn active_apps_are_those_of_all_data_planes() {
    let plane = Plane::start_with("publish_active_apps_interval: 1s").await;
    let mut heard = plane
        .publisher
        .client()
        .subscribe("router.active_apps")
        .await
        .expect("a subscription");
    let app = |app_id: &str, seconds_ago| ActiveApp {
        app_id: app_id.to_owned(),
        seconds_ago,
    };
    let follower = follower(&plane, "one").await;
    let report = Report {
        active_apps: vec![app("a", 4), app("b", 1), app("c", 2), app("b", 9)],
        ..Report::default()
    };
    follower.say(Said::Report(report)).await;
    let mut listed = async || {
        let mut text = String::new();
        let message = next(&mut heard).await;
        let read = ZlibDecoder::new(&message[..]).read_to_string(&mut text);
        read.expect("it is compressed");
        serde_json::from_str::<Vec<String>>(&text).expect("an array of texts")
    };
    let mut apps = listed().await;
    while apps.is_empty() {
        apps = listed().await;
    }
    assert_eq!(apps, ["b", "c", "a"]);
    assert!(listed().await.is_empty());
}

/// C-434: without an interval nothing is published
#[tokio::test]
async fn nothing_is_published_unasked() {
    let plane = Plane::start().await;
    let client = plane.publisher.client();
    let subscribed = client.subscribe("router.active_apps").await;
    let mut heard = subscribed.expect("a subscription");
    let follower = follower(&plane, "one").await;
    let report = Report {
        active_apps: vec![ActiveApp {
            app_id: "a".to_owned(),
            seconds_ago: 0,
        }],
        counts: Some(Counts {
            attempts: 1,
            ..Counts::default()
        }),
        ..Report::default()
    };
    follower.say(Said::Report(report)).await;
    eventually(
        "the report",
        BOUND,
        async || match varz(&plane).await["requests"].as_u64() {
            Some(1) => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
    let marker = client.publish("router.active_apps", "ours".into()).await;
    marker.expect("a message");
    assert_eq!(next(&mut heard).await, "ours");
}
