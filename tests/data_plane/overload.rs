//! More than there is room for: who gets none, and who is spared.

use std::fs;
use std::time::{Duration, Instant};

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use crate::support::{Plane, Setup, head};

fn asking(host: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

/// above the bound on requests in flight new ones are shed with 503 and Retry-After, and let in again at once
/// an app that does not answer has no more than its share of them, so that another one answers all the same
#[tokio::test]
async fn a_slow_app_leaves_room_for_its_neighbour() {
    leaves_room(|| Answer::Silence, false).await;
}

/// so has one that does not end its answers, also where these do not count at the endpoint any more
#[tokio::test]
async fn a_slow_body_leaves_room_for_a_neighbour() {
    const HALF: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab";
    for until_head in [false, true] {
        leaves_room(|| Answer::Raw(HALF.to_vec()), until_head).await;
    }
}

async fn leaves_room(does: fn() -> Answer, until_head: bool) {
    let slow = Endpoint::with(move |_| does()).await;
    let quick = Endpoint::named("quick").await;
    let plane = Setup::new()
        .endpoint("slow.test", &slow)
        .endpoint("quick.test", &quick)
        .with(|settings| {
            settings.limits.in_flight = 100;
            settings.limits.route_percent = 60;
            settings.limits.endpoint_connections_until_head = until_head;
        })
        .start();
    let mut waiting = Vec::new();
    for _ in 0..400 {
        let mut client = plane.connect().await;
        client.write(asking("slow.test").as_bytes()).await;
        waiting.push(client);
    }
    plane
        .until("each of them waits or is shed", |totals| {
            totals.overloaded + totals.requests_in_flight == 400
        })
        .await;
    let in_flight = plane.totals().requests_in_flight;
    assert!((60..70).contains(&in_flight), "{in_flight}");
    let mut times = Vec::new();
    for _ in 0..100 {
        #[expect(clippy::disallowed_methods, reason = "real time is what is promised")]
        let begun = Instant::now();
        assert_eq!(plane.ask(asking("quick.test")).await.status, 200);
        times.push(begun.elapsed());
    }
    times.sort();
    assert!(times[50] < Duration::from_millis(250), "{times:?}");
    let shed = plane.ask(asking("slow.test")).await;
    assert_eq!((shed.status, shed.header("Retry-After")), (503, Some("1")));
    assert_eq!(shed.header("X-Cf-RouterError"), Some("overloaded"));
    drop(waiting);
    slow.script(|_| pointsman_tests::endpoint::Reply::text("now").into());
    plane
        .until("there is room", |totals| totals.requests_in_flight < 60)
        .await;
    assert_eq!(plane.ask(asking("slow.test")).await.status, 200);
}

/// Memory of this process that is its own.
fn used() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel says so");
    let lines = status.lines();
    let mut line = lines.filter_map(|line| line.strip_prefix("RssAnon:"));
    let figure = line
        .next()
        .and_then(|line| line.split_ascii_whitespace().next());
    figure
        .and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number")
        * 1024
}

async fn until_status(plane: &Plane, status: u16) {
    pointsman_tests::eventually(&format!("{status}"), Duration::from_secs(20), async || {
        let answer = plane.get("/").await;
        if answer.status == status {
            Ok(())
        } else {
            Err(answer.status.to_string())
        }
    })
    .await;
}

/// above nine tenths of its memory a data plane sheds new requests, but those of health checks and one at a time, and
/// takes them again when there is memory
#[tokio::test]
async fn without_memory_requests_are_shed_until_there_is_some() {
    const MIB: u64 = 1024 * 1024;
    let endpoint = Endpoint::named("here").await;
    let slow = Endpoint::with(|_| Answer::Silence).await;
    let budget = (used() + 192 * MIB) * 10 / 9;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .endpoint("slow.test", &slow)
        .with(|settings| {
            settings.limits.memory = Some(budget);
            settings.checks.health_user_agent = Some("monitor".into());
        })
        .start();
    assert_eq!(plane.get("/").await.status, 200);
    let mut waiting = plane.connect().await;
    waiting.write(asking("slow.test").as_bytes()).await;
    plane
        .until("something is in flight", |totals| {
            totals.requests_in_flight == 1
        })
        .await;
    let much = vec![1_u8; 384 << 20];
    until_status(&plane, 503).await;
    let shed = plane.get("/").await;
    assert_eq!((shed.status, shed.header("Retry-After")), (503, Some("1")));
    let health = plane.ask(head("GET /", &["User-Agent: monitor"])).await;
    assert_eq!(health.status, 200);
    assert_eq!(
        much.iter()
            .step_by(4096)
            .map(|byte| u64::from(*byte))
            .sum::<u64>(),
        (384 << 20) / 4096
    );
    drop(waiting);
    until_status(&plane, 200).await;
    assert_eq!(plane.get("/").await.status, 200, "one at a time is served");
    let mut waiting = plane.connect().await;
    waiting.write(asking("slow.test").as_bytes()).await;
    until_status(&plane, 503).await;
    drop(much);
    until_status(&plane, 200).await;
}

/// what is asked for in vain, by whatever host and path, leaves no label behind
#[tokio::test]
async fn unknown_hosts_leave_no_labels() {
    let endpoint = Endpoint::named("here").await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| {
            settings.per_app_latency = true;
            settings.lookup_time = true;
            settings.census = pointsman_data_plane::Census {
                varz: true,
                active_apps: true,
            };
        })
        .start();
    let mut client = plane.connect().await;
    let mut ask = async |host: u32| {
        let request = format!("GET /{host}x HTTP/1.1\r\nHost: h{host}y.test\r\n\r\n");
        client.write(request.as_bytes()).await;
        assert_eq!(client.read_answer().await.status, 404);
    };
    // By the second answer of a connection the first one has been counted.
    ask(0).await;
    ask(1).await;
    plane.settled().await;
    let before = plane.exposed();
    for host in 2..5000 {
        ask(host).await;
    }
    let after = plane.exposed();
    assert_eq!(before.lines().count(), after.lines().count());
    assert!(
        !after.contains("h4999y") && !after.contains("4999x"),
        "{after}"
    );
}
