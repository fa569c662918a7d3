//! Paths between processes that are cut, stall, lose what they carry, or work one way only.

use pointsman_tests::{Cut, Moment};

use crate::fault::rounds;
use crate::stage::{Setup, Stage};

/// Rounds in which a path is broken that carries no requests: none may be lost.
async fn without_a_loss(setup: Setup, path: fn(&Stage) -> &Cut, breaks: fn(&Cut)) {
    let mut stage = setup.deaf().build().await;
    for round in rounds() {
        stage.before(round).await;
        breaks(path(&stage));
        stage.during().await;
        path(&stage).restore();
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

fn to_broker(stage: &Stage) -> &Cut {
    &stage.to_broker[0]
}

fn to_control_plane(stage: &Stage) -> &Cut {
    &stage.to_control_plane[0]
}

#[tokio::test]
async fn the_path_to_nats_is_cut() {
    without_a_loss(Setup::of("path to NATS cut"), to_broker, Cut::cut).await;
}

#[tokio::test]
async fn the_path_to_nats_stalls() {
    without_a_loss(Setup::of("path to NATS stalls"), to_broker, Cut::stall).await;
}

#[tokio::test]
async fn the_path_to_nats_is_half_open() {
    let setup = Setup::of("path to NATS half open");
    without_a_loss(setup, to_broker, Cut::half_open).await;
}

#[tokio::test]
async fn the_path_to_nats_carries_nothing_there() {
    let setup = Setup::of("path to NATS carries nothing there");
    without_a_loss(setup, to_broker, Cut::stall_there).await;
}

#[tokio::test]
async fn the_path_to_nats_carries_nothing_back() {
    let setup = Setup::of("path to NATS carries nothing back");
    without_a_loss(setup, to_broker, Cut::stall_back).await;
}

/// a control plane that cannot be reached costs no request
#[tokio::test]
async fn the_path_to_the_control_plane_is_cut() {
    let setup = Setup::of("path to the control plane cut");
    without_a_loss(setup, to_control_plane, Cut::cut).await;
}

#[tokio::test]
async fn the_path_to_the_control_plane_stalls() {
    let setup = Setup::of("path to the control plane stalls");
    without_a_loss(setup, to_control_plane, Cut::stall).await;
}

/// a stream whose other end is gone without a word ends by its silence
#[tokio::test]
async fn the_path_to_the_control_plane_is_half_open() {
    let setup = Setup::of("path to the control plane half open");
    without_a_loss(setup, to_control_plane, Cut::half_open).await;
}

#[tokio::test]
async fn the_path_to_the_control_plane_carries_nothing_there() {
    let setup = Setup::of("path to the control plane carries nothing there");
    without_a_loss(setup, to_control_plane, Cut::stall_there).await;
}

/// after a stall on its way back a session goes on, or begins again, and ends up with everything
#[tokio::test]
async fn the_path_to_the_control_plane_carries_nothing_back() {
    let setup = Setup::of("path to the control plane carries nothing back");
    without_a_loss(setup, to_control_plane, Cut::stall_back).await;
}

/// Only what must not be repeated may be lost on a path that closes every connection.
#[tokio::test]
async fn the_path_to_an_instance_is_cut() {
    let setup = Setup {
        victim: Some(0),
        instance_paths: true,
        ..Setup::of("path to an instance cut")
    };
    let mut stage = setup.build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.to_instance[0].iter().for_each(Cut::cut);
        stage.during().await;
        stage.to_instance[0].iter().for_each(Cut::restore);
        stage.after().await;
        stage.verdict(|lost| lost.post);
    }
    stage.finish().await;
}

/// What was in flight on a path that is cut is lost, and everything after it takes another one.
#[tokio::test]
async fn the_path_from_the_clients_is_cut() {
    let mut stage = from_clients("path from the clients cut").build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.to_data_plane[0].cut();
        stage.set_healthy(0, false);
        stage.during().await;
        let mended = Moment::now();
        stage.to_data_plane[0].restore();
        stage.set_healthy(0, true);
        stage.after().await;
        stage.verdict(|lost| lost.router == 0 && lost.sent <= mended);
    }
    stage.finish().await;
}

#[tokio::test]
async fn the_path_from_the_clients_stalls() {
    let mut stage = from_clients("path from the clients stalls").build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.to_data_plane[0].stall();
        stage.during().await;
        stage.to_data_plane[0].restore();
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

fn from_clients(name: &'static str) -> Setup {
    Setup {
        client_paths: true,
        ..Setup::of(name)
    }
}
