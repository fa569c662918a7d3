//! The connection to NATS: made, kept, lost, mended.

use pointsman_tests::broker::Access;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Broker, Cut, Process, Publisher, configuration, eventually};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::plane::{BOUND, Plane, logged, next_json, until_logged};

/// C-081: a connection is logged with host and address
#[tokio::test]
async fn a_connection_is_told_with_its_server() {
    let plane = Plane::start().await;
    plane.until_logged("Successfully-connected-to-nats").await;
    let lines = plane.logged("Successfully-connected-to-nats");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["data"]["host"], plane.broker.address());
    assert_eq!(lines[0]["data"]["addr"], plane.broker.address());
    assert_eq!(lines[0]["source"], "control-plane.nats");
    assert_eq!(
        plane.metric("pointsman_nats_connected").await.to_bits(),
        1.0_f64.to_bits()
    );
}

#[tokio::test]
async fn credentials_are_used() {
    let password = Access::Password {
        user: "nats".to_owned(),
        password: "secret".to_owned(),
    };
    for (access, keys) in [
        (password, "user: nats\n  password_file: secret"),
        (Access::Token("secret".to_owned()), "token_file: secret"),
    ] {
        let broker = Broker::with(access).await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        std::fs::write(&file, "secret\n").expect("a file");
        let keys = keys.replace("_file: secret", &format!("_file: {}", file.display()));
        let configuration = configuration::control_plane(&broker, &keys);
        let process = Process::start("control-plane", &configuration).await;
        until_logged(&process, "subscriber-started", 1).await;
        assert!(!process.log().contains("\"secret\""), "{}", process.log());
    }
}

#[tokio::test]
async fn refused_credentials_are_told_and_tried_again() {
    let broker = Broker::with(Access::Token("secret".to_owned())).await;
    let keys = "reconnect_max_wait: 50ms";
    let mut process = Process::start(
        "control-plane",
        &configuration::control_plane(&broker, keys),
    )
    .await;
    until_logged(&process, "nats-connection-not-yet-made", 3).await;
    let lines = logged(&process, "nats-connection-not-yet-made");
    let error = lines[0]["data"]["error"]
        .as_str()
        .expect("a reason")
        .to_owned();
    assert!(error.contains("authorization violation"), "{error}");
    assert!(process.is_running());
}

/// C-077: a connection that stays lost is told again and again, with why it cannot be made
#[tokio::test]
async fn why_a_lost_connection_cannot_be_made_is_told() {
    let mut plane = Plane::start_with("reconnect_max_wait: 100ms\n  ping_interval: 200ms").await;
    let address = plane.broker.address();
    plane.broker.kill();
    until_told_why(&plane, "Connection refused", &address).await;
    let access = Access::Token("secret".to_owned());
    plane.broker.restart_with(access).await;
    until_told_why(&plane, "authorization violation", &address).await;
    plane.broker.restart_with(Access::Open).await;
    plane.until_logged("nats-connection-reconnected").await;
}

async fn until_told_why(plane: &Plane, why: &str, server: &str) {
    eventually(why, BOUND, async || {
        let lines = plane.logged("nats-connection-still-disconnected");
        let told = lines.iter().any(|line| {
            let error = line["data"]["error"].as_str();
            line["data"]["server"] == server && error.is_some_and(|error| error.contains(why))
        });
        told.then_some(()).ok_or_else(|| format!("{lines:?}"))
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_comes_late_is_found() {
    let mut broker = Broker::start().await;
    broker.kill();
    let keys = "reconnect_max_wait: 50ms";
    let process = Process::start(
        "control-plane",
        &configuration::control_plane(&broker, keys),
    )
    .await;
    until_logged(&process, "nats-connection-not-yet-made", 1).await;
    broker.restart().await;
    until_logged(&process, "subscriber-started", 1).await;
}

/// C-012: after a reconnect, the start message comes again
/// C-013: its id stays for the life of the process
/// C-077: a lost connection is logged, and again at every ping interval
/// C-078: its return is logged, and the process lives
#[tokio::test]
async fn a_lost_connection_is_told_and_mended() {
    let mut plane = Plane::start_with("reconnect_max_wait: 100ms\n  ping_interval: 200ms").await;
    plane
        .publisher
        .register(&Emitted::plain("a.example.com", loopback(), 0))
        .await;
    plane.until_routes(&["a.example.com"]).await;
    let id = greeted_id(&plane).await;

    plane.broker.kill();
    plane.until_logged("nats-connection-disconnected").await;
    until_logged(&plane.process, "nats-connection-still-disconnected", 2).await;
    assert_eq!(
        plane.metric("pointsman_nats_connected").await.to_bits(),
        0.0_f64.to_bits()
    );
    assert_eq!(
        plane.get("/health").await.status,
        200,
        "a lost broker makes nobody unready"
    );

    plane.broker.restart().await;
    plane.until_logged("nats-connection-reconnected").await;
    plane
        .until_metric("pointsman_nats_announcements_total", 2.0)
        .await;
    let reminders = plane.logged("nats-connection-still-disconnected").len();
    plane.publisher = Publisher::connect(&plane.broker).await;
    assert_eq!(greeted_id(&plane).await, id);
    plane
        .until_registered(&Emitted::plain("b.example.com", loopback(), 0))
        .await;
    assert_eq!(plane.routes().await, ["a.example.com", "b.example.com"]);
    assert_eq!(
        plane.logged("nats-connection-still-disconnected").len(),
        reminders
    );
    assert!(plane.process.is_running());
}

/// C-012: the start message after a reconnect has the same fields, and the same id
#[tokio::test]
async fn the_start_message_comes_again_after_a_reconnect() {
    let broker = Broker::start().await;
    let publisher = Publisher::connect(&broker).await;
    let cut = Cut::before(broker.address().parse().expect("an address")).await;
    let mut starts = publisher
        .client()
        .subscribe("router.start")
        .await
        .expect("a subscription");
    publisher
        .client()
        .flush()
        .await
        .expect("a subscription that is known");
    let configuration = configuration::control_plane(&broker, "reconnect_max_wait: 50ms")
        .replace(&broker.address(), &cut.address().to_string());
    let process = Process::start("control-plane", &configuration).await;
    let first = next_json(&mut starts).await;
    assert_is_announcement(&first);
    cut.cut();
    until_logged(&process, "nats-connection-disconnected", 1).await;
    cut.restore();
    assert_eq!(next_json(&mut starts).await, first);
}

/// C-079: with two servers, the loss of one moves the control plane to the other
#[tokio::test]
async fn another_server_takes_over() {
    let mut first = Broker::start().await;
    let mut second = Broker::start().await;
    let both = format!("[{}, {}]", first.address(), second.address());
    let configuration = configuration::control_plane(&first, "reconnect_max_wait: 100ms")
        .replace(&format!("[{}]", first.address()), &both);
    let process = Process::start("control-plane", &configuration).await;
    until_logged(&process, "subscriber-started", 1).await;
    let connected = logged(&process, "Successfully-connected-to-nats");
    let on_first = connected[0]["data"]["host"] == first.address();
    let (lost, left) = if on_first {
        (&mut first, &mut second)
    } else {
        (&mut second, &mut first)
    };
    lost.kill();
    until_logged(&process, "nats-connection-reconnected", 1).await;
    let reconnected = logged(&process, "nats-connection-reconnected");
    assert_eq!(reconnected[0]["data"]["host"], left.address());
    let disconnected = logged(&process, "nats-connection-disconnected");
    assert_eq!(disconnected[0]["data"]["host"], lost.address());
    let publisher = Publisher::connect(left).await;
    let app = Emitted::plain("a.example.com", loopback(), 0);
    eventually("the route", BOUND, async || {
        publisher.register(&app).await;
        let answer = crate::plane::get(&process, "/routes").await;
        if answer.text().contains("a.example.com") {
            Ok(())
        } else {
            Err(answer.text().to_owned())
        }
    })
    .await;
}

/// C-017: `router.start` precedes both subscriptions on the wire
/// C-002: exactly one is sent at the start
#[tokio::test]
async fn the_start_has_its_order() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let configuration = format!(
        "nats: {{servers: ['{address}']}}\ndistribution: {{listen: '127.0.0.1:0'}}\nadmin: {{listen: '127.0.0.1:0'}}\n"
    );
    let mut process = Process::start("control-plane", &configuration).await;
    let lines = tokio::time::timeout(BOUND, converse(listener, 2))
        .await
        .expect("two subscriptions");
    let verbs: Vec<_> = lines
        .iter()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        verbs,
        ["PUB router.start", "SUB router.greet", "SUB router.*"],
        "{lines:?}"
    );
    assert!(process.is_running());
}

/// C-018: however long the connection lasts, `router.start` is not sent again
#[tokio::test]
async fn nothing_is_announced_without_a_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let configuration = format!(
        "nats: {{servers: ['{address}'], ping_interval: 10ms}}\nregistration: {{interval: 1s}}\n\
         distribution: {{listen: '127.0.0.1:0'}}\nadmin: {{listen: '127.0.0.1:0'}}\n"
    );
    let _process = Process::start("control-plane", &configuration).await;
    let seen = tokio::time::timeout(BOUND, converse_for(listener, 300)).await;
    // Three seconds of pings are three intervals after which publishers repeat themselves.
    let starts = seen.expect("pings").into_iter();
    let starts = starts.filter(|line| line.starts_with("PUB router.start"));
    assert_eq!(starts.count(), 1);
}

/// Plays a server until so many pings came; returns what was published and subscribed.
async fn converse_for(listener: TcpListener, pings: usize) -> Vec<String> {
    let (stream, _) = listener.accept().await.expect("a connection");
    let (read, mut write) = stream.into_split();
    write.write_all(INFO).await.expect("a greeting");
    let mut lines = BufReader::new(read).lines();
    let (mut seen, mut heard) = (Vec::new(), 0);
    while heard < pings {
        let line = lines.next_line().await.expect("a line");
        let line = line.expect("an open connection");
        if line == "PING" {
            heard += 1;
            write.write_all(b"PONG\r\n").await.expect("an answer");
        } else if line.starts_with("PUB ") || line.starts_with("SUB ") {
            seen.push(line);
        }
    }
    seen
}

const INFO: &[u8] = b"INFO {\"server_id\":\"X\",\"version\":\"2.9.10\",\"max_payload\":1048576,\"proto\":1,\"headers\":true}\r\n";

/// Plays a server until so many subscriptions came; returns what was published and subscribed.
async fn converse(listener: TcpListener, subscriptions: usize) -> Vec<String> {
    let (stream, _) = listener.accept().await.expect("a connection");
    let (read, mut write) = stream.into_split();
    write.write_all(INFO).await.expect("a greeting");
    let mut lines = BufReader::new(read).lines();
    let mut seen = Vec::new();
    while seen
        .iter()
        .filter(|line: &&String| line.starts_with("SUB "))
        .count()
        < subscriptions
    {
        let line = lines
            .next_line()
            .await
            .expect("a line")
            .expect("an open connection");
        if line == "PING" {
            write.write_all(b"PONG\r\n").await.expect("an answer");
        } else if line.starts_with("PUB ") || line.starts_with("SUB ") {
            seen.push(line);
        }
    }
    seen
}

async fn greeted_id(plane: &Plane) -> String {
    let answer = eventually("an answer to a greeting", BOUND, async || {
        // A server that has just come back may not know yet who listens.
        let answer = plane
            .publisher
            .client()
            .request("router.greet", "".into())
            .await;
        answer.map_err(|error| error.to_string())
    })
    .await;
    let answer: Value = serde_json::from_slice(&answer.payload).expect("JSON");
    assert_is_announcement(&answer);
    answer["id"].as_str().expect("an id").to_owned()
}

fn assert_is_announcement(json: &Value) {
    assert_eq!(json["minimumRegisterIntervalInSeconds"], 20);
    assert_eq!(json["pruneThresholdInSeconds"], 120);
}

fn loopback() -> std::net::SocketAddr {
    ([127, 0, 0, 1], 9999).into()
}

/// While the broker is away, registrations do not age; afterwards they do.
#[tokio::test]
async fn registrations_do_not_age_while_the_broker_is_away() {
    let broker = Broker::start().await;
    let keys = "reconnect_max_wait: 50ms\n  ping_interval: 100ms";
    let configuration = configuration::control_plane(&broker, keys).replace(
        "start_delay: 0s",
        "start_delay: 0s\n  interval: 1s\n  stale_threshold: 2s",
    );
    let process = Process::start("control-plane", &configuration).await;
    let publisher = Publisher::connect(&broker).await;
    until_logged(&process, "subscriber-started", 1).await;
    let mut plane = Plane {
        broker,
        process,
        publisher,
    };
    plane
        .publisher
        .register(&Emitted::plain("a.example.com", loopback(), 0))
        .await;
    plane.until_routes(&["a.example.com"]).await;
    plane.broker.kill();
    // Two and a half thresholds, by the reminders.
    until_logged(&plane.process, "nats-connection-still-disconnected", 50).await;
    assert_eq!(plane.routes().await, ["a.example.com"]);
    plane.broker.restart().await;
    plane.until_logged("nats-connection-reconnected").await;
    plane.until_routes(&[]).await;
    plane.until_logged("pruned-route").await;
    let pruned = &plane.logged("pruned-route")[0]["data"];
    let endpoints = pruned["endpoints"].as_array().expect("a list");
    assert_eq!(endpoints, &[loopback().to_string()]);
}
