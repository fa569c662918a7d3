//! `router.start` and `router.greet`.

use pointsman_tests::{Broker, Process, Publisher, configuration};
use serde_json::Value;

use crate::plane::{Plane, next_json};

/// C-002: the start message has an id that begins with the index, and hosts
/// C-003: interval and threshold are whole seconds
#[tokio::test]
async fn the_start_message_says_who_and_how_often() {
    let broker = Broker::start().await;
    let publisher = Publisher::connect(&broker).await;
    let mut starts = publisher
        .client()
        .subscribe("router.start")
        .await
        .expect("a subscription");
    publisher
        .client()
        .flush()
        .await
        .expect("a subscription that is known");
    let configuration = format!("index: 4321\n{}", configuration::control_plane(&broker, ""))
        .replace(
            "start_delay: 0s",
            "start_delay: 0s\n  interval: 15s\n  stale_threshold: 30s",
        );
    let _process = Process::start("control-plane", &configuration).await;
    let start = next_json(&mut starts).await;
    assert_eq!(start["minimumRegisterIntervalInSeconds"], 15);
    assert_eq!(start["pruneThresholdInSeconds"], 30);
    assert!(start["id"].as_str().expect("an id").starts_with("4321-"));
    assert_eq!(start["hosts"].as_array().expect("hosts").len(), 1);
}

/// C-014: a greeting with a reply subject and no payload is answered with the start message's JSON
/// C-015: a greeting without a reply subject is not answered, and does no harm
#[tokio::test]
async fn greetings_are_answered_to_the_letter() {
    let plane = Plane::start().await;
    let client = plane.publisher.client();
    client
        .publish("router.greet", "".into())
        .await
        .expect("a message");
    let answer = client
        .request("router.greet", "".into())
        .await
        .expect("an answer")
        .payload;
    let text = std::str::from_utf8(&answer).expect("text");
    let json: Value = serde_json::from_str(text).expect("JSON");
    let (id, host) = (&json["id"], &json["hosts"][0]);
    assert_eq!(
        text,
        format!(
            r#"{{"id":{id},"hosts":[{host}],"minimumRegisterIntervalInSeconds":20,"pruneThresholdInSeconds":120}}"#
        )
    );
    plane
        .until_metric("pointsman_nats_greetings_total", 1.0)
        .await;
}

/// R-117: a reply subject that is a router subject is not answered
#[tokio::test]
async fn no_router_is_made_to_talk_to_routers() {
    let plane = Plane::start().await;
    let client = plane.publisher.client();
    let mut echoes = client
        .subscribe("router.register")
        .await
        .expect("a subscription");
    for _ in 0..3 {
        let sent = client
            .publish_with_reply("router.greet", "router.register", "".into())
            .await;
        sent.expect("a message");
    }
    client
        .request("router.greet", "".into())
        .await
        .expect("greetings are handled in order");
    client
        .publish("router.register", "null".into())
        .await
        .expect("a message");
    assert_eq!(
        next_json(&mut echoes).await,
        Value::Null,
        "the first message is ours"
    );
}
