//! Tunnels through the whole line, and what they hold of the machine.

use std::time::Duration;

use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::fleet::{BOUND, Fleet, More};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Broker, Endpoint, Process, RawConnection, eventually};
use rustix::process::Signal;

const HOST: &str = "chat.example.com";

/// The close frame of a router that goes away.
const GOING_AWAY: [u8; 4] = [0x88, 0x02, 0x03, 0xe9];

async fn endpoint() -> Endpoint {
    Endpoint::with(|head| match head.header("upgrade") {
        Some(_) => Answer::Upgrade,
        None => Reply::text("plain").into(),
    })
    .await
}

async fn fleet(more: &str) -> (Fleet, Endpoint) {
    let more = More {
        data_plane: more,
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 1, more).await;
    let endpoint = endpoint().await;
    let message = Emitted::plain(HOST, endpoint.address(), 0);
    fleet.register(&message, HOST).await;
    (fleet, endpoint)
}

/// A WebSocket that has carried something.
async fn websocket(fleet: &Fleet) -> RawConnection {
    let mut client = RawConnection::connect(fleet.routers()[0]).await;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    );
    client.write(request.as_bytes()).await;
    assert_eq!(client.read_head().await.status, 101);
    let frame = [0x82, 2, b'h', b'i'];
    client.write(&frame).await;
    assert_eq!(client.read_exactly(frame.len()).await, frame);
    client
}

fn proc_path(process: &Process, name: &str) -> String {
    format!("/proc/{}/{name}", process.id())
}

fn descriptors(process: &Process) -> usize {
    let open = std::fs::read_dir(proc_path(process, "fd"));
    open.expect("a running process").count()
}

fn resident(process: &Process) -> u64 {
    let status = std::fs::read_to_string(proc_path(process, "status"));
    let status = status.expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}

/// when one side of a tunnel is gone, both its sockets are free within two seconds.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_tunnel_is_let_go() {
    let (fleet, mut endpoint) = fleet("").await;
    let data_plane = &fleet.data_planes[0];
    let before = descriptors(data_plane);
    let free = async |what: &str, most: usize| {
        eventually(what, Duration::from_secs(5), async || {
            let open = descriptors(data_plane);
            if open <= most {
                Ok(())
            } else {
                Err(format!("{open} descriptors, and {most} before"))
            }
        })
        .await;
    };
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(websocket(&fleet).await);
    }
    assert!(descriptors(data_plane) > before + 90);
    drop(clients);
    free("clients that are gone", before).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(websocket(&fleet).await);
    }
    endpoint.close().await;
    // The clients are still there, and say nothing.
    free("an endpoint that is gone", before).await;
    drop(clients);
}

/// An idle tunnel holds two sockets and little memory.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_tunnel_is_small() {
    const TUNNELS: u64 = 400;
    let (fleet, _endpoint) = fleet("workers: 1\n").await;
    let data_plane = &fleet.data_planes[0];
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(websocket(&fleet).await);
    }
    let before = resident(data_plane);
    for _ in 0..TUNNELS {
        clients.push(websocket(&fleet).await);
    }
    let each = resident(data_plane).saturating_sub(before) / TUNNELS;
    println!("{each} bytes for each idle tunnel");
    assert!(each <= 16 * 1024, "{each} bytes for each idle tunnel");
}

/// in a drain a WebSocket is told 1001, and one that does not go is cut when the time is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_tells_and_then_cuts() {
    let (mut fleet, _endpoint) = fleet("drain: {wait: 0s, timeout: 3s}\n").await;
    let mut polite = websocket(&fleet).await;
    let mut stubborn = websocket(&fleet).await;
    fleet.data_planes[0].signal(Signal::TERM);
    assert_eq!(polite.read_exactly(4).await, GOING_AWAY);
    assert_eq!(stubborn.read_exactly(4).await, GOING_AWAY);
    polite.finish().await.expect("the data plane is there");
    assert_eq!(polite.read_to_end().await, b"");
    assert_eq!(stubborn.read_to_end().await, b"");
    let ended = fleet.data_planes[0].ended(BOUND).await;
    assert!(ended.success(), "{ended}");
}
