//! Control planes that die, hang and come back.

use pointsman_tests::Cut;

use crate::fault::rounds;
use crate::lossless::without_a_loss;
use crate::plane::Plane;
use crate::stage::Setup;

/// without a control plane the last table is served, and no request is lost
#[tokio::test]
async fn a_killed_control_plane_costs_no_request() {
    without_a_loss(
        Setup::of("control plane killed").deaf(),
        async |stage| stage.control_planes[0].kill(),
        async |stage| stage.control_planes[0].restart().await,
    )
    .await;
}

/// a control plane that hangs costs no request
/// a control plane that hangs is noticed by its silence, and followed again when it is back
#[tokio::test]
async fn a_stopped_control_plane_costs_no_request() {
    without_a_loss(
        Setup::of("control plane stopped").deaf(),
        async |stage| stage.control_planes[0].stop(),
        async |stage| {
            stage.unfollowed().await;
            stage.control_planes[0].resume();
        },
    )
    .await;
}

#[tokio::test]
async fn a_control_plane_that_is_restarted_in_good_order_costs_no_request() {
    without_a_loss(
        Setup::of("control plane restarted").deaf(),
        async |stage| stage.control_planes[0].end().await,
        async |stage| stage.control_planes[0].restart().await,
    )
    .await;
}

/// a control plane that comes back and hears nothing takes nothing away
#[tokio::test]
async fn a_control_plane_that_comes_back_without_nats_takes_nothing_away() {
    nobody_hears(Setup::of("control plane restarted without NATS")).await;
}

/// when all control planes restart at once and hear nothing, every data plane serves on
/// and none of them takes anything away, nor casts doubt on it
#[tokio::test]
async fn all_control_planes_that_come_back_without_nats_take_nothing_away() {
    let setup = Setup {
        control_planes: 2,
        ..Setup::of("all control planes restarted without NATS")
    };
    nobody_hears(setup).await;
}

/// Rounds in which every control plane dies, and comes back to hear nothing.
async fn nobody_hears(setup: Setup) {
    let mut stage = setup.deaf().build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.control_planes.iter_mut().for_each(Plane::kill);
        stage.to_broker.iter().for_each(Cut::cut);
        // Earlier rounds may have lost an unregistration.
        let doubted = stage.doubted().await;
        for plane in &mut stage.control_planes {
            plane.restart().await;
        }
        stage.during().await;
        stage.followed().await;
        let now = stage.doubted().await;
        assert!(
            now <= doubted,
            "{now} endpoints are in doubt, of which {doubted} were"
        );
        stage.to_broker.iter().for_each(Cut::restore);
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
