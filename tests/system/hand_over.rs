//! A data plane is replaced by its successor on the same machine, and nobody notices.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pointsman_tests::configuration;
use pointsman_tests::fleet::{BOUND, More};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Authority, Broker, Client, Endpoint, Fleet, Process, Requests};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::assert_none_lost;

const HOST: &str = "app.example.com";

/// Clients that make a connection for each request.
const CLIENTS: usize = 6;

/// A request on a connection of its own.
async fn ask(router: SocketAddr) -> Result<(), String> {
    let told = |what: &'static str| move |error| format!("{what}: {error}");
    let mut socket = TcpStream::connect(router).await.map_err(told("connect"))?;
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    let written = socket.write_all(request.as_bytes()).await;
    written.map_err(told("write"))?;
    let mut answer = String::new();
    let read = socket.read_to_string(&mut answer).await;
    read.map_err(told("read"))?;
    if answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("here") {
        Ok(())
    } else {
        Err(format!("answered {answer:?}"))
    }
}

/// Asks until it is told to stop; answers how often, and what failed.
async fn keep_asking(router: SocketAddr, stop: CancellationToken) -> (usize, Vec<String>) {
    let mut asked = 0;
    let mut failed = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    while !stop.is_cancelled() {
        ticks.tick().await;
        asked += 1;
        let answered = tokio::time::timeout(BOUND, ask(router)).await;
        failed.extend(
            answered
                .unwrap_or_else(|_| Err("no answer".to_owned()))
                .err(),
        );
    }
    (asked, failed)
}

/// a data plane is replaced without a failed request: a successor takes over its listening
/// sockets, whoever has more workers, and no connection is refused or reset on the way.
#[tokio::test(flavor = "multi_thread")]
async fn five_successors_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hand-over.sock");
    let common = format!(
        "hand_over: {}\ndrain: {{wait: 1s, timeout: 10s}}\n",
        path.display()
    );
    let first = format!("{common}workers: 2\n");
    let more = More {
        data_plane: &first,
        ..More::default()
    };
    let mut fleet = Fleet::with(Broker::start().await, 1, more).await;
    let endpoint = Endpoint::named("here").await;
    fleet
        .register(&Emitted::plain(HOST, endpoint.address(), 0), HOST)
        .await;
    let router = fleet.routers()[0];
    let admin = fleet.data_planes[0].address("admin");
    let distribution = fleet.control_plane.address("distribution");

    let stop = CancellationToken::new();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(keep_asking(router, stop.clone()));
    }
    let kept_alive = Requests::keep_sending(&[router], HOST, 4);
    for workers in [3, 1, 2, 4, 2] {
        let same = configuration::data_plane(distribution)
            .replace("[127.0.0.1:0]", &format!("[{router}]"))
            .replace("listen: 127.0.0.1:0", &format!("listen: {admin}"));
        let successor = format!("{same}{common}workers: {workers}\n");
        let successor = Process::start("data-plane", &successor).await;
        let mut before = std::mem::replace(&mut fleet.data_planes[0], successor);
        let ended = before.ended(BOUND).await;
        assert!(ended.success(), "{ended}:\n{}", before.log());
        assert!(before.log().contains("hand-over-given"), "{}", before.log());
    }
    stop.cancel();
    let (mut asked, mut failed) = (0, Vec::new());
    for (more, also) in clients.join_all().await {
        asked += more;
        failed.extend(also);
    }
    assert!(
        failed.is_empty(),
        "{} of {asked}: {failed:#?}",
        failed.len()
    );
    assert!(asked > 500, "{asked} requests are too few to say");
    assert_none_lost(&kept_alive.stop().await);
}

/// Connects over TLS for each request until it is told to stop; answers how often, and what failed.
async fn keep_shaking_hands(
    secure: SocketAddr,
    config: Arc<ClientConfig>,
    stop: CancellationToken,
) -> (usize, Vec<String>) {
    let mut asked = 0;
    let mut failed = Vec::new();
    while !stop.is_cancelled() {
        asked += 1;
        match Client::connect_tls(secure, Arc::clone(&config), HOST).await {
            Err(error) => failed.push(format!("handshake: {error}")),
            Ok(mut client) => match client.get(HOST, "/").await {
                Ok(answer) if answer.status == 200 => {}
                other => failed.push(format!("{other:?}")),
            },
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (asked, failed)
}

/// a successor takes over listeners that speak TLS as all others, and no handshake fails on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_successor_takes_over_listeners_that_speak_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new("authority");
    let files = authority.server(&[HOST]).write(folder.path(), "site");
    let common = |listen: &str| {
        format!(
            "hand_over: {}
drain: {{wait: 1s, timeout: 10s}}
tls:
  listen: ['{listen}']
  certificates: [{{certificate: {}, key: {}}}]
",
            folder.path().join("hand-over.sock").display(),
            files.certificate.display(),
            files.key.display()
        )
    };
    let first = common("127.0.0.1:0");
    let more = More {
        data_plane: &first,
        ..More::default()
    };
    let mut fleet = Fleet::with(Broker::start().await, 1, more).await;
    let endpoint = Endpoint::named("here").await;
    let registered = Emitted::plain(HOST, endpoint.address(), 0);
    fleet.register(&registered, HOST).await;
    let (router, secure) = (fleet.routers()[0], fleet.data_planes[0].address("https"));
    let admin = fleet.data_planes[0].address("admin");
    let distribution = fleet.control_plane.address("distribution");
    let stop = CancellationToken::new();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let config = authority.client_config(None);
        clients.spawn(keep_shaking_hands(secure, config, stop.clone()));
    }
    for _ in 0..2 {
        let same = configuration::data_plane(distribution)
            .replace("[127.0.0.1:0]", &format!("[{router}]"))
            .replace("listen: 127.0.0.1:0", &format!("listen: {admin}"));
        let successor = same + &common(&secure.to_string());
        let successor = Process::start("data-plane", &successor).await;
        assert_eq!(successor.address("https"), secure);
        let mut before = std::mem::replace(&mut fleet.data_planes[0], successor);
        let ended = before.ended(BOUND).await;
        assert!(ended.success(), "{ended}:\n{}", before.log());
    }
    stop.cancel();
    let (mut asked, mut failed) = (0, Vec::new());
    for (more, also) in clients.join_all().await {
        asked += more;
        failed.extend(also);
    }
    let count = failed.len();
    assert!(failed.is_empty(), "{count} of {asked}: {failed:#?}");
    assert!(asked > 100, "{asked} requests are too few to say");
}

/// A successor that cannot take over says why and ends; the one that serves serves on.
#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_fails_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hand-over.sock");
    let common = format!("hand_over: {}\n", path.display());
    let more = More {
        data_plane: &common,
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 1, more).await;
    let endpoint = Endpoint::named("here").await;
    fleet
        .register(&Emitted::plain(HOST, endpoint.address(), 0), HOST)
        .await;
    let router = fleet.routers()[0];

    // It listens elsewhere, so that what waits in the sockets that it inherits would be lost.
    let config = folder.path().join("config.yml");
    let distribution = fleet.control_plane.address("distribution");
    let elsewhere = configuration::data_plane(distribution) + &common;
    std::fs::write(&config, elsewhere).expect("a configuration");
    let arguments = ["--config".as_ref(), config.as_os_str()];
    let mut successor = Process::spawn("data-plane", arguments);
    let ended = successor.ended(BOUND).await;
    assert_eq!(ended.code(), Some(69), "{}", successor.log());
    let log = successor.log();
    assert!(log.contains("is not configured"), "{log}");
    assert!(log.contains("127.0.0.1:"), "{log}");

    // It never becomes ready, since its control plane is nobody's.
    let admin = fleet.data_planes[0].address("admin");
    let waits = configuration::data_plane(SocketAddr::from(([127, 0, 0, 1], 1)))
        .replace("[127.0.0.1:0]", &format!("[{router}]"))
        .replace("listen: 127.0.0.1:0", &format!("listen: {admin}"));
    let mut waiting = Process::start("data-plane", &format!("{waits}{common}")).await;
    for _ in 0..50 {
        ask(router).await.expect("an answer of the one that serves");
    }
    waiting.kill();
    fleet.data_planes[0]
        .until_logged("hand-over-not-taken")
        .await;
    ask(router).await.expect("an answer of the one that serves");
}

/// A service manager's sockets are used, and nothing is bound that it did not pass.
#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_a_service_manager_are_inherited() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.yml");
    let text = configuration::data_plane(SocketAddr::from(([127, 0, 0, 1], 1)))
        .replace("[127.0.0.1:0]", &format!("[{address}]"));
    std::fs::write(&config, text).expect("a configuration");
    // The shell becomes the data plane, so that its id is the one that the sockets are for.
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" --config \"$1\" 3<&0 0</dev/null";
    let mut child = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(Process::binary("data-plane"))
        .arg(&config)
        .stdin(std::process::Stdio::from(std::os::fd::OwnedFd::from(
            listener,
        )))
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("a shell");
    let answered = tokio::time::timeout(BOUND, async {
        let mut socket = TcpStream::connect(address).await.expect("it listens");
        let request = b"GET / HTTP/1.1\r\nHost: nobody\r\nConnection: close\r\n\r\n";
        socket.write_all(request).await.expect("a write");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        answer
    });
    let answered = answered.await;
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let answer = answered.expect("an answer in time");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}
