//! Data planes that die, hang and come back, while another one serves.

use std::time::Duration;

use pointsman_tests::Moment;

use crate::fault::rounds;
use crate::stage::Setup;

/// Within which a data plane serves after its start, whoever else is there.
const COLD_START: Duration = Duration::from_secs(3);

/// a killed data plane costs only what it had in flight, and its successor knows every route
#[tokio::test]
async fn a_killed_data_plane_costs_only_what_it_had_in_flight() {
    let mut stage = Setup::of("data plane killed").build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.data_planes[0].kill();
        let dead = Moment::now();
        stage.set_healthy(0, false);
        stage.during().await;
        stage.data_planes[0].restart().await;
        stage.data_planes[0].ready().await;
        stage.set_healthy(0, true);
        stage.after().await;
        stage.verdict(|lost| lost.router == 0 && lost.sent <= dead);
    }
    stage.finish().await;
}

/// What a stopped data plane was asked is answered when it runs on; a client that waits loses nothing.
#[tokio::test]
async fn a_stopped_data_plane_loses_nothing() {
    let mut stage = Setup::of("data plane stopped").build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.data_planes[0].stop();
        stage.during().await;
        stage.data_planes[0].resume();
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// a data plane that is told to end loses no request
/// clients on kept connections are told to go in time: none is cut while it sends
#[tokio::test]
async fn a_data_plane_that_is_restarted_in_good_order_loses_nothing() {
    let mut stage = Setup::of("data plane restarted").build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.data_planes[0].terminate();
        // The balancer looks at the health, and takes it out before its wait is over.
        stage.data_planes[0].unready().await;
        stage.set_healthy(0, false);
        stage.data_planes[0].end().await;
        stage.during().await;
        stage.data_planes[0].restart().await;
        stage.data_planes[0].ready().await;
        stage.set_healthy(0, true);
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// a data plane that starts while there is no control plane serves every route within 3 s, from its own table
#[tokio::test]
async fn a_data_plane_that_starts_without_a_control_plane_serves_what_it_kept() {
    let setup = Setup {
        data_plane: "state: {folder: <folder>, write_interval: 1s, wait: 500ms}\n".to_owned(),
        ..Setup::of("data plane restarted without a control plane")
    };
    let mut stage = setup.deaf().build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.control_planes[0].kill();
        stage.data_planes[0].terminate();
        stage.data_planes[0].unready().await;
        stage.set_healthy(0, false);
        stage.data_planes[0].end().await;
        let start = Moment::now();
        stage.data_planes[0].restart().await;
        stage.data_planes[0].ready().await;
        let took = Moment::now().since(start);
        assert!(took < COLD_START, "ready after {took:?}");
        stage.set_healthy(0, true);
        stage.during().await;
        stage.control_planes[0].restart().await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// A data plane that gives its listeners to a successor loses no request, and no balancer has to know.
#[tokio::test]
async fn a_data_plane_that_hands_over_loses_nothing() {
    let setup = Setup {
        data_plane: "hand_over: <folder>/hand-over.sock\n".to_owned(),
        ..Setup::of("data plane handed over")
    };
    let mut stage = setup.build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.data_planes[0].hand_over().await;
        stage.during().await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}
