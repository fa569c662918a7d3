//! Brokers that die, hang and come back, and publishers that fall silent.

use std::time::Duration;

use crate::fault::{is_short, rounds};
use crate::lossless::without_a_loss;
use crate::stage::{OUTLASTING, Setup, THRESHOLD};

/// Two and a half thresholds, of which the short form waits for what is more than one.
fn freeze() -> Duration {
    if is_short() {
        OUTLASTING
    } else {
        THRESHOLD * 5 / 2
    }
}

/// while NATS is gone nothing is pruned, and no request is lost
#[tokio::test]
async fn a_killed_broker_costs_no_request() {
    without_a_loss(
        Setup::of("broker killed").deaf(),
        async |stage| stage.broker.kill(),
        async |stage| stage.broker.restart().await,
    )
    .await;
}

#[tokio::test]
async fn a_broker_that_is_restarted_in_good_order_costs_no_request() {
    without_a_loss(
        Setup::of("broker restarted").deaf(),
        async |stage| stage.broker.end().await,
        async |stage| stage.broker.restart().await,
    )
    .await;
}

/// a broker that hangs for two and a half thresholds prunes nothing, and no request is lost
#[tokio::test]
async fn a_stopped_broker_costs_no_request() {
    let mut stage = Setup::of("broker stopped").deaf().build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.broker.stop();
        stage.during_at_least(freeze()).await;
        stage.broker.resume();
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// when all publishers fall silent at once, no more than the guard lets pass is gone, and TLS endpoints stay
#[tokio::test]
async fn silence_of_everybody_is_not_taken_for_death() {
    // What always passes the guard, and more than a fifth of all.
    const PASS: usize = 50;
    let setup = Setup {
        crowd: 150,
        asks_plain: false,
        ..Setup::of("all publishers silent")
    };
    let mut stage = setup.build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.publishing.set_silent(true).await;
        stage.during_at_least(freeze()).await;
        let missing = stage.missing_of_the_crowd().await;
        stage.publishing.set_silent(false).await;
        assert!(missing <= PASS, "{missing} routes are gone");
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// a single endpoint whose publisher died is gone within two thresholds
#[tokio::test]
async fn an_endpoint_that_nobody_speaks_for_is_gone_within_two_thresholds() {
    let mut stage = Setup::of("publisher of one endpoint died").build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.forget_one().await;
        stage.during_at_least(THRESHOLD * 9 / 4).await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}
