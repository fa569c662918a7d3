//! Brokers that die, hang and come back, and publishers that fall silent.

use crate::fault::rounds;
use crate::stage::{Setup, THRESHOLD};

/// while NATS is gone nothing is pruned, and no request is lost
#[tokio::test]
async fn a_killed_broker_costs_no_request() {
    let mut stage = Setup::of("broker killed").deaf().build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.broker.kill();
        stage.during().await;
        stage.broker.restart().await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish();
}

#[tokio::test]
async fn a_broker_that_is_restarted_in_good_order_costs_no_request() {
    let mut stage = Setup::of("broker restarted").deaf().build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.broker.end().await;
        stage.during().await;
        stage.broker.restart().await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish();
}

/// a broker that hangs for two and a half thresholds prunes nothing, and no request is lost
#[tokio::test]
async fn a_stopped_broker_costs_no_request() {
    let mut stage = Setup::of("broker stopped").deaf().build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.broker.stop();
        stage.during_at_least(THRESHOLD * 5 / 2).await;
        stage.broker.resume();
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish();
}

/// a single endpoint whose publisher died is gone within two thresholds
#[tokio::test]
async fn an_endpoint_that_nobody_speaks_for_is_gone_within_two_thresholds() {
    let mut stage = Setup::of("publisher of one endpoint died").build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.forget_one(THRESHOLD * 2).await;
        stage.during_at_least(THRESHOLD * 9 / 4).await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish();
}
