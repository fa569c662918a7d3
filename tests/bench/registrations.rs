//! How long many routes take from their publication to their first answers.
//!
//! Routes are published in one go, as route-emitter does when it starts or when NATS comes back, so what is answered
//! last was published last. That it was not alone is checked afterwards: by the number of routes that each data plane
//! serves, and by asking for one in twenty of them.

use std::net::SocketAddr;

use pointsman_tests::{Client, Process, eventually};
use tokio::time::Instant;

use crate::Run;
use crate::client::host;
use crate::ours::feed::{Rhythm, packed};
use crate::ours::{BOUND, DataPlane, Feed, Line, Messages, scrape};
use crate::sample::{Figure, Sample};
use crate::workload::Workload;

/// The most rounds, each of which registers three times as many routes as it says.
const ROUNDS: usize = 3;
/// Heartbeats per second beside the registrations of the last row.
const HEARTBEATS: u32 = 5_000;
/// Which share of the routes is asked for afterwards.
const STEP: usize = 20;

/// Measures on all cores: broker, control plane, both data planes and the publisher share the machine.
pub(crate) async fn run(run: Run) {
    run.options.cores.use_all();
    for round in 1..=run.options.rounds.min(ROUNDS) {
        let mut stage = Stage::set().await;
        let count = run.options.routes;
        stage.publish("fresh", 0..count, round, &run).await;
        // The same routes again to a control plane that has never heard of any, and one more to know the end by.
        stage.change_epoch().await;
        stage
            .publish("stranger epoch", 0..count + 1, round, &run)
            .await;
        let known = Feed::connect(&stage.line.broker).await.expect("the broker");
        let beat = known.beat(Messages::tls(), 0..count, HEARTBEATS, Rhythm::Heartbeats);
        let others = count + 1..2 * count + 1;
        stage
            .publish("beside 5000 heartbeats/s", others, round, &run)
            .await;
        drop(beat);
    }
}

struct Stage {
    line: Line,
    data_planes: Vec<Process>,
    feed: Feed,
}

impl Stage {
    async fn set() -> Self {
        let line = Line::start().await;
        let feed = Feed::connect(&line.broker).await.expect("the broker");
        let mut data_planes = Vec::new();
        for _ in 0..2 {
            data_planes.push(line.data_plane(DataPlane::default()).await);
        }
        let stage = Self {
            line,
            data_planes,
            feed,
        };
        stage.follow().await;
        stage
    }

    /// Replaces the control plane by one that knows nothing, and waits until both data planes follow it.
    async fn change_epoch(&mut self) {
        self.line.restart_control_plane().await;
        self.follow().await;
    }

    async fn follow(&self) {
        self.line.converged(self.data_planes.len(), 0).await;
    }

    async fn publish(&mut self, what: &str, routes: std::ops::Range<u32>, round: usize, run: &Run) {
        let (packet, last) = (packed(&Messages::tls(), routes.clone(), 0), routes.end - 1);
        let addresses = self
            .data_planes
            .iter()
            .map(|process| process.address("http"));
        let addresses: Vec<_> = addresses.collect();
        let began = Instant::now();
        let (published, ()) = tokio::join!(self.feed.publish(&packet), answered(&addresses, last));
        let elapsed = began.elapsed();
        published.expect("the broker");
        let missing = self.missing(routes, what.len()).await;
        if let Some(first) = missing.first() {
            run.findings.note(format!("{what}, round {round}: {first}"));
        }
        run.findings.add(
            Sample::new(Workload::Registrations, what, round)
                .with(Figure::Seconds, elapsed.as_secs_f64())
                .with(Figure::Errors, missing.len() as f64),
        );
    }

    /// What a data plane does not serve, now that it answers the last. The offset keeps one stage from asking for what
    /// the one before has asked for: an endpoint that was asked for has failed, and failures have consequences.
    async fn missing(&self, routes: std::ops::Range<u32>, offset: usize) -> Vec<String> {
        let mut missing = Vec::new();
        for data_plane in &self.data_planes {
            let served = scrape(data_plane.address("admin"), "total_routes").await;
            if served < f64::from(routes.end) {
                missing.push(format!("{served} routes are served"));
            }
            for route in routes.clone().skip(offset).step_by(STEP) {
                if let Err(why) = known(data_plane.address("http"), route).await {
                    missing.push(format!("{}: {why}", host(route)));
                }
            }
        }
        missing
    }
}

/// Waits until each data plane answers this route by something else than 404. Nobody listens at its instance: that a
/// data plane says so is the answer.
async fn answered(data_planes: &[SocketAddr], route: u32) {
    for &data_plane in data_planes {
        eventually("the last route to be answered", BOUND, async || {
            known(data_plane, route).await
        })
        .await;
    }
}

/// Whether a data plane knows the route; if not, what it answers instead.
async fn known(data_plane: SocketAddr, route: u32) -> Result<(), String> {
    let mut client = Client::connect(data_plane).await;
    let answer = client.get(&host(route), "/").await;
    let answer = answer.map_err(|failure| failure.to_string())?;
    if answer.status == 404 {
        Err(format!(
            "404 {}",
            answer.header("x-cf-routererror").unwrap_or_default()
        ))
    } else {
        Ok(())
    }
}
