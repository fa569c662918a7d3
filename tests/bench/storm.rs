//! Five hundred data planes that lose their control plane in one moment and turn to the one that takes its place.
//!
//! The clients are those of the data plane, each with a table of its own, over mutual TLS, with one of four filters.
//! The control plane that comes is a stranger to all of them: each takes a snapshot. It hears its registrations while
//! they come.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pointsman_data_plane::failing;
use pointsman_data_plane::subscription::{
    ControlPlane, Follower, HEARTBEAT, Identity, Lifetimes, Link, Load, Parts, Status, Subscription,
};
use pointsman_data_plane::table::{TableHandle, publication};
use pointsman_process::configuration::HostPort;
use pointsman_process::readiness::Readiness;
use pointsman_proto::v1::{SegmentFilter, SegmentMode};
use pointsman_tests::certs::Authority;
use pointsman_tests::eventually;
use rustls::ClientConfig;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Run;
use crate::machine::Memory;
use crate::ours::feed::packed;
use crate::ours::{self, BOUND, Feed, Line, Messages};
use crate::sample::{Figure, Sample};
use crate::workload::Workload;

/// Data planes.
const CLIENTS: usize = 500;
/// Every one of them holds a table, so it is smaller than those of other workloads by this.
const SMALLER: u32 = 20;
/// The segments that hold the routes, in equal parts; the empty one is the shared one.
const SEGMENTS: [&str; 3] = ["", "is1", "is2"];
/// For how long the least is looked for that is held at rest.
const REST: Duration = Duration::from_secs(6);
/// The name in the certificate of the data planes.
const NAME: &str = "fleet";
/// The subject of the row.
pub(crate) const SUBJECT: &str = "500 data planes";

/// Measures once.
pub(crate) async fn run(run: Run) {
    run.options.cores.use_all();
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new("bench");
    let mut line = Line::start_as(ours::ControlPlane {
        distribution: &distribution(&authority, folder.path()),
        ..ours::ControlPlane::default()
    })
    .await;
    let routes = run.options.routes / SMALLER;
    publish(&line, routes).await;
    let mut client = (*authority.client_config(Some(&authority.client(&[NAME])))).clone();
    client.alpn_protocols = vec![b"h2".to_vec()];
    let client = Arc::new(client);
    let address = line.control_plane.address("distribution");
    let clients = (0..CLIENTS).map(|number| Client::start(number, address, &client));
    let clients: Vec<_> = clients.collect();
    all_current(&line, &clients, routes, 0).await;
    let former = clients[0].status.borrow().epoch;
    let before = at_rest(line.control_plane.id()).await;
    line.restart_control_plane().await;
    let begin = Instant::now();
    publish(&line, routes).await;
    all_current(&line, &clients, routes, former).await;
    let took = begin.elapsed();
    let peak = Memory::of(line.control_plane.id()).peak;
    let after = at_rest(line.control_plane.id()).await;
    drop(clients);
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    run.findings.add(
        Sample::new(Workload::Storm, SUBJECT, 1)
            .with(Figure::Routes, f64::from(routes))
            .with(Figure::Seconds, took.as_secs_f64())
            .with(Figure::Resident, mebibytes(before.min(after)))
            .with(Figure::Peak, mebibytes(peak))
            .with(Figure::StormPeak, peak as f64 / before.min(after) as f64),
    );
}

/// Mutual TLS, and all segments for whoever shows the name.
fn distribution(authority: &Authority, folder: &Path) -> String {
    let server = authority
        .server(&["127.0.0.1"])
        .write(folder, "control-plane");
    let ca = authority.write(folder, "authority");
    format!(
        "  tls: {{ certificate: {}, key: {}, client_ca: {} }}\n  segments: {{ {NAME}: ['*'] }}\n",
        server.certificate.display(),
        server.key.display(),
        ca.display()
    )
}

async fn publish(line: &Line, routes: u32) {
    let mut feed = Feed::connect(&line.broker).await.expect("the broker");
    let part = routes / 3;
    for (number, segment) in (0..).zip(SEGMENTS) {
        let messages = Messages::tls_in(segment);
        let packet = packed(&messages, number * part..(number + 1) * part, 0);
        feed.publish(&packet).await.expect("the broker");
    }
}

/// Waits until every data plane has exactly what its filter lets through, all of it from another life of the control plane
/// than the former one, and has acked it.
async fn all_current(line: &Line, clients: &[Client], routes: u32, former: u64) {
    let part = u64::from(routes / 3);
    eventually("every data plane to be current", BOUND, async || {
        let behind = |(number, client): &(usize, &Client)| {
            !client.is_current(part * segments_seen(*number), former)
        };
        match clients.iter().enumerate().filter(behind).count() {
            0 => Ok(()),
            behind => Err(format!("{behind} are behind")),
        }
    })
    .await;
    // The smallest view holds one of the segments.
    line.converged(CLIENTS, part).await;
}

/// How many of the segments a filter lets through.
fn segments_seen(number: usize) -> u64 {
    match number % 4 {
        0 => 3,
        1 | 2 => 2,
        _ => 1,
    }
}

/// The four filters, in turn.
fn filter(number: usize) -> SegmentFilter {
    let (mode, segments): (_, &[&str]) = match number % 4 {
        0 => (SegmentMode::All, &[]),
        1 => (SegmentMode::SharedAndSegments, &["is1"]),
        2 => (SegmentMode::SharedAndSegments, &["is2"]),
        _ => (SegmentMode::Segments, &["is1"]),
    };
    SegmentFilter {
        mode: mode.into(),
        segments: segments.iter().map(|&segment| segment.to_owned()).collect(),
    }
}

/// A data plane that routes nothing.
struct Client {
    task: JoinHandle<()>,
    table: TableHandle,
    status: watch::Receiver<Status>,
}

impl Client {
    fn start(number: usize, address: SocketAddr, tls: &Arc<ClientConfig>) -> Self {
        let identity = Identity {
            id: format!("client-{number}"),
            name: format!("client-{number}"),
            zone: String::new(),
            filter: filter(number),
            any_host: false,
        };
        let (publisher, table) = publication();
        let (_nothing_fails, failures) = failing::channel();
        let (status, shown) = watch::channel(Status::default());
        let server = HostPort {
            host: address.ip().to_string(),
            port: address.port(),
        };
        let subscription = Subscription::new(Parts {
            follower: Follower::new(identity, fastrand::u64(..)),
            publisher,
            control_planes: vec![ControlPlane {
                name: address.to_string(),
                link: Link::Tls(server, Arc::clone(tls)),
            }],
            heartbeat: HEARTBEAT,
            origin: Instant::now(),
            restore: None,
            lifetimes: Lifetimes::default(),
            ready: Readiness::new().condition("table", "nothing came yet"),
            failures,
            load: Arc::new(Load::default),
            draining: CancellationToken::new(),
            status,
            switches: Arc::default(),
        });
        Self {
            task: tokio::spawn(subscription.run(CancellationToken::new())),
            table,
            status: shown,
        }
    }

    fn is_current(&self, routes: u64, former: u64) -> bool {
        let status = self.status.borrow();
        let left_over = status.unconfirmed + status.orphans + status.held_removals;
        status.epoch != former && left_over == 0 && self.table.load().routes() == routes
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The least that a process has resident within a while.
async fn at_rest(pid: u32) -> u64 {
    let (begin, mut least) = (Instant::now(), u64::MAX);
    while begin.elapsed() < REST {
        least = least.min(Memory::of(pid).resident);
        tokio::time::sleep(REST / 20).await;
    }
    least
}
