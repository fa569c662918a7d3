//! Requests that ask for another protocol on their connection, and what endpoints say to that.

use pointsman_data_plane::Settings;
use pointsman_tests::{Authority, Endpoint, RawConnection};

use pointsman_tests::endpoint::{Answer, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::front_support::front;
use crate::support::{BOUND, Plane, Setup, head};

/// What a browser sends.
const FIELDS: [&str; 4] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

fn request(path: &str) -> String {
    head(&format!("GET {path}"), &FIELDS)
}

/// Reads up to the end of a head.
async fn read_head(socket: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let byte = socket.read_u8().await.expect("a head");
        seen.push(byte);
    }
    String::from_utf8(seen).expect("text")
}

/// D-515: a WebSocket request gets 101 and a tunnel in both directions.
/// D-516: a list in `Connection` is understood.
/// D-517: and so are several lines.
#[tokio::test]
async fn a_websocket_is_a_tunnel() {
    let endpoint = Endpoint::with(|_| Answer::Upgrade).await;
    let plane = Plane::before(&endpoint);
    for connection in [
        &["Connection: Upgrade"][..],
        &["Connection: foo,Upgrade"],
        &["Connection: foo", "Connection: upgrade"],
    ] {
        let fields = [connection, &["Upgrade: websocket", "Sec-WebSocket-Key: k"]].concat();
        let mut client = plane.connect().await;
        client.write(head("GET /chat", &fields).as_bytes()).await;
        let answer = client.read_head().await;
        assert_eq!(answer.status, 101, "{connection:?}");
        assert!(
            answer
                .head
                .starts_with("HTTP/1.1 101 Switching Protocols\r\n")
        );
        assert_eq!(answer.header("Upgrade"), Some("websocket"));
        let value = answer.header("Connection").expect("a Connection");
        assert!(value.eq_ignore_ascii_case("upgrade"));
        for message in ["one", "two", "three"] {
            client.write(message.as_bytes()).await;
            assert_eq!(client.read_exactly(message.len()).await, message.as_bytes());
        }
        let seen = endpoint.last_request().head;
        assert_eq!(seen.header("Connection"), Some("Upgrade"));
        assert_eq!(seen.header("Upgrade"), Some("websocket"));
        assert_eq!(seen.header("Sec-WebSocket-Key"), Some("k"));
        assert_eq!(
            answer.header("X-Vcap-Request-Id"),
            seen.header("X-Vcap-Request-Id")
        );
    }
}

/// D-518: the access log says 101, the bytes and how long the tunnel was there.
/// D-519: its status and its time are counted.
/// OB-096: and so is the upgrade.
#[tokio::test]
async fn a_websocket_is_logged_and_counted_when_it_ends() {
    let endpoint = Endpoint::with(|_| Answer::Upgrade).await;
    let plane = Plane::before(&endpoint);
    let begun = tokio::time::Instant::now();
    let mut client = plane.connect().await;
    client.write(request("/logged").as_bytes()).await;
    assert_eq!(client.read_head().await.status, 101);
    for _ in 0..5 {
        client.write(b"hello").await;
        client.read_exactly(5).await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let totals = plane.totals();
    assert_eq!((totals.tunnels_open, totals.websocket_upgrades), (1, 1));
    assert_eq!(totals.responses_xxx, 0, "it is not over");
    assert!(plane.lines().is_empty());
    client.finish().await.expect("the data plane is there");
    assert_eq!(client.read_to_end().await, b"");
    let line = plane.line("/logged").await;
    assert!(line.contains("\" 101 25 25 "), "{line}");
    let time = line.split("response_time:").nth(1).expect("a time");
    let time = time.split(' ').next().expect("a number");
    let time: f64 = time.parse().expect("seconds");
    let most = begun.elapsed().as_secs_f64();
    assert!((0.25..=most).contains(&time), "{line}");
    assert!(!line.contains("endpoint_failure"), "{line}");
    let totals = plane.settled().await;
    assert_eq!((totals.tunnels, totals.tunnels_open), (1, 0));
    assert_eq!((totals.responses_xxx, totals.broken_off), (1, 0));
}

/// D-520: an endpoint that cannot be reached is a 502, and a failure that is counted.
#[tokio::test]
async fn an_unreachable_endpoint_is_a_failed_upgrade() {
    let mut endpoint = Endpoint::with(|_| Answer::Upgrade).await;
    let plane = Plane::before(&endpoint);
    endpoint.close().await;
    let answer = plane.ask(request("/")).await;
    assert_eq!(answer.status, 502);
    let error = answer.header("X-Cf-RouterError").expect("an error");
    assert!(error.starts_with("endpoint_failure ("), "{error}");
    let totals = plane.settled().await;
    assert_eq!(
        (totals.websocket_failures, totals.websocket_upgrades),
        (1, 0)
    );
    assert_eq!(plane.get("/").await.status, 502);
    assert_eq!(plane.settled().await.websocket_failures, 1, "that was none");
}

/// Before the switch a request is tried again as any other.
#[tokio::test]
async fn an_upgrade_is_tried_at_another_endpoint() {
    let mut gone = Endpoint::with(|_| Answer::Upgrade).await;
    let endpoint = Endpoint::with(|_| Answer::Upgrade).await;
    let plane = Setup::new()
        .endpoint("app.test", &gone)
        .endpoint("app.test", &endpoint)
        .start();
    gone.close().await;
    for _ in 0..3 {
        let mut client = plane.connect().await;
        client.write(request("/").as_bytes()).await;
        assert_eq!(client.read_head().await.status, 101);
    }
    assert_eq!(plane.settled().await.websocket_failures, 0);
}

/// D-521: endpoints over TLS switch as well, and so do clients over TLS.
#[tokio::test]
async fn a_tunnel_over_tls() {
    let authority = Authority::new("authority");
    let identity = authority.server(&["instance"]);
    let endpoint = Endpoint::with_tls(identity.server_config(None), |_| Answer::Upgrade).await;
    let plane = Setup::new()
        .tls("app.test", &endpoint, "instance")
        .trust(&authority, None)
        .front(front(&[&authority.server(&["app.test"])]))
        .start();
    let address = plane.tls();
    let over_tls =
        RawConnection::connect_tls(address, authority.client_config(None), "app.test").await;
    for mut client in [plane.connect().await, over_tls.expect("a handshake")] {
        client.write(request("/").as_bytes()).await;
        assert_eq!(client.read_head().await.status, 101);
        let message = vec![b'm'; 300_000];
        client.write(&message).await;
        assert!(client.read_exactly(message.len()).await == message);
        client.finish().await.expect("the data plane is there");
        assert_eq!(client.read_to_end().await, b"");
    }
}

/// D-522: an answer other than 101 is passed on with its body, and both connections go on.
/// what follows is another request.
#[tokio::test]
async fn an_endpoint_may_refuse() {
    let endpoint = Endpoint::with(|head| match head.header("upgrade") {
        Some(_) => Reply::status(403).with_body("not here").into(),
        None => Reply::text("plain").into(),
    })
    .await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    let early = head("GET /next", &[]);
    client
        .write(format!("{}{early}", request("/")).as_bytes())
        .await;
    let answer = client.read_answer().await;
    assert_eq!((answer.status, &*answer.body), (403, &b"not here"[..]));
    assert_eq!(client.read_answer().await.body, b"plain");
    client.write(head("GET /later", &[]).as_bytes()).await;
    assert_eq!(client.read_answer().await.body, b"plain");
    assert_eq!(endpoint.accepted_connections(), 1);
    assert_eq!(plane.settled().await.websocket_upgrades, 1);
    let seen = endpoint.requests();
    let targets: Vec<_> = seen.iter().map(|seen| &*seen.head.target).collect();
    assert_eq!(targets, ["/", "/next", "/later"]);
}

/// bytes behind an upgrade reach no endpoint before its 101, and then they do.
#[tokio::test]
async fn early_bytes_wait_for_the_switch() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let plane = Setup::new().thing("app.test", address, |_| {}).start();
    let mut client = plane.connect().await;
    client
        .write(format!("{}early", request("/")).as_bytes())
        .await;
    let (mut endpoint, _) = listener.accept().await.expect("the data plane");
    let seen = read_head(&mut endpoint).await;
    assert!(seen.to_ascii_lowercase().contains("upgrade: websocket"));
    client.write(b" and more").await;
    // Nothing comes: what would have come has had its time.
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), endpoint.read_u8());
    assert!(early.await.is_err(), "a byte came before the switch");
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst";
    endpoint.write_all(switch).await.expect("the data plane");
    let mut seen = [0; 14];
    let read = endpoint.read_exact(&mut seen);
    let read = tokio::time::timeout(BOUND, read).await;
    read.expect("they come now").expect("the data plane");
    assert_eq!(&seen, b"early and more");
    assert_eq!(client.read_head().await.status, 101);
    assert_eq!(client.read_exactly(5).await, b"first");
}

/// where the endpoint refuses, early bytes that are no request are refused as one.
#[tokio::test]
async fn early_bytes_of_a_refused_upgrade_are_no_ones() {
    let endpoint = Endpoint::with(|_| Reply::status(200).with_body("no").into()).await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    let bytes = [request("/").as_bytes(), b"\x81\x85abcdhello"].concat();
    client.write(&bytes).await;
    assert_eq!(client.read_answer().await.status, 200);
    assert_eq!(client.read_answer().await.status, 400);
    assert_eq!(client.read_to_end().await, b"");
    assert_eq!(endpoint.request_count(), 1);
}

/// Answers of an endpoint that switches otherwise than it was asked to.
const WRONG: &[&str] = &[
    "Connection: Upgrade\r\nUpgrade: foo\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket, foo\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\n",
    "Connection: close\r\nUpgrade: websocket\r\n",
    "",
];

/// D-526: a 101 for another protocol than was asked for, or for none, is a 502.
/// without the matching `Upgrade`, or unasked.
#[tokio::test]
async fn only_the_switch_that_was_asked_for_is_one() {
    for fields in WRONG {
        let bytes = format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\nsmuggled");
        let endpoint = Endpoint::with(move |_| Answer::Raw(bytes.clone().into_bytes())).await;
        let plane = Plane::before(&endpoint);
        let mut client = plane.connect().await;
        client.write(request("/").as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, 502, "{fields:?}");
        assert_eq!(
            answer.header("X-Cf-RouterError"),
            Some("endpoint_failure (unexpected protocol switch)")
        );
        assert_eq!(plane.settled().await.websocket_failures, 1);
        endpoint.script(|_| Reply::text("well").into());
        client.write(head("GET /", &[]).as_bytes()).await;
        assert_eq!(client.read_answer().await.body, b"well");
        assert_eq!(endpoint.accepted_connections(), 2, "not on that connection");
    }
    let granted =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let endpoint = Endpoint::with(move |_| Answer::Raw(granted.into())).await;
    let plane = Plane::before(&endpoint);
    assert_eq!(plane.get("/").await.status, 502, "nobody asked");
    let post = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Content-Length: 1",
    ];
    assert_eq!(plane.ask(head("POST /", &post) + "x").await.status, 502);
}

/// what may not switch is served as plain HTTP, without its `Upgrade`.
///
/// So is `h2c`, always, and a value that nobody could print.
#[tokio::test]
async fn other_upgrades_are_plain_requests() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Plane::before(&endpoint);
    for (line, fields, body) in [
        (
            "GET /",
            &[
                "Connection: Upgrade, HTTP2-Settings",
                "Upgrade: h2c",
                "HTTP2-Settings: AAM",
            ][..],
            "",
        ),
        ("GET /", &["Connection: Upgrade", "Upgrade: TLS/1.0"], ""),
        ("GET /", &["Connection: Upgrade", "Upgrade: foo"], ""),
        ("GET /", &["Connection: Upgrade", "Upgrade: f\u{fc}"], ""),
        (
            "GET /",
            &["Connection: Upgrade", "Upgrade: websocket, h2c"],
            "",
        ),
        ("GET /", &["Upgrade: websocket"], ""),
        (
            "POST /",
            &[
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Content-Length: 2",
            ],
            "ab",
        ),
        (
            "GET /",
            &[
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Content-Length: 2",
            ],
            "ab",
        ),
    ] {
        let answer = plane.ask(head(line, fields) + body).await;
        assert_eq!(answer.status, 200, "{fields:?}");
        let seen = endpoint.last_request();
        for gone in ["Upgrade", "Connection", "HTTP2-Settings"] {
            assert_eq!(seen.head.header(gone), None, "{fields:?}");
        }
        assert_eq!(seen.body, body.as_bytes());
    }
    assert_eq!(plane.settled().await.websocket_upgrades, 0);
}

/// which protocols may switch is a setting.
/// D-525: one that stands there is a tunnel as any other.
#[tokio::test]
async fn the_protocols_are_a_setting() {
    let endpoint = Endpoint::with(|_| Answer::Upgrade).await;
    let change = |settings: &mut Settings| settings.tunnels.protocols = vec!["foo".to_owned()];
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(change)
        .start();
    let mut client = plane.connect().await;
    let fields = ["Connection: upgrade", "Upgrade: Foo"];
    client.write(head("GET /", &fields).as_bytes()).await;
    let answer = client.read_head().await;
    assert_eq!(
        (answer.status, answer.header("Upgrade")),
        (101, Some("Foo"))
    );
    client.write(b"any bytes").await;
    assert_eq!(client.read_exactly(9).await, b"any bytes");
    endpoint.script(|_| Answer::Echo);
    assert_eq!(plane.ask(request("/")).await.status, 200);
    assert_eq!(endpoint.last_request().head.header("Upgrade"), None);
}

/// A switch begins a session as an answer does.
#[tokio::test]
async fn a_switch_carries_the_cookies_of_a_session() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: X-Hop, Upgrade\r\nUpgrade: websocket\r\nX-Hop: 1\r\n\
                  X-Cf-RouterError: mine\r\nSec-WebSocket-Accept: a\r\nSet-Cookie: JSESSIONID=1\r\n\r\n";
    let endpoint = Endpoint::with(move |_| Answer::Raw(switch.into())).await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client.write(request("/").as_bytes()).await;
    let answer = client.read_head().await;
    assert_eq!(answer.status, 101);
    assert!(answer.head.contains("__VCAP_ID__="), "{}", answer.head);
    assert_eq!(answer.header("Sec-WebSocket-Accept"), Some("a"));
    for gone in [
        "X-Hop",
        "X-Cf-RouterError",
        "Transfer-Encoding",
        "Content-Length",
    ] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    assert_eq!(
        answer.head.matches("pgrade: ").count(),
        1,
        "{}",
        answer.head
    );
}
