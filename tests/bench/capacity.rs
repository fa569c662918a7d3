//! What a million registrations hold in the control plane, with removals that it remembers and two sessions.

use std::time::Duration;

use pointsman_tests::eventually;
use tokio::time::Instant;

use crate::Run;
use crate::absorb::{CHUNK, absorb, absorbed_by};
use crate::machine::{CpuTime, Memory};
use crate::ours::feed::{packed, packed_away};
use crate::ours::{BOUND, DataPlane, Feed, Line, Messages, scrape};
use crate::sample::{Figure, Sample};
use crate::workload::Workload;

/// How many times as many routes as in other workloads.
const TIMES: u32 = 10;
/// Of so many routes one is unregistered.
const ONE_GOES_OF: u32 = 10;
/// For how long the least is looked for that is held at rest.
const REST: Duration = Duration::from_secs(5);
/// The subject of the row.
pub(crate) const SUBJECT: &str = "a million registrations";

/// Measures once: memory does not depend on the machine's mood.
pub(crate) async fn run(run: Run) {
    run.options.cores.use_all();
    let line = Line::start().await;
    let (pid, admin) = (line.control_plane.id(), line.control_plane.address("admin"));
    let mut feed = Feed::connect(&line.broker).await.expect("the broker");
    let messages = Messages::tls();
    let stay = run.options.routes * TIMES;
    let go = stay..stay + stay / ONE_GOES_OF;
    let chunks = (0..go.end).step_by(CHUNK as usize).map(|from| {
        let chunk = from..go.end.min(from + CHUNK);
        let length = u64::from(chunk.end - chunk.start);
        (length, packed(&messages, chunk, 0))
    });
    let absorbed = async || absorbed_by(admin).await;
    let cost = absorb(&mut feed, chunks, || CpuTime::of(pid), &absorbed).await;
    let removals = f64::from(2 * (go.end - go.start));
    let packet = packed_away(&messages, go, 0);
    feed.publish(&packet).await.expect("the broker");
    eventually("the unregistrations", BOUND, async || {
        let remembered = scrape(admin, "pointsman_registry_removals").await;
        // A route and its endpoint are two removals.
        if remembered >= removals {
            Ok(())
        } else {
            Err(remembered.to_string())
        }
    })
    .await;
    let mut data_planes = Vec::new();
    for _ in 0..2 {
        data_planes.push(line.data_plane(DataPlane::default()).await);
    }
    line.converged(data_planes.len(), u64::from(stay)).await;
    let held = at_rest(pid).await;
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    run.findings.add(
        Sample::new(Workload::Capacity, SUBJECT, 1)
            .with(Figure::Routes, f64::from(stay))
            .with(Figure::Resident, mebibytes(held))
            .with(Figure::Peak, mebibytes(Memory::of(pid).peak))
            .with(Figure::ControlPlaneRoute, held as f64 / f64::from(stay))
            .with(Figure::Dropped, cost.missing),
    );
}

async fn at_rest(pid: u32) -> u64 {
    let (begin, mut least) = (Instant::now(), u64::MAX);
    while begin.elapsed() < REST {
        least = least.min(Memory::of(pid).resident);
        tokio::time::sleep(REST / 20).await;
    }
    least
}
