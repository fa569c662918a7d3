//! Tables of several sizes: what a request costs must not depend on how many routes there are.

use std::time::Duration;

use pointsman_tests::Process;

use crate::Run;
use crate::backend::Manners;
use crate::client::{Kind, Target, closed};
use crate::ours::feed::packed;
use crate::ours::{DataPlane, Feed, Line, Messages, serves};
use crate::peers::{Peer, Setup, haproxy, nginx};
use crate::sample::Sample;
use crate::workload::Workload;
use crate::{backend, blocking};

const WARM_UP: Duration = Duration::from_millis(400);
/// The most rounds: the sizes differ by less than their rounds, or by far more.
const ROUNDS: usize = 3;
/// Routes that are published in one piece.
const PIECE: u32 = 50_000;

/// One table of one proxy.
#[derive(Debug)]
struct Subject {
    name: String,
    target: Target,
}

/// Fills tables of 1 route, a tenth of the routes, the routes, and ten times as many; all are kept, and measured in
/// turn.
pub(crate) async fn run(run: Run) {
    run.options.cores.leave_the_proxy_alone();
    let backend = backend::start(run.options.cores, Manners::Ordinary);
    let (mut subjects, mut lines, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for routes in [
        1,
        run.options.routes / 10,
        run.options.routes,
        run.options.routes * 10,
    ] {
        let (line, process) = ours(backend, routes, &run).await;
        subjects.push(Subject {
            name: format!("pointsman, {routes} routes"),
            target: Target {
                address: process.address("http"),
                pid: process.id(),
                routes,
            },
        });
        lines.push((line, process));
    }
    for routes in [1, run.options.routes / 10, run.options.routes] {
        let setup = Setup {
            backend,
            access_log: false,
            tuned: true,
            routes,
        };
        let started = [
            ("nginx", nginx::start(setup, run.options.cores).await),
            ("haproxy", haproxy::start(setup, run.options.cores).await),
        ];
        for (name, peer) in started {
            let name = format!("{name}, tuned, {routes} routes");
            match peer {
                Ok(peer) => {
                    subjects.push(Subject {
                        target: target(&peer, routes),
                        name,
                    });
                    peers.push(peer);
                }
                Err(why) => run
                    .findings
                    .note(format!("{name} did not take part: {why}")),
            }
        }
    }
    for round in 1..=run.options.rounds.min(ROUNDS) {
        let count = subjects.len();
        for at in 0..count {
            measure(&subjects[(at + round) % count], round, &run).await;
        }
    }
}

fn target(peer: &Peer, routes: u32) -> Target {
    Target {
        address: peer.address(),
        pid: peer.worker(),
        routes,
    }
}

/// A line with this many routes, all to the backend.
async fn ours(backend: std::net::SocketAddr, routes: u32, run: &Run) -> (Line, Process) {
    let line = Line::start().await;
    let how = DataPlane {
        cores: Some(run.options.cores.proxy()),
        ..DataPlane::default()
    };
    let process = line.data_plane(how).await;
    let mut feed = Feed::connect(&line.broker).await.expect("the broker");
    let messages = Messages::plain(backend);
    let mut from = 0;
    while from < routes {
        let to = (from + PIECE).min(routes);
        let packet = packed(&messages, from..to, 0);
        feed.publish(&packet).await.expect("the broker");
        serves(process.address("http"), to - 1).await;
        from = to;
    }
    line.converged(1, routes.into()).await;
    (line, process)
}

async fn measure(subject: &Subject, round: usize, run: &Run) {
    let plan = closed::Plan {
        target: subject.target,
        kind: Kind::Small,
        special: None,
        connections: run.options.connections,
        warm_up: WARM_UP,
        duration: run.options.duration,
    };
    match blocking(run.options.cores, move || closed::run(plan)).await {
        Ok(tally) => run.findings.add(
            Sample::new(Workload::Routes, &subject.name, round)
                .with_tally(&tally)
                .saturated(1.0),
        ),
        Err(why) => run
            .findings
            .note(format!("{}, round {round}: {why}", subject.name)),
    }
}
