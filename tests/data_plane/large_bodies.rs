//! Bodies that are far larger than the memory that they may take, in the binary as it is shipped.
//!
//! `POINTSMAN_FULL`, which `.ci/full` sets, makes them ten gibibytes.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Endpoint, Fleet, environment, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::support::{BOUND, Plane, Setup, head};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// What a body may add to the memory of the process.
const MOST: u64 = 2 * MIB;

const HOST: &str = "app.example.com";

/// How large the bodies are.
fn size() -> u64 {
    if environment("POINTSMAN_FULL").is_some() {
        10 * GIB
    } else {
        512 * MIB
    }
}

/// An endpoint that takes any body and answers with its length, and that sends as many bytes as
/// the path says.
async fn endpoint() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket));
        }
    });
    address
}

async fn serve(mut socket: TcpStream) -> std::io::Result<()> {
    let piece = vec![b'x'; 256 * 1024];
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = socket.read_u8().await else {
                return Ok(());
            };
            head.push(byte);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let number = |text: Option<&str>| text.and_then(|text| text.trim().parse().ok());
        let field = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: u64 = number(field).unwrap_or_default();
        let mut left = length;
        while left > 0 {
            let read = socket.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            left -= read as u64;
        }
        let path = head.split(' ').nth(1).unwrap_or_default();
        let wanted: u64 = number(path.get(1..)).unwrap_or_default();
        let body = length.to_string();
        let total = if wanted > 0 {
            wanted
        } else {
            body.len() as u64
        };
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n");
        socket.write_all(answer.as_bytes()).await?;
        if wanted == 0 {
            socket.write_all(body.as_bytes()).await?;
        }
        let mut left = wanted;
        while left > 0 {
            let part = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let sent = socket.write(&piece[..part]).await?;
            left -= sent as u64;
        }
    }
}

/// Gets this many bytes.
async fn download(router: SocketAddr, size: u64) {
    let mut socket = TcpStream::connect(router).await.expect("the data plane");
    let request = format!("GET /{size} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    socket
        .write_all(request.as_bytes())
        .await
        .expect("it takes a request");
    let mut buffer = vec![0; 256 * 1024];
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.expect("a head"));
    }
    assert!(
        head.starts_with(b"HTTP/1.1 200"),
        "{:?}",
        String::from_utf8_lossy(&head)
    );
    let mut left = size;
    while left > 0 {
        let read = socket.read(&mut buffer).await.expect("more of the body");
        assert!(read > 0, "{left} bytes are missing");
        left -= read as u64;
    }
}

/// Sends this many bytes.
async fn upload(router: SocketAddr, size: u64) {
    let mut socket = TcpStream::connect(router).await.expect("the data plane");
    let request = format!("PUT / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {size}\r\n\r\n");
    socket
        .write_all(request.as_bytes())
        .await
        .expect("it takes a request");
    let piece = vec![b'x'; 256 * 1024];
    let mut left = size;
    while left > 0 {
        let part = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        socket
            .write_all(&piece[..part])
            .await
            .expect("it takes the body");
        left -= part as u64;
    }
    let wanted = size.to_string();
    let mut answer = Vec::new();
    while !answer.ends_with(wanted.as_bytes()) {
        let read = socket.read_buf(&mut answer).await.expect("an answer");
        assert!(read > 0, "{:?}", String::from_utf8_lossy(&answer));
    }
}

/// A line of the status of a process, in bytes.
fn status(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim_matches([':', '\t', ' ']).strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number of KiB")
        * KIB
}

/// L-10: a body of any length moves, in each direction, within 2 MiB of memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_any_length_moves_in_two_mebibytes() {
    let fleet = Fleet::start(1).await;
    let message = Emitted::plain(HOST, endpoint().await, 0);
    fleet.register(&message, HOST).await;
    let router = fleet.routers()[0];
    let process = fleet.data_planes[0].id();
    // Whatever each worker takes once: its buffers for bulk, which it keeps.
    for _ in 0..4 {
        upload(router, 4 * MIB).await;
        download(router, 4 * MIB).await;
    }
    let before = status(process, "VmRSS");
    upload(router, size()).await;
    download(router, size()).await;
    let peak = status(process, "VmHWM");
    let more = peak.saturating_sub(before);
    assert!(
        more <= MOST,
        "{} KiB more than the {} before",
        more / KIB,
        before / KIB
    );
}

/// L-10: beside a client that takes 1 MiB a second, the endpoint is stopped within 1 MiB and what
/// the system's own buffers hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_is_stopped_beside_a_slow_reader() {
    let endpoint = Endpoint::with(|_| Answer::Large(GIB)).await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    client.read_head().await;
    let buffers: u64 = ["tcp_rmem", "tcp_wmem"].map(most_of).iter().sum();
    let mut taken = 0;
    for _ in 0..30 {
        // The pace is the behaviour.
        sleep(Duration::from_millis(100)).await;
        taken += client.read_exactly(104_858).await.len() as u64;
        let ahead = endpoint.body_bytes_sent() - taken;
        assert!(
            ahead <= 2 * buffers + MIB,
            "{ahead} bytes ahead, {buffers} a hop"
        );
    }
}

/// The most that the system keeps in one buffer of a connection.
fn most_of(name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).expect("a setting");
    let last = text
        .split_whitespace()
        .last()
        .and_then(|most| most.parse().ok());
    last.expect("three numbers")
}

/// Two hundred clients that take nothing are cut in the end, each of them, and counted (L-09).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_take_nothing_are_cut() {
    let endpoint = Endpoint::with(|_| Answer::Large(64 * MIB)).await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| {
            settings.workers = NonZeroUsize::new(1);
            settings.timeouts.client_stall = Duration::from_secs(4);
        })
        .start();
    let mut clients = Vec::new();
    for _ in 0..200 {
        let mut client = plane.connect().await;
        client.write(head("GET /", &[]).as_bytes()).await;
        clients.push(client);
    }
    for client in &mut clients {
        assert_eq!(client.read_head().await.status, 200);
    }
    plane
        .until("each is cut", |totals| totals.broken_off == 200)
        .await;
    assert_eq!(plane.settled().await.clients_stalled, 200);
    endpoint.script(|_| Reply::text("well").into());
    assert_eq!(plane.get("/").await.body, b"well");
    eventually(
        "the endpoint's connections are closed",
        BOUND,
        async || match endpoint.open_connections() {
            0..=1 => Ok(()),
            open => Err(format!("{open} open")),
        },
    )
    .await;
}
