//! Control planes that die, hang and come back.

use crate::fault::rounds;
use crate::stage::Setup;

/// without a control plane the last table is served, and no request is lost
#[tokio::test]
async fn a_killed_control_plane_costs_no_request() {
    let mut stage = Setup::of("control plane killed").deaf().build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.control_planes[0].kill();
        stage.during().await;
        stage.control_planes[0].restart().await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// a control plane that hangs costs no request
/// a control plane that hangs is noticed by its silence, and followed again when it is back
#[tokio::test]
async fn a_stopped_control_plane_costs_no_request() {
    let mut stage = Setup::of("control plane stopped").deaf().build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.control_planes[0].stop();
        stage.during().await;
        stage.control_planes[0].resume();
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_control_plane_that_is_restarted_in_good_order_costs_no_request() {
    let mut stage = Setup::of("control plane restarted").deaf().build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.control_planes[0].end().await;
        stage.during().await;
        stage.control_planes[0].restart().await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// a control plane that comes back and hears nothing takes nothing away
#[tokio::test]
async fn a_control_plane_that_comes_back_without_nats_takes_nothing_away() {
    let mut stage = Setup::of("control plane restarted without NATS")
        .deaf()
        .build()
        .await;
    for round in rounds() {
        stage.before(round).await;
        stage.control_planes[0].kill();
        stage.to_broker[0].cut();
        stage.control_planes[0].restart().await;
        stage.during().await;
        stage.to_broker[0].restore();
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// with two control planes the death of either costs no request, and no change
#[tokio::test]
async fn one_of_two_control_planes_is_enough() {
    let setup = Setup {
        control_planes: 2,
        ..Setup::of("one of two control planes killed")
    };
    let mut stage = setup.build().await;
    for round in rounds() {
        let (dead, alive) = if round.number.is_multiple_of(2) {
            (1, 0)
        } else {
            (0, 1)
        };
        stage.before(round).await;
        stage.control_planes[dead].kill();
        stage.during().await;
        // What was registered meanwhile is answered while it is dead: the other one is followed.
        stage.settle().await;
        stage.control_planes[dead].restart().await;
        stage.control_planes[alive].ready().await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}
