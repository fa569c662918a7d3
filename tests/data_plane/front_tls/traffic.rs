//! What goes over a session: its ticket, bodies, tunnels, and how it ends.

use std::net::SocketAddr;
use std::time::Duration;

use pointsman_tests::endpoint::{Answer, Head, Reply};
use pointsman_tests::{Authority, Endpoint, eventually};
use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{client, plane, proto};
use crate::front_support::{front, session, shake};
use crate::support::{BOUND, Setup, head};

/// A session goes on with its ticket, of which there is one for each handshake.
#[tokio::test]
async fn a_session_goes_on_with_its_ticket() {
    let authority = Authority::new("authority");
    let (plane, _endpoint) = plane(&authority).await;
    for version in [&TLS13, &TLS12] {
        let config = client(&authority, &[version], &[]);
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut stream = shake(plane.tls(), &config, "app.test")
                .await
                .expect("a handshake");
            stream
                .write_all(head("GET /", &["Connection: close"]).as_bytes())
                .await
                .expect("it is taken");
            let mut answer = Vec::new();
            stream
                .read_to_end(&mut answer)
                .await
                .expect("a whole answer");
            let session = session(&stream);
            if session.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
                assert_eq!(session.tls13_tickets_received(), 1);
            }
            kinds.push(session.handshake_kind());
        }
        assert_eq!(kinds[1], Some(HandshakeKind::Resumed), "{version:?}");
        assert_ne!(kinds[0], kinds[1]);
    }
    assert_eq!(plane.settled().await.client_handshakes_resumed, 2);
}

/// A body of any size moves over TLS in both directions, and an answer that ends with its connection shows its end.
#[tokio::test]
async fn bodies_move_over_tls() {
    const LENGTH: usize = 3 << 20;
    let authority = Authority::new("authority");
    let endpoint = Endpoint::with(|head: &Head| {
        if head.target == "/until-close" {
            return Answer::RawThenClose(b"HTTP/1.1 200 OK\r\n\r\nto the end".to_vec());
        }
        Reply::status(200).with_body(vec![b'x'; LENGTH]).into()
    })
    .await;
    let plane = Setup::new().endpoint("app.test", &endpoint);
    let plane = plane
        .front(front(&[&authority.server(&["app.test"])]))
        .start();
    let config = authority.client_config(None);
    let mut client = plane
        .connect_tls(&config, "app.test")
        .await
        .expect("a handshake");
    let length = format!("Content-Length: {LENGTH}");
    let mut request = head("POST /", &[&length]).into_bytes();
    request.resize(request.len() + LENGTH, b'y');
    client.write(&request).await;
    assert_eq!(client.read_answer().await.body.len(), LENGTH);
    let asked = endpoint.requests();
    assert_eq!(asked.last().map(|request| request.body.len()), Some(LENGTH));
    let mut stream = shake(plane.tls(), &config, "app.test")
        .await
        .expect("a handshake");
    stream
        .write_all(b"GET /until-close HTTP/1.0\r\nHost: app.test\r\n\r\n")
        .await
        .expect("it is taken");
    let mut answer = String::new();
    // Without the end of the session this would be an error.
    stream
        .read_to_string(&mut answer)
        .await
        .expect("a whole answer");
    assert!(answer.ends_with("to the end"), "{answer}");
}

/// L-09: a client that takes nothing is cut off, over TLS as well, and one that takes a little is not.
#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off() {
    let authority = Authority::new("authority");
    let endpoint = Endpoint::with(|_| Answer::Large(64 << 20)).await;
    let setup = Setup::new().endpoint("app.test", &endpoint);
    let setup = setup.with(|settings| settings.timeouts.client_stall = Duration::from_secs(1));
    let plane = setup
        .front(front(&[&authority.server(&["app.test"])]))
        .start();
    let config = authority.client_config(None);
    let mut slow = plane
        .connect_tls(&config, "app.test")
        .await
        .expect("a handshake");
    slow.write(head("GET /", &[]).as_bytes()).await;
    plane
        .until("it is cut off", |totals| totals.clients_stalled == 1)
        .await;
}

/// a drain over TLS: what is in flight ends well, an idle connection is told, and its listener closes.
#[tokio::test]
async fn a_drain_loses_nothing_over_tls() {
    let authority = Authority::new("authority");
    let slow = Reply::text("late").after(Duration::from_millis(500));
    let endpoint = Endpoint::with(move |_| slow.clone().into()).await;
    let setup = Setup::new().endpoint("app.test", &endpoint);
    let mut plane = setup
        .front(front(&[&authority.server(&["app.test"])]))
        .start();
    let config = authority.client_config(None);
    let mut busy = plane
        .connect_tls(&config, "app.test")
        .await
        .expect("a handshake");
    busy.write(head("GET /late", &[]).as_bytes()).await;
    plane
        .until("the request is out", |totals| totals.attempts == 1)
        .await;
    let mut idle = shake(plane.tls(), &config, "app.test")
        .await
        .expect("a handshake");
    // Past its first second it is no fresh connection any more.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    plane.stages.close();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest)
        .await
        .expect("its session is ended before its socket");
    assert_eq!(rest, b"");
    assert_eq!(busy.read_answer().await.body, b"late");
    let address: SocketAddr = plane.tls();
    eventually(
        "new connections are refused",
        BOUND,
        async || match TcpStream::connect(address).await {
            Ok(_) => Err("accepted".to_owned()),
            Err(_) => Ok(()),
        },
    )
    .await;
    plane.ended().await;
}

/// Connections over TLS are spread over the workers as all others.
#[tokio::test]
async fn workers_share_connections_over_tls() {
    let authority = Authority::new("authority");
    let endpoint = Endpoint::with(proto).await;
    let setup = Setup::new().endpoint("app.test", &endpoint);
    let setup = setup.with(|settings| settings.workers = std::num::NonZeroUsize::new(4));
    let plane = setup
        .front(front(&[&authority.server(&["app.test"])]))
        .start();
    let config = authority.client_config(None);
    let mut clients = Vec::new();
    for _ in 0..80 {
        clients.push(
            plane
                .connect_tls(&config, "app.test")
                .await
                .expect("a handshake"),
        );
    }
    let by_worker = plane.connections_by_worker();
    assert!(
        by_worker.iter().all(|count| (8..=28).contains(count)),
        "{by_worker:?}"
    );
    for client in &mut clients {
        client.write(head("GET /", &[]).as_bytes()).await;
        assert_eq!(client.read_answer().await.body, b"https");
    }
}

/// A WebSocket over TLS is a tunnel as any other.
#[tokio::test]
async fn a_websocket_over_tls_is_a_tunnel() {
    let authority = Authority::new("authority");
    let endpoint = Endpoint::with(|_| Answer::Upgrade).await;
    let plane = Setup::new().endpoint("app.test", &endpoint);
    let plane = plane
        .front(front(&[&authority.server(&["app.test"])]))
        .start();
    let config = authority.client_config(None);
    let client = plane.connect_tls(&config, "app.test").await;
    let mut client = client.expect("a handshake");
    let fields = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: k",
    ];
    client.write(head("GET /chat", &fields).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 101);
    for message in [b"one".to_vec(), vec![b'x'; 100_000]] {
        client.write(&message).await;
        assert_eq!(client.read_exactly(message.len()).await, message);
    }
    let seen = endpoint.last_request().head;
    assert_eq!(seen.header("X-Forwarded-Proto"), Some("https"));
}
