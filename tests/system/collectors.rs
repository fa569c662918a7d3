//! What requests at data planes become for those who collect figures: `router.active_apps`, and `/varz` of both planes.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use hyper::StatusCode;
use pointsman_tests::fleet::{BOUND, More};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Broker, Client, Endpoint, Fleet, Process, eventually};
use serde_json::Value;
use tokio_stream::StreamExt as _;

async fn varz(process: &Process) -> (StatusCode, Value) {
    let mut client = Client::connect(process.address("admin")).await;
    let answer = client.get("127.0.0.1", "/varz").await.expect("an answer");
    let document = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, document)
}

/// C-435: the apps that had requests at any data plane are published
#[tokio::test(flavor = "multi_thread")]
async fn collectors_learn_what_data_planes_served() {
    let more = More {
        nats: "publish_active_apps_interval: 1s",
        data_plane: "metrics: {active_apps: true, varz: true}\n",
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 2, more).await;
    let client = fleet.publisher.client();
    let heard = client.subscribe("router.active_apps").await;
    let mut heard = heard.expect("a subscription");
    let endpoint = Endpoint::named("here").await;
    let mut message = Emitted::plain("app.example.com", endpoint.address(), 0);
    message.tags.insert("component".to_owned(), "cc".to_owned());
    fleet.register(&message, "app.example.com").await;
    let mut apps: Vec<String> = Vec::new();
    while apps.is_empty() {
        let next = tokio::time::timeout(BOUND, heard.next()).await;
        let payload = next.expect("a message in time").expect("a message").payload;
        let mut text = String::new();
        let read = ZlibDecoder::new(&payload[..]).read_to_string(&mut text);
        read.expect("it is compressed");
        apps = serde_json::from_str(&text).expect("an array");
    }
    assert_eq!(Some(&apps[0]), message.app.as_ref());
    let mut served = 0;
    for data_plane in &fleet.data_planes {
        let (status, document) = varz(data_plane).await;
        assert_eq!(status, StatusCode::OK);
        let requests = document["requests"].as_u64().expect("a number");
        assert_eq!(document["tags"]["component"]["cc"]["requests"], requests);
        assert_eq!(document["top10_app_requests"][0]["rpm"], requests);
        assert_eq!(
            (&document["urls"], &document["droplets"]),
            (&1.into(), &1.into())
        );
        assert!(document["latency"]["50"].as_f64() > Some(0.0), "{document}");
        served += requests;
    }
    assert!(served >= 2);
    eventually("the sum of both", BOUND, async || {
        let (_, document) = varz(&fleet.control_plane).await;
        if document["requests"] == served {
            Ok(())
        } else {
            Err(format!("{served} and not {document}"))
        }
    })
    .await;
}

/// Requests are counted by app only where somebody wants to know.
#[tokio::test(flavor = "multi_thread")]
async fn a_data_plane_that_counts_nothing_shows_nothing() {
    let fleet = Fleet::start(1).await;
    assert_eq!(varz(&fleet.data_planes[0]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(varz(&fleet.control_plane).await.0, StatusCode::OK);
}
