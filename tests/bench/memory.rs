//! What routes and idle connections hold.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tokio::time::Instant;

use crate::Run;
use crate::backend::Manners;
use crate::client::host;
use crate::machine::Memory;
use crate::ours::feed::packed;
use crate::ours::{DataPlane, Feed, Line, Messages, serves};
use crate::peers::{Setup, envoy, haproxy, nginx};
use crate::report::OURS;
use crate::sample::{Figure, Sample};
use crate::workload::Workload;
use crate::{backend, blocking};

/// Full re-registrations: every route gets another instance at the same address.
const TURNS: u32 = 2;
/// After a change of everything, a plane is at rest within this: data planes let go of what no worker and no connection
/// uses any more with each sign of life, five seconds apart.
const REST: Duration = Duration::from_secs(12);
/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Idle client connections.
const CONNECTIONS: u32 = 5_000;

/// Measures both, once: memory does not depend on the machine's mood.
pub(crate) async fn run(run: Run) {
    run.options.cores.use_all();
    Box::pin(routes(&run)).await;
    Box::pin(connections(&run)).await;
}

async fn routes(run: &Run) {
    let line = Line::start().await;
    let first = line.data_plane(DataPlane::default()).await;
    line.converged(1, 0).await;
    let (planes, routes) = ([first.id(), line.control_plane.id()], run.options.routes);
    let empty = planes.map(|pid| Memory::of(pid).resident);
    let mut feed = Feed::connect(&line.broker).await.expect("the broker");
    for turn in 0..=TURNS {
        // The last message of each turn is a new route, so that the end of the turn can be seen.
        let mut packet = packed(&Messages::tls(), 0..routes, turn);
        packet.extend(packed(
            &Messages::tls(),
            routes + turn..routes + turn + 1,
            turn,
        ));
        feed.publish(&packet).await.expect("the broker");
        line.converged(1, u64::from(routes + turn + 1)).await;
    }
    let held = at_rest(planes).await;
    let per_route = |at: usize| held[at].saturating_sub(empty[at]) as f64 / f64::from(routes);
    let second = line.data_plane(DataPlane::default()).await;
    line.converged(2, u64::from(routes + TURNS + 1)).await;
    let after = Memory::of(second.id());
    let above = |bytes: u64| bytes.saturating_sub(empty[0]) as f64;
    run.findings.add(
        Sample::new(Workload::Memory, "routes", 1)
            .with(Figure::DataPlaneRoute, per_route(0))
            .with(Figure::ControlPlaneRoute, per_route(1))
            .with(Figure::SnapshotPeak, above(after.peak) / above(held[0])),
    );
}

/// The least that each process has resident within the time in which it comes to rest.
async fn at_rest(planes: [u32; 2]) -> [u64; 2] {
    let resident = || planes.map(|pid| Memory::of(pid).resident);
    let (begin, mut least) = (Instant::now(), resident());
    while begin.elapsed() < REST {
        tokio::time::sleep(REST / 24).await;
        let now = resident();
        least = [least[0].min(now[0]), least[1].min(now[1])];
    }
    least
}

async fn connections(run: &Run) {
    let backend = backend::start(run.options.cores, Manners::Ordinary);
    let line = Line::start().await;
    let mut feed = Feed::connect(&line.broker).await.expect("the broker");
    let packet = packed(&Messages::plain(backend), 0..1, 0);
    feed.publish(&packet).await.expect("the broker");
    let ours = line.data_plane(DataPlane::default()).await;
    serves(ours.address("http"), 0).await;
    let setup = Setup {
        backend,
        access_log: false,
        tuned: true,
        routes: 1,
    };
    let cores = run.options.cores;
    let peers = [
        ("nginx, tuned", nginx::start(setup, cores).await),
        ("haproxy, tuned", haproxy::start(setup, cores).await),
        ("envoy", envoy::start(setup, cores).await),
    ];
    let mut subjects = vec![(OURS, ours.address("http"), ours.id())];
    for (name, peer) in &peers {
        match peer {
            Ok(peer) => subjects.push((name, peer.address(), peer.worker())),
            Err(why) => run
                .findings
                .note(format!("{name} did not take part: {why}")),
        }
    }
    for (name, address, pid) in subjects {
        let measured = blocking(cores, move || idle(address, pid)).await;
        match measured {
            Ok(bytes) => {
                let sample = Sample::new(Workload::Memory, name, 1);
                run.findings.add(sample.with(Figure::IdleConnection, bytes));
            }
            Err(why) => run
                .findings
                .note(format!("idle connections of {name}: {why}")),
        }
    }
}

/// Bytes of the process for each connection that has had one exchange and stays.
fn idle(address: std::net::SocketAddr, pid: u32) -> std::io::Result<f64> {
    // One connection first, for what is made once.
    let mut open = vec![exchange(address)?];
    let before = Memory::of(pid).resident;
    for _ in 0..CONNECTIONS {
        open.push(exchange(address)?);
    }
    let after = Memory::of(pid).resident;
    Ok(after.saturating_sub(before) as f64 / f64::from(CONNECTIONS))
}

fn exchange(address: std::net::SocketAddr) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    write!(socket, "GET / HTTP/1.1\r\nHost: {}\r\n\r\n", host(0))?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = socket.read(&mut buffer)?;
        answer.extend_from_slice(&buffer[..count]);
        let end = memchr::memmem::find(&answer, b"\r\n\r\n");
        if end.is_some_and(|end| answer.len() >= end + 4 + 1024) {
            return Ok(socket);
        }
        if count == 0 {
            return Err(std::io::Error::other("closed before an answer"));
        }
    }
}
