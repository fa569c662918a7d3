//! What one core of the control plane absorbs: registrations that are new, and the same again as heartbeats.
//!
//! The control plane is alone on the first core; broker and publisher have the others. What counts is the CPU time of
//! its process per message, for broker and publisher cost more than it does: a publisher that is not fast enough would
//! else be what is measured. The library that speaks NATS is measured by itself as well, with a subscriber that only
//! counts: no control plane on top of it costs less.

use std::borrow::Borrow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pointsman_tests::Broker;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tokio_stream::StreamExt as _;

use crate::Run;
use crate::machine::CpuTime;
use crate::ours::feed::packed;
use crate::ours::{ControlPlane, Feed, Line, Messages, scrape_sum};
use crate::report::{AGAIN, CLIENT, NEW, UNTOUCHED};
use crate::sample::{Figure, Sample};
use crate::workload::Workload;

/// The most rounds: they are short, and what a host does to one of them is as much as what is measured.
const ROUNDS: usize = 9;
/// Messages that are published at once.
pub(crate) const CHUNK: u32 = 10_000;
/// Messages that may be on their way: enough that nobody waits, and fewer than are ever dropped.
const UNDERWAY: u64 = 40_000;
/// How often every route sends a heartbeat in a round.
const BEATS: u64 = 5;
/// Between two looks at how many were absorbed. The control plane answers each of them from the time that is measured, so
/// they are few: often enough that it never waits for what is published.
const LOOK: Duration = Duration::from_millis(20);
/// Longer than Linux waits until it reports free memory to a host.
const REPORTED: Duration = Duration::from_secs(4);
/// What is not absorbed within this is missing.
const PATIENCE: Duration = Duration::from_secs(20);
/// The name of the thread that only counts.
const COUNTER: &str = "counter";

/// Messages, and how many they are.
pub(crate) type Packet = (u64, Vec<u8>);

/// Measures each round with a fresh control plane.
pub(crate) async fn run(run: Run) {
    run.options.cores.leave_the_proxy_alone();
    let routes = run.options.routes;
    let chunks = (0..routes).step_by(CHUNK as usize);
    let chunks = chunks.map(|from| from..routes.min(from + CHUNK));
    let packets: Vec<Packet> = chunks
        .map(|chunk| {
            let messages = u64::from(chunk.end - chunk.start);
            (messages, packed(&Messages::tls(), chunk, 0))
        })
        .collect();
    for round in 1..=run.options.rounds.min(ROUNDS) {
        Box::pin(control_plane(&packets, round, &run)).await;
        client_alone(&packets, round, &run).await;
    }
}

/// A control plane alone on its core.
async fn start(run: &Run) -> Line {
    Line::start_as(ControlPlane {
        cores: Some(run.options.cores.proxy()),
        ..ControlPlane::default()
    })
    .await
}

/// Measures two of them, of which the second takes over the memory of the first. A virtual machine gets memory from its
/// host when it touches it, for the first time or again after a while; that takes as long as a registration, and says
/// nothing of us: the first one shows what it takes here.
async fn control_plane(packets: &[Packet], round: usize, run: &Run) {
    let line = start(run).await;
    let other = start(run).await;
    let cost = absorbed_of(&other, packets.iter()).await;
    run.findings.add(cost.sample(UNTOUCHED, round));
    // A guest reports its free memory to the host a while after some became free. What is given back after such a report,
    // and not long before one, is still there.
    sleep(REPORTED).await;
    drop(other);
    let cost = absorbed_of(&line, packets.iter()).await;
    run.findings.add(cost.sample(NEW, round));
    let beats = (0..BEATS).flat_map(|_| packets.iter());
    let cost = absorbed_of(&line, beats).await;
    run.findings.add(cost.sample(AGAIN, round));
}

/// What it costs a control plane to absorb these.
async fn absorbed_of(line: &Line, packets: impl Iterator<Item = impl Borrow<Packet>>) -> Cost {
    let mut feed = Feed::connect(&line.broker).await.expect("the broker");
    let (pid, admin) = (line.control_plane.id(), line.control_plane.address("admin"));
    let used = || CpuTime::of(pid);
    let absorbed = async || absorbed_by(admin).await;
    absorb(&mut feed, packets, used, &absorbed).await
}

/// The registrations that were parsed, and those that were recognised without that.
pub(crate) async fn absorbed_by(admin: SocketAddr) -> f64 {
    let counters = [
        "registry_message_total",
        "pointsman_registry_heartbeats_total",
    ];
    scrape_sum(admin, &counters).await
}

/// A thread that subscribes as the control plane does, and counts.
async fn client_alone(packets: &[Packet], round: usize, run: &Run) {
    let broker = Broker::start().await;
    let seen = Arc::new(AtomicU64::new(0));
    let (ready, is_ready) = oneshot::channel();
    let (server, count, cores) = (broker.address(), Arc::clone(&seen), run.options.cores);
    let work = move || {
        cores.join_the_proxy();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(COUNTER)
            .enable_all()
            .build()
            .expect("a runtime");
        let counting = runtime.spawn(subscribe(server, ready, count));
        // It ends with the connection, whose broker is this round's.
        let _ended = runtime.block_on(counting);
    };
    let thread = std::thread::spawn(work);
    is_ready.await.expect("a subscription");
    let mut feed = Feed::connect(&broker).await.expect("the broker");
    let beats = (0..BEATS).flat_map(|_| packets.iter());
    let heard = async || seen.load(Ordering::Relaxed) as f64;
    let used = || CpuTime::of_threads(&[COUNTER]);
    let cost = absorb(&mut feed, beats, used, &heard).await;
    run.findings.add(cost.sample(CLIENT, round));
    drop((feed, broker));
    tokio::task::yield_now().await;
    thread.join().expect("the subscriber");
}

async fn subscribe(server: String, ready: oneshot::Sender<()>, seen: Arc<AtomicU64>) {
    let client = async_nats::ConnectOptions::new()
        .subscription_capacity(65_536)
        .max_reconnects(1)
        .connect(server)
        .await
        .expect("the broker");
    let mut messages = client.subscribe("router.*").await.expect("a subscription");
    client.flush().await.expect("the broker");
    // Nobody waits any more when the whole run was given up.
    let _nobody_waits = ready.send(());
    while messages.next().await.is_some() {
        seen.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a number of messages cost.
pub(crate) struct Cost {
    messages: u64,
    pub(crate) missing: f64,
    used: CpuTime,
}

impl Cost {
    fn sample(&self, subject: &str, round: usize) -> Sample {
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / self.messages as f64;
        let whole = micros(self.used.total());
        Sample::new(Workload::Absorb, subject, round)
            .with(Figure::MessageCpu, whole)
            .with(Figure::MessageUser, micros(self.used.user))
            .with(Figure::MessageSystem, micros(self.used.system))
            .with(Figure::PerCore, 1e6 / whole)
            .with(Figure::Dropped, self.missing)
    }
}

/// Publishes all of it as fast as it is absorbed.
pub(crate) async fn absorb(
    feed: &mut Feed,
    packets: impl Iterator<Item = impl Borrow<Packet>>,
    used: impl Fn() -> CpuTime,
    absorbed: &impl AsyncFn() -> f64,
) -> Cost {
    let (begin, before) = (absorbed().await, used());
    let (mut sent, mut seen) = (0, 0.0);
    let mut until = async |least: u64| {
        let least = least as f64;
        let patience = Instant::now() + PATIENCE;
        while seen < least && Instant::now() < patience {
            sleep(LOOK).await;
            seen = absorbed().await - begin;
        }
        seen >= least
    };
    for packet in packets {
        let (messages, packet) = packet.borrow();
        feed.publish(packet).await.expect("the broker");
        sent += messages;
        let least = sent.saturating_sub(UNDERWAY);
        if !until(least).await {
            break;
        }
    }
    until(sent).await;
    Cost {
        messages: sent,
        missing: (sent as f64 - seen).max(0.0),
        used: used().since(before),
    }
}
