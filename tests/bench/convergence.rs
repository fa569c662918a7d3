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
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::Run;
use crate::backend::{self, Manners};
use crate::client::host;
use crate::machine::CpuTime;
use crate::ours::feed::{Rhythm, packed};
use crate::ours::{BOUND, DataPlane, Feed, Line, Messages, scrape};
use crate::sample::{Figure, Sample};
use crate::workload::Workload;

/// Data planes all in all: a real one, one that always takes a snapshot, and those that follow.
const REPLICAS: usize = 100;
/// The same in a fleet that leaves a machine of two cores time to spare, to tell what is ours from what is its.
const FEW: usize = 25;
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
/// What the threads of those are called that are played.
const PLAYED: &str = "played";

/// Measures on all cores: everything shares the machine.
pub(crate) async fn run(run: Run) {
    run.options.cores.use_all();
    let all = [WIRE, ANSWER].map(str::to_owned);
    Box::pin(measure(&run, REPLICAS, all)).await;
    let few = [WIRE, ANSWER].map(|subject| format!("{subject}, of {FEW}"));
    Box::pin(measure(&run, FEW, few)).await;
}

async fn measure(run: &Run, replicas: usize, subjects: [String; 2]) {
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
    let fleet = Fleet::join(&line, replicas, &seen).await;
    let beats = [
        (HEARTBEATS, Rhythm::Heartbeats, routes / 2..routes),
        (CHANGES, Rhythm::Changes { from: 1 }, 0..routes / 2),
    ];
    let mut beating = Vec::new();
    for (rate, rhythm, range) in beats {
        let feed = Feed::connect(&line.broker).await.expect("the broker");
        beating.push(feed.beat(Messages::plain(backend), range, rate, rhythm));
    }
    let begun = Instant::now();
    let used = Used::by(begun, &line, &data_plane);
    let times = probe(&mut feed, &plain, (&data_plane, routes), &seen).await;
    let used = used.until(&Used::by(begun, &line, &data_plane));
    let snapshots = fleet.snapshots();
    drop((beating, fleet));
    let dropped = scrape(
        line.control_plane.address("admin"),
        "total_dropped_messages",
    )
    .await;
    let measured = [(times.wire, times.unseen), (times.answer, times.unanswered)];
    for (subject, (times, missing)) in subjects.into_iter().zip(measured) {
        let millis = |quantile: f64| times.value_at_quantile(quantile) as f64 / 1000.0;
        let sample = Sample::new(Workload::Convergence, subject, 1)
            .with(Figure::P50, millis(0.5))
            .with(Figure::P99, millis(0.99))
            .with(Figure::Errors, f64::from(missing))
            .with(Figure::Snapshots, snapshots as f64)
            .with(Figure::Dropped, dropped);
        run.findings.add(used.shown(sample));
    }
}

/// The replicas that are played. They leave when it is dropped.
struct Fleet {
    /// Threads of their own, so that what they use can be told from what the publisher uses; and one for the replica that
    /// is watched, so that what comes is not noted when the others have been read, but when it came.
    threads: [Option<Runtime>; 2],
    snapshots: Arc<std::sync::atomic::AtomicU64>,
}

impl Fleet {
    /// Joins all of them, and waits until each holds the table.
    async fn join(line: &Line, replicas: usize, seen: &Seen) -> Self {
        let address = line.control_plane.address("distribution");
        let threads = |workers| {
            Builder::new_multi_thread()
                .worker_threads(workers)
                .thread_name(PLAYED)
                .enable_all()
                .build()
                .expect("threads")
        };
        let (threads, watched) = (threads(2), threads(1));
        let snapshots = Arc::default();
        // One takes the table, and the others say that they hold it: nobody here has the time to read it 98 times.
        let held = replica::snapshot(address, "first").await;
        let held = held.expect("a snapshot");
        for number in 2..replicas {
            // One in the middle notes for all: they are served in no order.
            let seen = (number == replicas / 2).then(|| Arc::clone(seen));
            let threads = if seen.is_some() { &watched } else { &threads };
            threads.spawn(async move {
                let replica = replica::connect(address, &format!("played-{number}"), held).await;
                let follow = replica.expect("a session").follow(move |host, now| {
                    if let Some(seen) = &seen {
                        seen.lock().entry(host.to_owned()).or_insert(now);
                    }
                });
                follow.await;
            });
        }
        threads.spawn(replica::take_snapshots(address, Arc::clone(&snapshots)));
        // All but the one that always begins anew.
        line.current(|current| current >= replicas - 1, 1).await;
        Self {
            threads: [Some(threads), Some(watched)],
            snapshots,
        }
    }

    fn snapshots(&self) -> u64 {
        self.snapshots.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // It may be dropped where one may not wait.
        for threads in self.threads.iter_mut().filter_map(Option::take) {
            threads.shutdown_background();
        }
    }
}

/// CPU time, by who used it.
struct Used {
    /// On the wall.
    clock: Duration,
    control_plane: Duration,
    data_plane: Duration,
    played: Duration,
    rest: Duration,
}

impl Used {
    /// What was used up to now; the publisher and who asks are the rest.
    fn by(begun: Instant, line: &Line, data_plane: &Process) -> Self {
        let played = CpuTime::of_threads(&[PLAYED]).total();
        let all = CpuTime::of(std::process::id()).total();
        Self {
            clock: begun.elapsed(),
            control_plane: CpuTime::of(line.control_plane.id()).total(),
            data_plane: CpuTime::of(data_plane.id()).total(),
            played,
            rest: all.saturating_sub(played),
        }
    }

    /// What was used between this and `then`.
    fn until(&self, then: &Self) -> Self {
        Self {
            clock: then.clock.saturating_sub(self.clock),
            control_plane: then.control_plane.saturating_sub(self.control_plane),
            data_plane: then.data_plane.saturating_sub(self.data_plane),
            played: then.played.saturating_sub(self.played),
            rest: then.rest.saturating_sub(self.rest),
        }
    }

    /// As shares of one core.
    fn shown(&self, sample: Sample) -> Sample {
        let share = |used: Duration| used.as_secs_f64() / self.clock.as_secs_f64();
        sample
            .with(Figure::ControlPlaneShare, share(self.control_plane))
            .with(Figure::DataPlaneShare, share(self.data_plane))
            .with(Figure::ReplicasShare, share(self.played))
            .with(Figure::LoadShare, share(self.rest))
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
