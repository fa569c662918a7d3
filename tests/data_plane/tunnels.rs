//! The life of a tunnel: what it holds, how long it lasts, and how it ends.

use std::time::Duration;

use pointsman_data_plane::Settings;
use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::{Endpoint, RawConnection, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{BOUND, Plane, Setup, head};

/// Long enough for a step of the deadlines, short enough for a test.
const SHORT: Duration = Duration::from_millis(150);

/// The close frame of a router that goes away.
const GOING_AWAY: [u8; 4] = [0x88, 0x02, 0x03, 0xe9];

const REQUEST: &[&str] = &["Connection: Upgrade", "Upgrade: websocket"];

/// An endpoint that the test plays.
struct Played {
    listener: TcpListener,
}

impl Played {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self { listener }
    }

    fn plane(&self, change: impl FnOnce(&mut Settings)) -> Plane {
        let address = self.listener.local_addr().expect("an address");
        let setup = Setup::new().thing("app.test", address, |_| {});
        setup.with(change).start()
    }

    /// Both ends of a tunnel through the data plane.
    async fn tunnel(&self, plane: &Plane) -> (RawConnection, TcpStream) {
        let mut client = plane.connect().await;
        client.write(head("GET /tunnel", REQUEST).as_bytes()).await;
        let (mut endpoint, _) = self.listener.accept().await.expect("the data plane");
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            endpoint.read_buf(&mut seen).await.expect("a head");
        }
        let switch =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        write(&mut endpoint, switch.as_bytes()).await;
        assert_eq!(client.read_head().await.status, 101);
        (client, endpoint)
    }
}

async fn write(socket: &mut TcpStream, bytes: &[u8]) {
    socket.write_all(bytes).await.expect("the data plane reads");
}

async fn read_exactly(socket: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let read = tokio::time::timeout(BOUND, socket.read_exact(&mut bytes));
    read.await.expect("in time").expect("so many bytes");
    bytes
}

async fn read_to_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(BOUND, socket.read_to_end(&mut bytes));
    // A reset is an end, too.
    let _end = read.await.expect("in time");
    bytes
}

/// D-523: neither the bound on an attempt nor that on an answer cuts a tunnel.
#[tokio::test]
async fn a_tunnel_outlasts_the_waits_of_answers() {
    let played = Played::start().await;
    let plane = played.plane(|settings| {
        settings.timeouts.attempt = Some(SHORT);
        settings.timeouts.answer = SHORT;
        settings.timeouts.stream_idle = SHORT;
        settings.timeouts.client_stall = SHORT;
    });
    let (mut client, mut endpoint) = played.tunnel(&plane).await;
    for message in [b"one", b"two"] {
        tokio::time::sleep(SHORT * 4).await;
        client.write(message).await;
        assert_eq!(read_exactly(&mut endpoint, 3).await, message);
        write(&mut endpoint, message).await;
        assert_eq!(client.read_exactly(3).await, message);
    }
}

/// Decision 9: a tunnel counts at its endpoint until it has ended.
#[tokio::test]
async fn a_tunnel_counts_at_its_endpoint() {
    let endpoint = Endpoint::with(|head| match head.header("upgrade") {
        Some(_) => Answer::Upgrade,
        None => Reply::text("free").into(),
    })
    .await;
    let plane = Setup::new()
        .thing("app.test", endpoint.address(), |thing| {
            thing.max_connections = 1;
        })
        .start();
    let mut client = plane.connect().await;
    client.write(head("GET /", REQUEST).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 101);
    let answer = plane.get("/").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.header("X-Cf-RouterError"),
        Some("Connection Limit Reached")
    );
    plane
        .until("only the tunnel is in flight", |totals| {
            totals.requests_in_flight == 1
        })
        .await;
    client.finish().await.expect("the data plane");
    assert_eq!(client.read_to_end().await, b"");
    plane
        .until("it is over", |totals| totals.tunnels_open == 0)
        .await;
    assert_eq!(plane.get("/").await.body, b"free");
    plane
        .until("no place is held", |totals| totals.requests_in_flight == 0)
        .await;
}

/// Each side may end what it sends, and still gets what the other sends.
#[tokio::test]
async fn either_side_may_end_first() {
    let played = Played::start().await;
    let plane = played.plane(|_| {});
    let (mut client, mut endpoint) = played.tunnel(&plane).await;
    client.write(b"last words").await;
    client.finish().await.expect("the data plane");
    assert_eq!(read_to_end(&mut endpoint).await, b"last words");
    let answer = vec![b'a'; 1 << 20];
    write(&mut endpoint, &answer).await;
    drop(endpoint);
    assert!(client.read_to_end().await == answer);

    let (mut client, mut endpoint) = played.tunnel(&plane).await;
    write(&mut endpoint, b"bye").await;
    endpoint.shutdown().await.expect("the data plane");
    assert_eq!(client.read_to_end().await, b"bye");
    client.write(b"and thanks").await;
    client.finish().await.expect("the data plane");
    assert_eq!(read_to_end(&mut endpoint).await, b"and thanks");
    plane
        .until("both are over", |totals| totals.tunnels_open == 0)
        .await;
    assert_eq!(plane.settled().await.broken_off, 0);
}

/// when one side of a tunnel is gone, the other is closed and everything is free in time.
#[tokio::test]
async fn a_side_that_is_gone_takes_the_other_along() {
    let played = Played::start().await;
    let plane = played.plane(|_| {});
    let mut ends = Vec::new();
    for _ in 0..50 {
        ends.push(played.tunnel(&plane).await);
    }
    let (clients, endpoints): (Vec<_>, Vec<_>) = ends.drain(..).unzip();
    drop(endpoints);
    let free = async |what: &str| {
        let until = plane.until(what, |t| t.connections_open == 0 && t.tunnels_open == 0);
        let in_time = tokio::time::timeout(Duration::from_secs(3), until);
        in_time.await.expect("both sockets are free");
    };
    // The clients say nothing and stay: it is the data plane that has to let go.
    free("endpoints are gone").await;
    drop(clients);
    for _ in 0..50 {
        ends.push(played.tunnel(&plane).await);
    }
    let (clients, mut endpoints): (Vec<_>, Vec<_>) = ends.drain(..).unzip();
    drop(clients);
    free("clients are gone").await;
    for endpoint in &mut endpoints {
        assert_eq!(read_to_end(endpoint).await, b"");
    }
}

/// L-10: a side that reads nothing stops the other one, and holds a bounded part of what it sends.
#[tokio::test]
async fn a_tunnel_waits_for_the_slower_side() {
    let played = Played::start().await;
    let plane = played.plane(|_| {});
    let (mut client, mut endpoint) = played.tunnel(&plane).await;
    let piece = vec![b'p'; 1 << 16];
    let mut sent = 0;
    let more = async {
        while let Ok(Ok(())) =
            tokio::time::timeout(Duration::from_secs(1), endpoint.write_all(&piece)).await
        {
            sent += piece.len();
        }
    };
    more.await;
    assert!(sent > 0 && sent < 64 << 20, "{sent} bytes went somewhere");
    // The client reads after all: everything comes, in order.
    for _ in 0..sent / piece.len() {
        assert!(client.read_exactly(piece.len()).await == piece);
    }
}

/// L-09: a client that takes nothing of what waits for it is cut, and its endpoint's connection ended.
#[tokio::test]
async fn a_client_that_takes_nothing_is_cut() {
    let played = Played::start().await;
    let plane = played.plane(|settings| settings.timeouts.client_stall = SHORT);
    let (client, mut endpoint) = played.tunnel(&plane).await;
    let piece = vec![b'p'; 1 << 20];
    let endless = async { while endpoint.write_all(&piece).await.is_ok() {} };
    let cut = tokio::time::timeout(BOUND, endless).await;
    cut.expect("the endpoint's connection is ended");
    let line = plane.line("/tunnel").await;
    let reason = "client-conn-closed-during-response-streaming";
    assert!(line.contains("\" 101 ") && line.contains(reason), "{line}");
    drop(client);
}

/// L-29: a tunnel in which nothing moves is told 1001 and ended, where that is configured.
#[tokio::test]
async fn idle_tunnels_end_where_that_is_configured() {
    let played = Played::start().await;
    let plane = played.plane(|settings| settings.tunnels.idle = Some(SHORT * 12));
    let (mut client, mut endpoint) = played.tunnel(&plane).await;
    // Longer than that in all, and never nearly as long without anything.
    for _ in 0..8 {
        tokio::time::sleep(SHORT * 2).await;
        write(&mut endpoint, &[0x81, 1, b'x']).await;
        assert_eq!(client.read_exactly(3).await, [0x81, 1, b'x']);
    }
    assert_eq!(client.read_exactly(4).await, GOING_AWAY);
    // A client that agrees is heard by the endpoint.
    let agreed = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9];
    client.write(&agreed).await;
    assert_eq!(read_to_end(&mut endpoint).await, agreed);
    assert_eq!(client.read_to_end().await, b"");
}

/// L-29: nor does it grow older than is configured, whatever moves.
#[tokio::test]
async fn old_tunnels_end_where_that_is_configured() {
    let played = Played::start().await;
    let plane = played.plane(|settings| settings.tunnels.life = Some(SHORT * 4));
    let (mut client, mut endpoint) = played.tunnel(&plane).await;
    let talk = tokio::spawn(async move {
        while endpoint.write_all(&[0x81, 1, b'x']).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let seen = client.read_to_end().await;
    let frames = seen.strip_suffix(&GOING_AWAY).expect("a close frame");
    assert!(frames.chunks(3).all(|frame| frame == [0x81, 1, b'x']));
    talk.abort();
}

/// in a drain a WebSocket is told 1001, between two frames, and ends when its client agrees.
/// Section 5 of the design of the data plane: only at a frame's boundary.
#[tokio::test]
async fn a_drain_tells_websockets_between_two_frames() {
    let played = Played::start().await;
    let mut plane = played.plane(|_| {});
    let (mut client, mut endpoint) = played.tunnel(&plane).await;
    // Half of a frame of four bytes: nothing may come between.
    write(&mut endpoint, &[0x82, 4, b'a', b'b']).await;
    assert_eq!(client.read_exactly(4).await, [0x82, 4, b'a', b'b']);
    plane.stages.close();
    let refused = eventually(
        "the drain has begun",
        BOUND,
        async || match TcpStream::connect(plane.address).await {
            Ok(_) => Err("accepted".to_owned()),
            Err(_) => Ok(()),
        },
    );
    refused.await;
    tokio::time::sleep(SHORT).await;
    write(&mut endpoint, &[b'c', b'd', 0x81, 1, b'x']).await;
    assert_eq!(client.read_exactly(2).await, b"cd");
    assert_eq!(client.read_exactly(4).await, GOING_AWAY);
    // Nothing of the endpoint's follows a close frame; the client's own goes through.
    let agreed = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9];
    client.write(&agreed).await;
    assert_eq!(read_exactly(&mut endpoint, agreed.len()).await, agreed);
    drop(endpoint);
    assert_eq!(client.read_to_end().await, b"");
    drop(client);
    plane.ended().await;
    assert_eq!(plane.totals().cut_by_drain, 0);
    assert!(plane.lines().iter().any(|line| line.contains("\" 101 ")));
}

/// one that does not end by itself is cut at the end of the drain, counted and logged.
#[tokio::test]
async fn a_tunnel_that_stays_is_cut_at_the_end_of_the_drain() {
    let played = Played::start().await;
    let mut plane = played.plane(|_| {});
    let (mut client, mut endpoint) = played.tunnel(&plane).await;
    client.write(b"up").await;
    assert_eq!(read_exactly(&mut endpoint, 2).await, b"up");
    plane.stages.close();
    assert_eq!(client.read_exactly(4).await, GOING_AWAY);
    assert_eq!(plane.totals().tunnels_open, 1, "it has its time");
    plane.stages.end();
    assert_eq!(client.read_to_end().await, b"");
    assert_eq!(read_to_end(&mut endpoint).await, b"");
    plane.ended().await;
    let totals = plane.settled().await;
    assert_eq!((totals.cut_by_drain, totals.tunnels_open), (1, 0));
    let lines = plane.lines();
    assert!(
        lines.iter().any(|line| line.contains("\" 101 2 0 ")),
        "{lines:?}"
    );
}

/// A protocol without frames that are known is told nothing.
#[tokio::test]
async fn only_websockets_are_told() {
    let endpoint = Endpoint::with(|_| Answer::Upgrade).await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| {
            settings.tunnels.protocols = vec!["foo".to_owned()];
            settings.tunnels.idle = Some(SHORT);
        })
        .start();
    let mut client = plane.connect().await;
    let fields = ["Connection: upgrade", "Upgrade: foo"];
    client.write(head("GET /", &fields).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 101);
    assert_eq!(client.read_to_end().await, b"");
}
