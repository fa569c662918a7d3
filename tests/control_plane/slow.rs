//! Data planes that stop reading, and what they cost.

use std::collections::HashMap;
use std::time::Duration;

use pointsman_tests::{Cut, Publisher, environment, eventually};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::follower::{Follower, Step, hello};
use crate::plane::{BOUND, Plane};

/// Routes that are changed over and over.
const ROUTES: u64 = 2_000;

/// How often each of them is.
const ROUNDS: u64 = 100;

/// Routes that change after everybody has stopped, and how often each of them does.
const LATE: (u64, u64) = (300, 5);

/// Data planes that stop: so many that the few MiB which the allocator holds more or less by chance, in either figure, are
/// little beside what they may cost.
const STOPPED: usize = 150;

/// What each of them may cost, in bytes.
const SHARE: u64 = 256 * 1024;

/// Within which each is current after its return: 5 s on a machine that does nothing else, which is what the longer variants
/// are run on.
fn current_within() -> Duration {
    if environment("POINTSMAN_FULL").is_some() {
        Duration::from_secs(5)
    } else {
        BOUND
    }
}

fn payload(name: &str, number: u64, round: u64) -> Vec<u8> {
    let message = json!({
        "uris": [format!("{name}-{number}.example.com")], "host": "10.0.0.1", "port": 1 + number,
        "app": "0123456789abcdef-0123456789abcdef",
        "tags": {"round": round.to_string(), "component": "route-emitter", "padding": "x".repeat(200)},
    });
    message.to_string().into_bytes()
}

async fn publish(publisher: &Publisher, name: &str, routes: u64, round: u64) {
    let client = publisher.client();
    for number in 0..routes {
        let payload = payload(name, number, round).into();
        client
            .publish("router.register", payload)
            .await
            .expect("a message");
    }
    client.flush().await.expect("sent");
}

async fn replicas(plane: &Plane) -> Value {
    serde_json::from_slice(&plane.get("/v1/replicas").await.body).expect("JSON")
}

async fn revision(plane: &Plane) -> u64 {
    let revision = replicas(plane).await["wanted_revision"].as_u64();
    revision.expect("a revision")
}

/// Changes every route once in each round, and waits for each round, so that nothing is dropped on the way.
async fn change(plane: &Plane, name: &str, routes: u64, rounds: std::ops::Range<u64>) {
    let mut wanted = revision(plane).await;
    for round in rounds {
        publish(&plane.publisher, name, routes, round).await;
        wanted += routes;
        eventually("the changes", BOUND, async || {
            let now = revision(plane).await;
            if now >= wanted {
                Ok(())
            } else {
                Err(now.to_string())
            }
        })
        .await;
    }
}

/// Resident bytes of a process.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.expect("a figure") * 1024
}

fn round(endpoint: &pointsman_proto::v1::Endpoint) -> &str {
    endpoint.tags.get("round").expect("a round")
}

/// How often each endpoint of this name came, and the last round of each.
fn came<'a>(steps: &'a [Step], name: &str) -> HashMap<&'a str, (usize, &'a str)> {
    let mut came = HashMap::new();
    for endpoint in steps.iter().flat_map(|step| &step.endpoints) {
        let key = endpoint.route.as_ref().and_then(|key| key.host.as_ref());
        let Some(pointsman_proto::v1::route_key::Host::ExactHost(host)) = key else {
            panic!("{key:?}")
        };
        if host.starts_with(name) {
            let (times, last) = came.entry(&**host).or_insert((0, ""));
            *times += 1;
            *last = round(endpoint);
        }
    }
    came
}

/// A control plane whose sessions outlast the test, with a table that has seen as many changes as it will later, so that
/// what these cost by themselves is not taken for what stopped data planes cost.
async fn churned() -> Plane {
    let plane = Plane::start_changed(|configuration| {
        configuration.replace("distribution:\n", "distribution:\n  heartbeat: 60s\n")
    })
    .await;
    publish(&plane.publisher, "app", ROUTES, 0).await;
    plane
        .until_metric("pointsman_registry_endpoints", ROUTES as f64)
        .await;
    change(&plane, "app", ROUTES, 1..ROUNDS).await;
    plane
}

/// Half of them behind paths that stall, so that not even their kernels take anything; the other half grants no window.
async fn stop(plane: &Plane) -> (Vec<Follower>, Cut) {
    let address = plane.process.address("distribution");
    let path = Cut::before(address).await;
    let revision = revision(plane).await;
    let mut stopped = Vec::new();
    for number in 0..STOPPED {
        let to = if number % 2 == 0 {
            path.address()
        } else {
            address
        };
        let mut follower = Follower::connect(to, hello(&format!("dp-{number}"))).await;
        let all = follower.step_to(revision).await;
        follower.ack(&all).await;
        stopped.push(follower);
    }
    path.stall();
    (stopped, path)
}

/// 150 stopped data planes and 200,000 changes cost at most 256 KiB each; each of them is current within 5 s of
/// its return, and no change is sent to it twice
#[tokio::test]
async fn stopped_data_planes_cost_little_and_are_soon_current() {
    let plane = churned().await;
    let before = resident(plane.process.id());
    let (stopped, path) = stop(&plane).await;
    change(&plane, "app", ROUTES, ROUNDS..2 * ROUNDS).await;
    // These come when nothing more fits into any buffer.
    let (late, times) = LATE;
    change(&plane, "late", late, 0..times).await;
    costs_little(&plane, before).await;

    let wanted = revision(&plane).await;
    let returned = Instant::now();
    path.restore();
    let reading: Vec<_> = stopped
        .into_iter()
        .map(|follower| tokio::spawn(catch_up(follower, wanted)))
        .collect();
    for reading in reading {
        let (steps, current) = reading.await.expect("it catches up");
        let took = current - returned;
        assert!(took < current_within(), "{took:?}");
        let late_ones = came(&steps, "late");
        assert_eq!(late_ones.len() as u64, late);
        let last = (times - 1).to_string();
        assert!(
            late_ones.values().all(|it| *it == (1, &last)),
            "{late_ones:?}"
        );
        let apps = came(&steps, "app");
        let last = (2 * ROUNDS - 1).to_string();
        assert_eq!(apps.len() as u64, ROUTES);
        assert!(apps.values().all(|(_, round)| *round == last));
        // What lay in buffers is old; beside that, each comes once.
        let sent: usize = apps.values().map(|(times, _)| times).sum();
        assert!((sent as u64) < 2 * ROUTES, "{sent}");
    }
}

/// Waits until the control plane holds no more than the stopped data planes may cost. What only passed through is given back
/// to the system a moment later, by threads that go on working: so there are heartbeats, which change nothing.
async fn costs_little(plane: &Plane, before: u64) {
    eventually(
        "memory that is not held to be given back",
        BOUND,
        async || {
            publish(&plane.publisher, "app", ROUTES, 2 * ROUNDS - 1).await;
            let after = resident(plane.process.id());
            let each = after.saturating_sub(before) / STOPPED as u64;
            if each <= SHARE {
                Ok(())
            } else {
                Err(format!(
                    "{each} bytes for each: {before} before, {after} after"
                ))
            }
        },
    )
    .await;
}

async fn catch_up(mut follower: Follower, wanted: u64) -> (Vec<Step>, Instant) {
    let mut steps: Vec<Step> = Vec::new();
    while steps
        .last()
        .is_none_or(|step| step.closing.revision < wanted)
    {
        steps.push(follower.step().await);
    }
    (steps, Instant::now())
}
