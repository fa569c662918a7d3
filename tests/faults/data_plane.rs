//! Data planes that die, hang and come back, while another one serves.

use pointsman_tests::Moment;

use crate::fault::rounds;
use crate::stage::Setup;

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
    stage.finish();
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
    stage.finish();
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
    stage.finish();
}
