//! Who is spoken to in HTTP/2, and what such an endpoint gets to see.

use pointsman_routing::Protocol;
use pointsman_tests::{Authority, Endpoint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::frames::Frames;
use super::server::{Server, config, offering};
use super::{NAME, trusting};
use crate::support::{Setup, head};

/// D-513: an endpoint with `protocol: http2` and TLS is contacted over HTTP/2, by clients of HTTP/1.1 as well.
#[tokio::test]
async fn an_endpoint_is_spoken_to_in_http2() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let server = Server::echo(config(&identity, &["h2", "http/1.1"])).await;
    let plane = trusting(&authority).http2(server.address()).start();
    let mut client = plane.connect().await;
    for number in 0..3 {
        let request = head(
            &format!("POST /{number}?<a>=%20"),
            &[
                "Content-Length: 3",
                "Connection: keep-alive, X-Hop",
                "X-Hop: 1",
                "Keep-Alive: timeout=5",
                "Cookie: a=1; b=2",
                "TE: trailers, gzip",
            ],
        );
        client.write((request + "abc").as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!((answer.status, &*answer.body), (200, &b"abc"[..]));
        assert!(answer.header("X-Vcap-Request-Id").is_some());
    }
    assert_eq!(server.protocols(), ["h2"]);
    let requests = server.requests();
    let [_, second, _] = &*requests else {
        panic!("three requests: {requests:?}");
    };
    assert_eq!(second.head.method, "POST");
    assert_eq!(second.head.uri, "https://app.test/1?%3Ca%3E=%20");
    assert_eq!(second.body, b"abc");
    for (name, expected) in [
        ("content-length", Some("3")),
        ("cookie", Some("a=1; b=2")),
        ("te", Some("trailers")),
        ("x-forwarded-for", Some("127.0.0.1")),
        ("x-forwarded-proto", Some("http")),
        ("x-cf-instanceindex", Some("0")),
        ("host", None),
        ("connection", None),
        ("keep-alive", None),
        ("x-hop", None),
        ("transfer-encoding", None),
    ] {
        assert_eq!(second.header(name), expected, "{name}");
    }
    let totals = plane.totals();
    assert_eq!((totals.dials, totals.reused, totals.attempts), (1, 2, 3));
    let line = plane.line("\"POST /1?").await;
    assert!(line.contains(" 200 3 3 "), "{line}");
}

/// D-512: with HTTP/2 disabled, the endpoint is contacted with HTTP/1.1.
/// D-514: and so is one that is not registered with HTTP/2, whatever it would choose.
#[tokio::test]
async fn others_are_spoken_to_in_http_1_1() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    for (protocol, enabled) in [(Protocol::Http2, false), (Protocol::Http1, true)] {
        let server = Server::echo(config(&identity, &["h2", "http/1.1"])).await;
        let setup = trusting(&authority).with(|settings| settings.upstream.http2 = enabled);
        let setup = setup.thing("app.test", server.address(), |thing| {
            thing.tls = Some(NAME.to_owned());
            thing.protocol = protocol;
        });
        let plane = setup.start();
        assert_eq!(plane.get("/").await.body, b"HTTP/1.1");
        assert_eq!(server.protocols(), ["http/1.1"], "{protocol:?} {enabled}");
    }
}

/// An endpoint may choose HTTP/1.1 all the same, or nothing: then its connections are its requests' own, and kept.
#[tokio::test]
async fn an_endpoint_that_chooses_http_1_1_gets_it() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    for protocols in [&["http/1.1"][..], &[]] {
        let server = Server::echo(config(&identity, protocols)).await;
        let plane = trusting(&authority).http2(server.address()).start();
        let many = (0..4).map(|_| plane.get("/"));
        for answer in futures(many).await {
            assert_eq!(answer.body, b"HTTP/1.1");
        }
        let made = server.protocols().len();
        assert!(made <= 4, "{made}");
        for _ in 0..4 {
            assert_eq!(plane.get("/").await.body, b"HTTP/1.1");
        }
        assert_eq!(server.protocols().len(), made, "they are used again");
    }
}

async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut answers = Vec::new();
    let mut waiting: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        waiting.retain_mut(|one| match one.as_mut().poll(cx) {
            std::task::Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    answers
}

/// In clear text there is no HTTP/2: such an endpoint is contacted with HTTP/1.1.
#[tokio::test]
async fn in_clear_text_there_is_no_http2() {
    let endpoint = Endpoint::named("plain").await;
    let setup = Setup::new().thing("app.test", endpoint.address(), |thing| {
        thing.protocol = Protocol::Http2;
    });
    assert_eq!(setup.start().get("/").await.body, b"plain");
}

/// What asks for another protocol goes over a connection of its own, in HTTP/1.1.
#[tokio::test]
async fn a_websocket_is_no_stream() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let config = config(&identity, &["h2", "http/1.1"]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let plane = trusting(&authority).http2(address).start();
    let endpoint = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("the data plane");
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        let mut stream = acceptor.accept(socket).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut seen).await.expect("a head");
        }
        let switch =
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello";
        stream.write_all(switch).await.expect("the data plane");
        stream
    });
    let mut client = plane.connect().await;
    let fields = ["Connection: Upgrade", "Upgrade: websocket"];
    client.write(head("GET /", &fields).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 101);
    assert_eq!(client.read_exactly(5).await, b"hello");
    drop(endpoint.await.expect("the endpoint is content"));
}

/// An endpoint that demands a certificate refuses the connection, not the first request on it.
#[tokio::test]
async fn a_refused_certificate_is_a_496() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let config = offering(identity.server_config(Some(&authority)), &["h2"]);
    let server = Server::echo(config).await;
    let plane = trusting(&authority).http2(server.address()).start();
    let answer = plane.get("/").await;
    assert_eq!(answer.status, 496, "{}", answer.head);
    let shown = authority.client(&["router"]);
    let plane = Setup::new()
        .trust(&authority, Some(&shown))
        .http2(server.address())
        .start();
    assert_eq!(plane.get("/").await.status, 200);
}

/// An endpoint that chooses HTTP/2 and does not speak it costs the handshake's time and no more.
#[tokio::test]
async fn an_endpoint_has_to_greet_back() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let acceptor = tokio_rustls::TlsAcceptor::from(config(&identity, &["h2"]));
    let silent = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            kept.push(acceptor.accept(socket).await);
        }
    });
    let setup = trusting(&authority).http2(address);
    let plane = setup
        .with(|settings| settings.timeouts.handshake = std::time::Duration::from_millis(300))
        .start();
    let answer = plane.get("/").await;
    assert_eq!(answer.status, 502);
    let error = answer.header("X-Cf-RouterError").expect("an error");
    assert!(error.contains("TLS handshake timeout"), "{error}");
    silent.abort();
}

/// D-509: where connections are not used again, each request has one of its own.
#[tokio::test]
async fn without_keep_alive_nothing_is_shared() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let server = Server::echo(config(&identity, &["h2"])).await;
    let plane = trusting(&authority)
        .with(|settings| settings.upstream.keep_alive = false)
        .http2(server.address())
        .start();
    for _ in 0..3 {
        assert_eq!(plane.get("/").await.status, 200);
    }
    assert_eq!(server.protocols().len(), 3);
}

/// A connection without a request is ended after its time, and one that has carried enough ends by itself.
#[tokio::test]
async fn a_connection_ends_after_its_rest_and_its_requests() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let frames = Frames::listen(config(&identity, &["h2"])).await;
    let plane = trusting(&authority)
        .with(|settings| {
            settings.timeouts.endpoint_idle = std::time::Duration::from_millis(100);
            settings.upstream.connection_requests = 2;
        })
        .http2(frames.address())
        .start();
    let client = async {
        for _ in 0..3 {
            assert_eq!(plane.get("/").await.body, b"here");
        }
    };
    let endpoint = async {
        let mut first = frames.accept(&[]).await;
        for _ in 0..2 {
            let stream = first.request().await;
            first.answer(stream, "here").await;
        }
        let mut second = frames.accept(&[]).await;
        let stream = second.request().await;
        second.answer(stream, "here").await;
        for connection in [&mut first, &mut second] {
            let goodbye = connection.next_of(super::frames::GOAWAY).await;
            assert_eq!(goodbye.payload.get(4..8), Some(&[0; 4][..]), "no error");
            while connection.next().await.is_some() {}
        }
    };
    tokio::join!(client, endpoint);
}

/// nor is one used for longer than it may be, however often it is used.
#[tokio::test]
async fn a_connection_ends_by_its_age() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let frames = Frames::listen(config(&identity, &["h2"])).await;
    let age = std::time::Duration::from_millis(300);
    let plane = trusting(&authority)
        .with(|settings| settings.upstream.connection_age = age)
        .http2(frames.address())
        .start();
    let endpoint = async {
        let mut first = frames.accept(&[]).await;
        let held = first.request().await;
        // It takes no more by now, and ends when that one has ended.
        let mut second = frames.accept(&[]).await;
        let stream = second.request().await;
        second.answer(stream, "new").await;
        first.answer(held, "old").await;
        let goodbye = first.next_of(super::frames::GOAWAY).await;
        assert_eq!(goodbye.payload.get(4..8), Some(&[0; 4][..]), "no error");
        while first.next().await.is_some() {}
        second
    };
    let clients = async {
        let later = async {
            tokio::time::sleep(2 * age).await;
            plane.get("/new").await.body
        };
        let (old, new) = tokio::join!(plane.get("/old"), later);
        assert_eq!((&*old.body, &*new), (&b"old"[..], &b"new"[..]));
    };
    tokio::join!(clients, endpoint);
    assert_eq!(plane.totals().dials, 2);
}
