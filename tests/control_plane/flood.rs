//! More messages than can be handled at once.

use std::time::Duration;

use pointsman_tests::publisher::Emitted;
use serde_json::json;
use tokio::time::Instant;

use crate::plane::{BOUND, Plane, next_json};

fn payload(number: u32, padding: usize) -> Vec<u8> {
    let message = json!({
        "uris": [format!("app-{number}.example.com")], "host": "10.0.0.1", "port": 1 + number % 60_000,
        "tags": {"padding": "x".repeat(padding)},
    });
    message.to_string().into_bytes()
}

/// a flood of one publisher delays another's registration by no more than 1 s
#[tokio::test]
async fn a_flood_delays_nobody_for_long() {
    const MESSAGES: u32 = 100_000;
    let plane = Plane::start().await;
    let client = plane.publisher.client();
    let other = pointsman_tests::Publisher::connect(&plane.broker).await;
    for number in 0..MESSAGES {
        client
            .publish("router.register", payload(number, 0).into())
            .await
            .expect("a message");
    }
    client.flush().await.expect("sent");
    let sent = Instant::now();
    other
        .register(&Emitted::plain(
            "new.example.com",
            ([127, 0, 0, 1], 80).into(),
            0,
        ))
        .await;
    // The greeting comes on its own subscription, which the backlog does not hold up.
    client
        .request("router.greet", "".into())
        .await
        .expect("an answer");
    let greeted = sent.elapsed();
    pointsman_tests::eventually("the new route", BOUND, async || {
        let answer = plane.get("/v1/routes?uri=new.example.com").await;
        if answer.text().contains("127.0.0.1:80") {
            Ok(())
        } else {
            Err(answer.text().to_owned())
        }
    })
    .await;
    let registered = sent.elapsed();
    let bound = Duration::from_secs(1);
    assert!(
        registered < bound && greeted < bound,
        "greeted in {greeted:?}, registered in {registered:?}"
    );
    let waiting = plane.metric("buffered_messages").await;
    println!(
        "greeted in {greeted:?}, registered in {registered:?}, {waiting} messages still waiting"
    );
    assert_eq!(
        plane.metric("total_dropped_messages").await.to_bits(),
        0.0_f64.to_bits()
    );
}

/// where a flood exceeds the bound, what others sent meanwhile is not lost
#[tokio::test]
async fn a_flood_beyond_the_bound_costs_nobody_else() {
    // Fewer than the client library holds, which drops without asking whose they are.
    const MESSAGES: u32 = 60_000;
    let plane = Plane::start_with("pending_messages: 100").await;
    let other = pointsman_tests::Publisher::connect(&plane.broker).await;
    let client = plane.publisher.client();
    let mut registered = Vec::new();
    for number in 0..MESSAGES {
        let flood = client.publish("router.unregister", payload(number, 0).into());
        flood.await.expect("a message");
        if number % 3_000 == 0 {
            let uri = format!("other-{:02}.example.com", registered.len());
            let address = ([127, 0, 0, 1], 80).into();
            other.register(&Emitted::plain(&uri, address, 0)).await;
            registered.push(uri);
        }
    }
    let registered: Vec<_> = registered.iter().map(String::as_str).collect();
    plane.until_routes(&registered).await;
    plane.until_metric("total_dropped_messages", 1.0).await;
}

/// C-009: what exceeds the pending limit is dropped, counted, and stays counted
/// C-021: the count is a metric
/// nothing is dropped silently: publishers are asked for all of it again
#[tokio::test]
async fn what_is_dropped_is_counted_and_asked_for_again() {
    let plane = Plane::start_with("pending_messages: 1").await;
    let client = plane.publisher.client();
    let mut starts = client
        .subscribe("router.start")
        .await
        .expect("a subscription");
    client.flush().await.expect("a subscription that is known");
    for number in 0..20_000 {
        client
            .publish("router.register", payload(number, 200).into())
            .await
            .expect("a message");
    }
    client.flush().await.expect("sent");
    plane.until_metric("total_dropped_messages", 1.0).await;
    let start = next_json(&mut starts).await;
    assert_eq!(start["pruneThresholdInSeconds"], 120);
    plane.until_logged("nats-messages-dropped").await;
    let dropped = plane.metric("total_dropped_messages").await;
    plane
        .publisher
        .register(&Emitted::plain(
            "again.example.com",
            ([127, 0, 0, 1], 80).into(),
            0,
        ))
        .await;
    pointsman_tests::eventually("the route", BOUND, async || {
        let answer = plane.get("/v1/routes?uri=again.example.com").await;
        if answer.text().contains("127.0.0.1:80") {
            Ok(())
        } else {
            Err(answer.text().to_owned())
        }
    })
    .await;
    assert!(plane.metric("total_dropped_messages").await >= dropped);
}
