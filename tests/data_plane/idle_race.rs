//! Endpoints that close kept connections at the moment at which the next request comes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use pointsman_tests::{RawConnection, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::support::{Setup, head};

/// After which the endpoint closes.
const IDLE: Duration = Duration::from_millis(100);

/// How often each number was delivered.
type Delivered = Arc<Mutex<HashMap<String, usize>>>;

/// How many connections the endpoint has closed.
type Closed = Arc<AtomicUsize>;

/// An endpoint that closes a connection after [`IDLE`] without a request.
async fn endpoint() -> (SocketAddr, Delivered, Closed) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let delivered = Delivered::default();
    let closed = Closed::default();
    let (seen, gone) = (Arc::clone(&delivered), Arc::clone(&closed));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (seen, gone) = (Arc::clone(&seen), Arc::clone(&gone));
            tokio::spawn(async move {
                serve(socket, seen).await;
                gone.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    (address, delivered, closed)
}

async fn serve(mut socket: TcpStream, delivered: Delivered) {
    let mut input = Vec::new();
    loop {
        let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") else {
            match timeout(IDLE, socket.read_buf(&mut input)).await {
                Ok(Ok(1..)) => continue,
                _ => return,
            }
        };
        let rest = input.split_off(end + 4);
        let head = String::from_utf8_lossy(&std::mem::replace(&mut input, rest)).into_owned();
        let number = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("x-number")
                .then(|| value.trim().to_owned())
        });
        if let Some(number) = number {
            *delivered.lock().entry(number).or_default() += 1;
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        if socket.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// an endpoint closes at 100 ms, clients send at 99 ms: no GET and no POST is lost.
/// and no POST is delivered twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_to_a_connection_that_is_being_closed() {
    let (address, delivered, closed) = endpoint().await;
    let plane = Setup::new()
        .thing("app.test", address, |_| {})
        .with(|settings| settings.workers = NonZeroUsize::new(2))
        .start();
    // The endpoint is known once it has closed a connection, and the next request has come upon that.
    assert_eq!(plane.get("/").await.status, 200);
    eventually(
        "it to close",
        Duration::from_secs(10),
        async || match closed.load(Ordering::Relaxed) {
            0 => Err("open".to_owned()),
            _ => Ok(()),
        },
    )
    .await;
    assert_eq!(plane.get("/").await.status, 200);
    let mut clients = JoinSet::new();
    for client in 0..16 {
        let mut connection = RawConnection::connect(plane.address).await;
        clients.spawn(async move {
            for round in 0..25 {
                let number = format!("X-Number: {client}-{round}");
                let method = if (client + round) % 2 == 0 {
                    "POST /"
                } else {
                    "GET /"
                };
                let fields = [number.as_str(), "Content-Length: 0"];
                connection.write(head(method, &fields).as_bytes()).await;
                let answer = connection.read_answer().await;
                assert_eq!(answer.status, 200, "{method} {number}: {}", answer.head);
                // The race is the behaviour: a millisecond before the endpoint closes.
                sleep(IDLE - Duration::from_millis(1)).await;
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.expect("a client that lost nothing");
    }
    assert_eq!(plane.settled().await.bad_gateways, 0);
    let delivered = delivered.lock();
    assert_eq!(delivered.len(), 16 * 25);
    for (number, times) in delivered.iter() {
        let (client, round) = number.split_once('-').expect("two numbers");
        let sum =
            client.parse::<u32>().expect("a number") + round.parse::<u32>().expect("a number");
        assert!(
            *times == 1 || sum % 2 == 1,
            "the POST {number} came {times} times"
        );
    }
}
