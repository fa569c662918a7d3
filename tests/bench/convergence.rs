//! How long a change takes to a replica, and to the first request that it answers, in a fleet of a hundred.
//!
//! A real data plane is asked for a route that is new, again and again until it answers it. The other replicas are
//! played: each reads everything that the control plane sends and acks it, and notes when the new route came, decoded,
//! out of its socket. One of them begins anew again and again, so that there is always a snapshot under way. Beside
//! that there are heartbeats, and changes of other routes.

mod replica;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use pointsman_tests::{Client, Process};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::Run;
use crate::backend::{self, Manners};
use crate::client::host;
use crate::ours::feed::{Rhythm, packed};
use crate::ours::{BOUND, DataPlane, Feed, Line, Messages, scrape};
use crate::sample::{Figure, Sample};
use crate::workload::Workload;

/// Data planes all in all: a real one, one that always takes a snapshot, and those that follow.
const REPLICAS: usize = 100;
/// Heartbeats per second.
const HEARTBEATS: u32 = 5_000;
/// Changes per second of other routes.
const CHANGES: u32 = 500;
/// Between two new routes.
const BETWEEN: Duration = Duration::from_millis(40);
/// New routes that are timed in a round.
const PROBES: u32 = 500;
/// Between two requests for one that is not answered yet.
const AGAIN: Duration = Duration::from_millis(1);
/// When a new route was first heard of.
type Seen = Arc<Mutex<HashMap<String, Instant>>>;

/// The row of replicas.
pub(crate) const WIRE: &str = "at a replica";
/// The row of requests.
pub(crate) const ANSWER: &str = "first request answered";

/// Measures on all cores: everything shares the machine.
pub(crate) async fn run(run: Run) {
    run.options.cores.use_all();
    let backend = backend::start(run.options.cores, Manners::First);
    let line = Line::start().await;
    let routes = run.options.routes;
    let mut feed = Feed::connect(&line.broker).await.expect("the broker");
    let plain = Messages::plain(backend);
    let table = packed(&plain, 0..routes, 0);
    feed.publish(&table).await.expect("the broker");
    let data_plane = line.data_plane(DataPlane::default()).await;
    line.converged(1, routes.into()).await;
    let seen = Seen::default();
    let fleet = Fleet::join(&line, &seen).await;
    let beats = [
        (HEARTBEATS, Rhythm::Heartbeats, routes / 2..routes),
        (CHANGES, Rhythm::Changes { from: 1 }, 0..routes / 2),
    ];
    let mut beating = Vec::new();
    for (rate, rhythm, range) in beats {
        let feed = Feed::connect(&line.broker).await.expect("the broker");
        beating.push(feed.beat(Messages::plain(backend), range, rate, rhythm));
    }
    let times = probe(&mut feed, &plain, (&data_plane, routes), &seen).await;
    let snapshots = fleet.snapshots();
    drop((beating, fleet));
    let dropped = scrape(
        line.control_plane.address("admin"),
        "total_dropped_messages",
    )
    .await;
    for (subject, times, missing) in [
        (WIRE, times.wire, times.unseen),
        (ANSWER, times.answer, times.unanswered),
    ] {
        let millis = |quantile: f64| times.value_at_quantile(quantile) as f64 / 1000.0;
        run.findings.add(
            Sample::new(Workload::Convergence, subject, 1)
                .with(Figure::P50, millis(0.5))
                .with(Figure::P99, millis(0.99))
                .with(Figure::Errors, f64::from(missing))
                .with(Figure::Snapshots, snapshots as f64)
                .with(Figure::Dropped, dropped),
        );
    }
}

/// The replicas that are played. They leave when it is dropped.
struct Fleet {
    tasks: tokio::task::JoinSet<()>,
    snapshots: Arc<std::sync::atomic::AtomicU64>,
}

impl Fleet {
    /// Joins all of them, and waits until each holds the table.
    async fn join(line: &Line, seen: &Seen) -> Self {
        let address = line.control_plane.address("distribution");
        let mut tasks = tokio::task::JoinSet::new();
        let snapshots = Arc::default();
        // One takes the table, and the others say that they hold it: nobody here has the time to read it 98 times.
        let held = replica::snapshot(address, "first").await;
        let held = held.expect("a snapshot");
        for number in 2..REPLICAS {
            let replica = replica::connect(address, &format!("played-{number}"), held).await;
            let replica = replica.expect("a session");
            // One in the middle notes for all: they are served in no order.
            let seen = (number == REPLICAS / 2).then(|| Arc::clone(seen));
            tasks.spawn(replica.follow(move |host, now| {
                if let Some(seen) = &seen {
                    seen.lock().entry(host.to_owned()).or_insert(now);
                }
            }));
        }
        tasks.spawn(replica::take_snapshots(address, Arc::clone(&snapshots)));
        // All but the one that always begins anew.
        line.current(|current| current >= REPLICAS - 1, 1).await;
        Self { tasks, snapshots }
    }

    fn snapshots(&self) -> u64 {
        self.snapshots.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

/// What was timed, in microseconds.
struct Times {
    wire: Histogram<u64>,
    answer: Histogram<u64>,
    unseen: u32,
    unanswered: u32,
}

/// Publishes one new route after the other, and asks for each.
async fn probe(
    feed: &mut Feed,
    messages: &Messages,
    (data_plane, first): (&Process, u32),
    seen: &Seen,
) -> Times {
    let histogram = || Histogram::new_with_bounds(1, 60_000_000, 3).expect("sound bounds");
    let mut times = Times {
        wire: histogram(),
        answer: histogram(),
        unseen: 0,
        unanswered: 0,
    };
    let mut ticks = interval(BETWEEN);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let address = data_plane.address("http");
    for route in first..first + PROBES {
        ticks.tick().await;
        let packet = packed(messages, route..route + 1, 0);
        let begin = Instant::now();
        feed.publish(&packet).await.expect("the broker");
        let micros = |then: Instant| {
            u64::try_from(then.duration_since(begin).as_micros()).unwrap_or(u64::MAX)
        };
        match timeout(BOUND, answered(address, route)).await {
            Ok(()) => times.answer.saturating_record(micros(Instant::now())),
            Err(_elapsed) => times.unanswered += 1,
        }
        match came(seen, &host(route)).await {
            Some(then) => times.wire.saturating_record(micros(then)),
            None => times.unseen += 1,
        }
    }
    times
}

async fn answered(data_plane: SocketAddr, route: u32) {
    let host = host(route);
    let mut client = Client::connect(data_plane).await;
    loop {
        match client.get(&host, "/").await {
            Ok(answer) if answer.status == 200 => return,
            Ok(_) => {}
            Err(_closed) => client = Client::connect(data_plane).await,
        }
        sleep(AGAIN).await;
    }
}

async fn came(seen: &Seen, host: &str) -> Option<Instant> {
    let look = async {
        loop {
            if let Some(then) = seen.lock().get(host) {
                return *then;
            }
            sleep(AGAIN).await;
        }
    };
    timeout(BOUND, look).await.ok()
}
