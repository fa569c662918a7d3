//! Requests beside a large table that is quiet, heartbeats, or changes: what registrations cost who only asks.

use std::time::Duration;

use pointsman_tests::Process;

use crate::Run;
use crate::backend::Manners;
use crate::client::{Kind, Target, closed, open};
use crate::machine::take_precedence;
use crate::ours::feed::{Beat, Rhythm, packed};
use crate::ours::{DataPlane, Feed, Line, Messages, scrape, serves};
use crate::peers::{Peer, Setup, nginx};
use crate::report::{HEARTBEATS, QUIET};
use crate::sample::{Figure, Sample};
use crate::spinner::SHARE;
use crate::workload::Workload;
use crate::{backend, blocking, compare};

/// Heartbeats per second: what 100,000 routes send at an interval of 20 s.
const HEARTBEAT_RATE: u32 = 5_000;
/// Changes per second: a platform that moves ten thousand instances within ten seconds.
const CHANGE_RATE: u32 = 1_000;
/// Requests per second of the latency rows.
const RATE: u32 = 2_000;
/// Connections that they share.
const CONNECTIONS: usize = 64;
/// How long a beat runs before it counts.
const WARM_UP: Duration = Duration::from_millis(700);
/// Measurements of latency are longer than those of CPU time by this factor: the thousandth of them must mean something.
const LONGER: u32 = 2;

/// What the routes beside do.
#[derive(Clone, Copy, Debug)]
enum Noise {
    Quiet,
    Heartbeats,
    Changes,
}

#[derive(Debug)]
struct Stage {
    line: Line,
    data_plane: Process,
    nginx: Option<Peer>,
    backend: std::net::SocketAddr,
}

/// Measures both workloads on one stage.
pub(crate) async fn run(workloads: Vec<Workload>, run: Run) {
    run.options.cores.leave_the_proxy_alone();
    let stage = Stage::set(&run).await;
    for workload in workloads {
        let spinner = compare::spinner(workload, &run).await;
        let share = spinner.as_ref().map_or(1.0, |_| SHARE);
        for round in 1..=run.options.rounds {
            for noise in [Noise::Quiet, Noise::Heartbeats, Noise::Changes] {
                if let Err(why) = stage.measure(workload, noise, (round, share), &run).await {
                    run.findings.note(format!(
                        "{}, {noise:?}, round {round}: {why}",
                        workload.name()
                    ));
                }
            }
            if let (Workload::Latency, Some(nginx)) = (workload, &stage.nginx) {
                let target = Target {
                    address: nginx.address(),
                    pid: nginx.worker(),
                    routes: 1,
                };
                match latencies(target, &run).await {
                    Ok(seen) => {
                        run.findings
                            .add(latency_sample("nginx, tuned, one route", round, &seen));
                    }
                    Err(why) => run
                        .findings
                        .note(format!("latency of nginx, round {round}: {why}")),
                }
            }
        }
    }
}

impl Stage {
    async fn set(run: &Run) -> Self {
        let backend = backend::start(run.options.cores, Manners::First);
        let line = Line::start().await;
        let how = DataPlane {
            cores: Some(run.options.cores.proxy()),
            ..DataPlane::default()
        };
        let data_plane = line.data_plane(how).await;
        let mut feed = Feed::connect(&line.broker).await.expect("the broker");
        let packet = packed(&Messages::plain(backend), 0..run.options.routes, 0);
        feed.publish(&packet).await.expect("the broker");
        serves(data_plane.address("http"), run.options.routes - 1).await;
        line.converged(1, run.options.routes.into()).await;
        let setup = Setup {
            backend,
            access_log: false,
            tuned: true,
            routes: 1,
        };
        let nginx = nginx::start(setup, run.options.cores).await;
        if let Err(why) = &nginx {
            run.findings.note(format!(
                "nginx did not take part in the latency rows: {why}"
            ));
        }
        Self {
            line,
            data_plane,
            nginx: nginx.ok(),
            backend,
        }
    }

    async fn measure(
        &self,
        workload: Workload,
        noise: Noise,
        (round, share): (usize, f64),
        run: &Run,
    ) -> std::io::Result<()> {
        let turn = workload as u32 * 10_000 + u32::try_from(round).unwrap_or(0) * 100;
        let beat = self.make(noise, run.options.routes, turn).await?;
        let admin = self.data_plane.address("admin");
        let publications = "pointsman_table_publications_total";
        let before = (
            scrape(admin, publications).await,
            beat.as_ref().map_or(0, Beat::sent),
        );
        let began = tokio::time::Instant::now();
        let target = Target {
            address: self.data_plane.address("http"),
            pid: self.data_plane.id(),
            routes: run.options.routes,
        };
        let sample = if workload == Workload::Latency {
            latency_sample(noise.name(), round, &latencies(target, run).await?)
        } else {
            let plan = closed::Plan {
                target,
                kind: Kind::Small,
                special: None,
                connections: run.options.connections,
                warm_up: WARM_UP,
                duration: run.options.duration,
            };
            let tally = blocking(run.options.cores, move || closed::run(plan)).await?;
            Sample::new(workload, noise.name(), round)
                .with_tally(&tally)
                .saturated(share)
        };
        let sent = beat.as_ref().map_or(0, Beat::sent) - before.1;
        let elapsed = began.elapsed().as_secs_f64();
        let messages = scrape(admin, publications).await - before.0;
        run.findings.add(
            sample
                .with(Figure::TableMessages, messages)
                .with(Figure::MessageRate, sent as f64 / elapsed),
        );
        Ok(())
    }

    /// Lets the routes do what they are to do, in a turn that they have not had.
    async fn make(&self, noise: Noise, routes: u32, turn: u32) -> std::io::Result<Option<Beat>> {
        let (rate, rhythm) = match noise {
            Noise::Quiet => return Ok(None),
            Noise::Heartbeats => (HEARTBEAT_RATE, Rhythm::Heartbeats),
            Noise::Changes => (CHANGE_RATE, Rhythm::Changes { from: turn }),
        };
        // Changes and heartbeats are about different halves: a heartbeat must say what was said before.
        let half = routes / 2;
        let about = match noise {
            Noise::Heartbeats | Noise::Quiet => 0..half,
            Noise::Changes => half..routes,
        };
        let feed = Feed::connect(&self.line.broker).await?;
        Ok(Some(feed.beat(
            Messages::plain(self.backend),
            about,
            rate,
            rhythm,
        )))
    }
}

impl Noise {
    fn name(self) -> &'static str {
        match self {
            Self::Quiet => QUIET,
            Self::Heartbeats => HEARTBEATS,
            Self::Changes => "pointsman, 1000 changes/s",
        }
    }
}

async fn latencies(target: Target, run: &Run) -> std::io::Result<open::Latencies> {
    let plan = open::Plan {
        target,
        connections: CONNECTIONS,
        rate: RATE,
        warm_up: WARM_UP,
        duration: run.options.duration * LONGER,
    };
    blocking(run.options.cores, move || {
        // Broker and control plane share this core; what they take from the load is no latency of the proxy.
        let _refused = take_precedence();
        open::run(plan)
    })
    .await
}

fn latency_sample(subject: &str, round: usize, seen: &open::Latencies) -> Sample {
    let milliseconds = |quantile| seen.times.value_at_quantile(quantile) as f64 / 1e3;
    Sample::new(Workload::Latency, subject, round)
        .with_tally(&seen.tally)
        .with(Figure::P50, milliseconds(0.5))
        .with(Figure::P99, milliseconds(0.99))
        .with(Figure::P999, milliseconds(0.999))
}
