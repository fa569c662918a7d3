//! Paths between processes that are cut, stall, lose what they carry, or work one way only.

use std::time::Duration;

use pointsman_tests::load::{Lost, Outcome};
use pointsman_tests::{Cut, Moment};

use crate::fault::{is_short, rounds};
use crate::lossless;
use crate::stage::{Setup, Stage};

/// Rounds in which a path is broken that carries no requests: none may be lost.
async fn without_a_loss(setup: Setup, path: fn(&Stage) -> &Cut, breaks: fn(&Cut)) {
    lossless::without_a_loss(
        setup.deaf(),
        async |stage| breaks(path(stage)),
        async |stage| path(stage).restore(),
    )
    .await;
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
    lossless::without_a_loss(
        Setup::of("path to the control plane half open").deaf(),
        async |stage| to_control_plane(stage).half_open(),
        async |stage| {
            stage.unfollowed().await;
            to_control_plane(stage).restore();
        },
    )
    .await;
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
    let mut stage = to_an_instance("path to an instance cut").build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.to_instance[0].iter().for_each(Cut::cut);
        stage.during().await;
        let mended = Moment::now();
        stage.to_instance[0].iter().for_each(Cut::restore);
        stage.after().await;
        stage.verdict(|lost| lost.post && lost.sent <= mended);
    }
    stage.finish().await;
}

/// What waits on a path that stalls arrives when it is open again, and nothing of it twice.
#[tokio::test]
async fn the_path_to_an_instance_stalls() {
    waits_on_the_way("path to an instance stalls", Cut::stall).await;
}

#[tokio::test]
async fn the_path_to_an_instance_carries_nothing_there() {
    let name = "path to an instance carries nothing there";
    waits_on_the_way(name, Cut::stall_there).await;
}

/// What has arrived, and whose answer does not come, is sent to nobody else.
#[tokio::test]
async fn the_path_to_an_instance_carries_nothing_back() {
    let name = "path to an instance carries nothing back";
    waits_on_the_way(name, Cut::stall_back).await;
}

/// Rounds in which what an instance is sent, or sends, waits on its way: nothing is lost.
async fn waits_on_the_way(name: &'static str, breaks: fn(&Cut)) {
    for round in rounds() {
        // An endpoint that was found to hang is passed over for longer each time, and a path without requests breaks
        // nothing: each round has data planes that know nothing.
        let mut stage = to_an_instance(name).build().await;
        stage.before(round).await;
        stage.to_instance[0].iter().for_each(breaks);
        stage.during().await;
        stage.to_instance[0].iter().for_each(Cut::restore);
        stage.after().await;
        stage.verdict(|_| false);
        stage.finish().await;
    }
}

/// what vanishes on a path that nobody hears is broken is given up in the end, and once the silence is noticed nothing goes
/// there any more
#[tokio::test]
async fn the_path_to_an_instance_is_half_open() {
    // Within which the silence is noticed, and how long the path stays broken; a first probe comes later than that.
    const NOTICED: Duration = Duration::from_secs(2);
    const BROKEN: Duration = Duration::from_secs(4);
    for round in rounds() {
        let setup = Setup {
            data_plane: "timeouts: {answer: 5s, handshake: 5s}\n".to_owned(),
            ..to_an_instance("path to an instance half open")
        };
        let mut stage = setup.build().await;
        stage.before(round).await;
        stage.to_instance[0].iter().for_each(Cut::half_open);
        let broken = Moment::now();
        stage.during_at_least(BROKEN).await;
        // How soon it is noticed depends on what the siblings take, which is anything on a machine that is busy.
        let noticed = if is_short() {
            Moment::now()
        } else {
            broken.after(NOTICED)
        };
        stage.to_instance[0].iter().for_each(Cut::restore);
        stage.after().await;
        stage.verdict(|lost| lost.sent <= noticed && is_given_up(lost));
        stage.finish().await;
    }
}

/// What hangs is given up in the end; and so is a handshake that hangs, where more of them end at a time than there may be
/// further attempts (L-27).
fn is_given_up(lost: &Outcome) -> bool {
    matches!(&lost.answer, Err(Lost::Refused(502 | 504, said)) if said.starts_with("endpoint_"))
}

fn to_an_instance(name: &'static str) -> Setup {
    Setup {
        victim: Some(0),
        instance_paths: true,
        ..Setup::of(name)
    }
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

/// What vanishes on the path is lost, and nothing that is sent once it is open again.
#[tokio::test]
async fn the_path_from_the_clients_is_half_open() {
    // What vanished is never answered: whoever waits for it gives up.
    const PATIENCE: Duration = Duration::from_secs(5);
    // Within which everything is sent that was to go there when the balancer took it out.
    const CHOSEN: Duration = Duration::from_millis(500);
    let mut stage = from_clients("path from the clients half open")
        .build()
        .await;
    stage.load.set_patience(PATIENCE);
    for round in rounds() {
        stage.before(round).await;
        stage.to_data_plane[0].half_open();
        stage.set_healthy(0, false);
        // A connection may be in the making still.
        let avoided = Moment::now().after(CHOSEN);
        stage.during().await;
        stage.to_data_plane[0].restore();
        stage.set_healthy(0, true);
        stage.after().await;
        stage.verdict(|lost| {
            lost.router == 0 && lost.sent <= avoided && lost.answer == Err(Lost::Late)
        });
    }
    stage.finish().await;
}

#[tokio::test]
async fn the_path_from_the_clients_stalls() {
    clients_wait("path from the clients stalls", Cut::stall).await;
}

#[tokio::test]
async fn the_path_from_the_clients_carries_nothing_there() {
    let name = "path from the clients carries nothing there";
    clients_wait(name, Cut::stall_there).await;
}

#[tokio::test]
async fn the_path_from_the_clients_carries_nothing_back() {
    let name = "path from the clients carries nothing back";
    clients_wait(name, Cut::stall_back).await;
}

/// Rounds in which what clients send, or are sent, waits on its way: nothing is lost.
async fn clients_wait(name: &'static str, breaks: fn(&Cut)) {
    lossless::without_a_loss(
        from_clients(name),
        async |stage| breaks(&stage.to_data_plane[0]),
        async |stage| stage.to_data_plane[0].restore(),
    )
    .await;
}

fn from_clients(name: &'static str) -> Setup {
    Setup {
        client_paths: true,
        ..Setup::of(name)
    }
}
