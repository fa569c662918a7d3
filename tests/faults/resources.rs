//! Disks that are full, descriptors that run out, clocks that jump.

use std::path::{Path, PathBuf};

use pointsman_tests::load::{Lost, Outcome};
use pointsman_tests::process::Launch;
use pointsman_tests::{environment, eventually};
use rustix::process::{Resource, Rlimit, prlimit};

use crate::fault::rounds;
use crate::plane::{BOUND, Plane};
use crate::stage::{Setup, Stage, THRESHOLD};

/// An access log whose disk is full is given up, and taken up again, and so is the table that is kept; no request notices.
/// a full disk of the log costs no request
#[tokio::test]
async fn a_full_disk_costs_no_request() {
    // The process has a small disk of its own, which nobody else sees, and which ends with it.
    let small_disk =
        "mkdir disk && mount -t tmpfs -o size=256k tmpfs disk && mkdir disk/state && exec \"$@\"";
    let mut through = vec!["unshare", "--mount"];
    if !rustix::process::geteuid().is_root() {
        through.push("--map-root-user");
    }
    through.extend(["sh", "-c", small_disk, "sh"]);
    let setup = Setup {
        data_plane_launch: Launch {
            through: through.into_iter().map(str::to_owned).collect(),
            ..Launch::default()
        },
        data_plane: "access_log: {to: file, file: disk/access.log}
state: {folder: disk/state, write_interval: 1s}
"
        .to_owned(),
        ..Setup::of("disk full")
    };
    let mut stage = setup.build().await;
    for round in rounds() {
        stage.before(round).await;
        let logs = logs(&mut stage);
        for log in &logs {
            fills_up(log).await;
        }
        stage.during().await;
        for log in &logs {
            let log = std::fs::File::options().write(true).open(log);
            log.and_then(|log| log.set_len(0)).expect("room again");
        }
        stage.after().await;
        for log in &logs {
            is_written(log).await;
        }
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// The log of each data plane, as it is seen from its own mounts.
fn logs(stage: &mut Stage) -> Vec<PathBuf> {
    let log = |plane: &mut Plane| {
        let process = plane.process();
        let root = PathBuf::from(format!("/proc/{}/root", process.id()));
        let folder = process
            .folder()
            .strip_prefix("/")
            .expect("an absolute path");
        root.join(folder).join("disk/access.log")
    };
    stage.data_planes.iter_mut().map(log).collect()
}

/// Waits until there are lines again.
async fn is_written(log: &Path) {
    let what = format!("{} to be written again", log.display());
    eventually(&what, BOUND, async || {
        let length = std::fs::metadata(log)
            .map_err(|error| error.to_string())?
            .len();
        if length > 0 {
            Ok(())
        } else {
            Err("it is empty".to_owned())
        }
    })
    .await;
}

/// Waits until a write to the log's disk fails.
async fn fills_up(log: &Path) {
    let probe = log.with_file_name("probe");
    eventually(
        "the disk to be full",
        BOUND,
        async || match std::fs::write(&probe, [b'x'; 4096]) {
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
            Err(error) => panic!("{}: {error}", probe.display()),
            Ok(()) => {
                std::fs::remove_file(&probe).expect("the probe is ours");
                Err("there is room".to_owned())
            }
        },
    )
    .await;
}

/// without descriptors a data plane serves on with what it has, and takes new connections when it has some again
#[tokio::test]
async fn a_data_plane_without_descriptors_serves_on() {
    let mut stage = Setup::of("descriptors of a data plane exhausted")
        .build()
        .await;
    for round in rounds() {
        stage.before(round).await;
        let limit = exhaust(&mut stage.data_planes[0]);
        stage.during().await;
        restore(&mut stage.data_planes[0], limit);
        stage.after().await;
        stage.verdict(|lost| lost.router == 0 && is_overloaded(lost));
    }
    stage.finish().await;
}

/// Where it has no connection to an endpoint, and can make none, it says so: a balancer may ask elsewhere.
fn is_overloaded(lost: &Outcome) -> bool {
    matches!(&lost.answer, Err(Lost::Refused(503, said)) if said.starts_with("overloaded"))
}

/// A control plane without descriptors goes on accepting once it has some again.
#[tokio::test]
async fn a_control_plane_without_descriptors_comes_back() {
    let mut stage = Setup::of("descriptors of the control plane exhausted")
        .deaf()
        .build()
        .await;
    for round in rounds() {
        stage.before(round).await;
        let limit = exhaust(&mut stage.control_planes[0]);
        stage.to_control_plane[0].cut();
        stage.to_control_plane[0].restore();
        stage.during().await;
        restore(&mut stage.control_planes[0], limit);
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// Leaves a running process no descriptor beyond those that it has. Returns what it might have had.
fn exhaust(plane: &mut Plane) -> Rlimit {
    let process = plane.process();
    let open = std::fs::read_dir(format!("/proc/{}/fd", process.id()));
    let open = open.expect("the descriptors of a child").count() as u64;
    let before = rustix::process::getrlimit(Resource::Nofile);
    let none = Rlimit {
        current: Some(open),
        maximum: before.maximum,
    };
    prlimit(Some(process.pid()), Resource::Nofile, none).expect("the limit of a child")
}

fn restore(plane: &mut Plane, limit: Rlimit) {
    let pid = plane.process().pid();
    prlimit(Some(pid), Resource::Nofile, limit).expect("the limit of a child");
}

/// a clock that jumps by an hour removes no endpoint before its time, keeps none beyond it, and costs no request
#[tokio::test]
async fn a_clock_that_jumps_costs_no_request() {
    let folder = tempfile::tempdir().expect("a folder for the clock");
    let clock = folder.path().join("clock");
    std::fs::write(&clock, "+0").expect("the clock");
    let library = environment("LIBFAKETIME")
        .expect("./tests/run fetches libfaketime; or name libfaketimeMT.so.1 in $LIBFAKETIME");
    let launch = Launch {
        environment: [
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            // Nobody can turn that one back.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        ..Launch::default()
    };
    let setup = Setup {
        control_plane_launch: launch.clone(),
        data_plane_launch: launch,
        data_plane: "access_log: {to: file, file: access.log}\n".to_owned(),
        ..Setup::of("clock jumps")
    };
    let mut stage = setup.build().await;
    for round in rounds() {
        // Both by turns, and the first one is drawn.
        let jump = if round.seed.is_multiple_of(2) {
            "-1h"
        } else {
            "+1h"
        };
        stage.before(round).await;
        let hour = hour_of_the_log(&mut stage);
        std::fs::write(&clock, jump).expect("the clock");
        stage.forget_one().await;
        eventually("the jump to be seen in the log", BOUND, async || {
            let now = hour_of_the_log(&mut stage);
            if now == hour { Err(now) } else { Ok(()) }
        })
        .await;
        stage.during_at_least(THRESHOLD * 9 / 4).await;
        std::fs::write(&clock, "+0").expect("the clock");
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}

/// The hour that the last line of a data plane's access log names: `… - [2026-01-31T12:…`.
fn hour_of_the_log(stage: &mut Stage) -> String {
    let log = stage.data_planes[0].process().folder().join("access.log");
    let lines = std::fs::read_to_string(log).expect("an access log");
    let last = lines.lines().rev().find(|line| line.ends_with('"'));
    let stamp = last
        .and_then(|line| line.split_once('['))
        .map(|(_, rest)| rest);
    stamp
        .and_then(|stamp| stamp.get(..13))
        .unwrap_or_default()
        .to_owned()
}
