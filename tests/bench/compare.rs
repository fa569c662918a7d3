//! Saturated load: our data plane beside other proxies, each alone on its core, interleaved.

use std::time::Duration;

use pointsman_tests::Process;

use crate::Run;
use crate::backend::Manners;
use crate::client::{Target, closed};
use crate::ours::feed::packed;
use crate::ours::{DataPlane, Feed, Line, Messages, serves};
use crate::peers::{Peer, Setup, envoy, haproxy, nginx};
use crate::sample::Sample;
use crate::spinner::{SHARE, Spinner};
use crate::workload::Workload;
use crate::{backend, blocking, wrk};

/// How long load runs before it counts: until connections stand and buffers have grown.
const WARM_UP: Duration = Duration::from_millis(400);
/// Connections of the load with large bodies: enough to keep a core busy, few enough to stay in the caches.
const BULK_CONNECTIONS: usize = 16;

/// One proxy in one setting.
#[derive(Debug)]
struct Subject {
    name: &'static str,
    target: Target,
    access_log: bool,
}

/// Everybody who takes part, started once and kept for the whole run. Who is not measured is idle.
#[derive(Debug, Default)]
struct Stage {
    subjects: Vec<Subject>,
    peers: Vec<Peer>,
    processes: Vec<Process>,
}

/// Measures these workloads, round by round.
pub(crate) async fn run(workloads: Vec<Workload>, run: Run) {
    run.options.cores.leave_the_proxy_alone();
    let backend = backend::start(run.options.cores, Manners::Ordinary);
    let line = Line::start().await;
    let mut feed = Feed::connect(&line.broker).await.expect("the broker");
    let routes = packed(&Messages::plain(backend), 0..1, 0);
    feed.publish(&routes).await.expect("the broker");
    let mut stage = Stage::default();
    for access_log in [false, true] {
        if workloads
            .iter()
            .any(|one| one.has_access_log() == access_log)
        {
            stage.add_ours(&line, access_log, &run).await;
            stage.add_peers(backend, access_log, &run).await;
        }
    }
    for workload in workloads {
        let spinner = spinner(workload, &run).await;
        for round in 1..=run.options.rounds {
            for subject in stage.of_round(workload, round) {
                measure((workload, round), subject, spinner.as_ref(), &run).await;
            }
        }
    }
}

impl Stage {
    async fn add_ours(&mut self, line: &Line, access_log: bool, run: &Run) {
        let previous = run
            .options
            .previous
            .as_ref()
            .map(|folder| folder.join("data-plane"));
        let builds = [
            ("pointsman", Some(None)),
            ("pointsman, previous", previous.as_deref().map(Some)),
        ];
        for (name, binary) in builds {
            let Some(binary) = binary else { continue };
            let how = DataPlane {
                cores: Some(run.options.cores.proxy()),
                binary,
                access_log,
                ..DataPlane::default()
            };
            let process = line.data_plane(how).await;
            let (address, pid) = (process.address("http"), process.id());
            serves(address, 0).await;
            let target = Target {
                address,
                pid,
                routes: 1,
            };
            self.subjects.push(Subject {
                name,
                target,
                access_log,
            });
            self.processes.push(process);
        }
    }

    async fn add_peers(&mut self, backend: std::net::SocketAddr, access_log: bool, run: &Run) {
        let setup = |tuned| Setup {
            backend,
            access_log,
            tuned,
            routes: 1,
        };
        let cores = run.options.cores;
        let started = [
            ("nginx", nginx::start(setup(false), cores).await),
            ("nginx, tuned", nginx::start(setup(true), cores).await),
            ("haproxy", haproxy::start(setup(false), cores).await),
            ("haproxy, tuned", haproxy::start(setup(true), cores).await),
            ("envoy", envoy::start(setup(false), cores).await),
        ];
        for (name, peer) in started {
            match peer {
                Ok(peer) => self.add(name, peer, access_log),
                Err(why) => run
                    .findings
                    .note(format!("{name} did not take part: {why}")),
            }
        }
    }

    fn add(&mut self, name: &'static str, peer: Peer, access_log: bool) {
        let (address, pid) = (peer.address(), peer.worker());
        let target = Target {
            address,
            pid,
            routes: 1,
        };
        self.subjects.push(Subject {
            name,
            target,
            access_log,
        });
        self.peers.push(peer);
    }

    /// The subjects in the order of a round: each starts at another one, so that nobody is always first.
    fn of_round(&self, workload: Workload, round: usize) -> impl Iterator<Item = &Subject> {
        let subjects = self.subjects.iter();
        let of: Vec<_> = subjects
            .filter(|subject| subject.access_log == workload.has_access_log())
            .collect();
        let count = of.len();
        (0..count).map(move |at| of[(at + round) % count])
    }
}

/// What takes a part of the proxy's core, where load and backend could not keep the whole of it busy.
pub(crate) async fn spinner(workload: Workload, run: &Run) -> Option<Spinner> {
    let cores = run.options.cores;
    if !cores.are_few() || !workload.is_hard_on_the_load() {
        return None;
    }
    let started = Spinner::start(cores).await;
    if let Err(why) = &started {
        let name = workload.name();
        run.findings
            .note(format!("{name}: the proxy has the whole core: {why}"));
    }
    started.ok()
}

async fn measure(
    (workload, round): (Workload, usize),
    subject: &Subject,
    spinner: Option<&Spinner>,
    run: &Run,
) {
    let Some(kind) = workload.kind() else { return };
    let (options, target) = (&run.options, subject.target);
    let (connections, duration) = (options.connections, options.duration);
    let tally = if workload.is_by_wrk() {
        blocking(options.cores, move || {
            wrk::run(target, connections, duration)
        })
        .await
    } else {
        let plan = closed::Plan {
            target,
            kind,
            special: None,
            connections: if kind.is_bulk() {
                BULK_CONNECTIONS
            } else {
                connections
            },
            warm_up: WARM_UP,
            duration,
        };
        blocking(options.cores, move || closed::run(plan)).await
    };
    match tally {
        Ok(tally) => run.findings.add(
            Sample::new(workload, subject.name, round)
                .with_tally(&tally)
                .saturated(spinner.map_or(1.0, |_| SHARE)),
        ),
        Err(why) => {
            let name = workload.name();
            run.findings
                .note(format!("{name}, {}, round {round}: {why}", subject.name));
        }
    }
}
