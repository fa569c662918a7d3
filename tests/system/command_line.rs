//! The operator's command line, on a whole line of processes.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use hyper::StatusCode;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Endpoint, Fleet, Process, eventually};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::NOT_FOUND;

/// Within which a state must be there, on a machine that is busy with other tests.
const BOUND: Duration = Duration::from_secs(20);

/// One command, asked of the control plane of a fleet.
fn command(fleet: &Fleet, arguments: &[&str]) -> Command {
    let mut command = Command::new(Process::binary("pointsman"));
    let server = format!("http://{}", fleet.control_plane.address("admin"));
    command
        .args(arguments)
        .env("POINTSMAN_SERVER", server)
        .env("NATS_URL", fleet.broker.url())
        .stdin(Stdio::null());
    command
}

/// What it shows, and its status.
async fn ask(fleet: &Fleet, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = command(fleet, arguments);
    let ended = tokio::task::spawn_blocking(move || command.output()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = ended.expect("the command").expect("the binary");
    let text = [stdout, stderr].concat();
    (status.code(), String::from_utf8(text).expect("text"))
}

async fn json(fleet: &Fleet, arguments: &[&str]) -> Value {
    let (status, text) = ask(fleet, &[arguments, &["-o", "json"]].concat()).await;
    assert_eq!(status, Some(0), "{arguments:?}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Which endpoints a URL gets, and why, by one command.
/// The same for scripts, with statuses that tell what is so from what is not.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_registered_is_shown_and_explained() {
    let fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("here").await;
    let message = Emitted::plain("app.example.com", endpoint.address(), 0);
    fleet.register(&message, "app.example.com").await;
    let address = endpoint.address().to_string();

    let (status, table) = ask(&fleet, &["routes"]).await;
    let row = table
        .lines()
        .find(|line| line.starts_with("app.example.com "))
        .expect("a row");
    assert!(
        row.contains(&address) && row.contains("registered"),
        "{table}"
    );
    assert_eq!(status, Some(0));
    assert!(table.starts_with("ROUTE "), "{table}");
    let (status, _) = ask(&fleet, &["routes", "--host", "other.example.com"]).await;
    assert_eq!(status, Some(1), "nothing is registered for it");
    let page = json(&fleet, &["routes", "app.example.com"]).await;
    assert_eq!(page["routes"][0]["endpoints"][0]["address"], *address);

    let (status, told) = ask(&fleet, &["explain", "http://app.example.com/some/path"]).await;
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains(&address) && told.contains("same"), "{told}");
    let (status, told) = ask(&fleet, &["explain", "none.example.com"]).await;
    assert_eq!(status, Some(1), "{told}");

    let (status, told) = ask(&fleet, &["history", "app.example.com"]).await;
    assert_eq!(status, Some(0), "{told}");
    assert!(
        told.contains("added") && told.contains("registered"),
        "{told}"
    );
    let (status, told) = ask(&fleet, &["routes", "--server", "http://127.0.0.1:1"]).await;
    assert_eq!(status, Some(3), "{told}");
    assert!(told.contains("127.0.0.1:1"), "{told}");
    let (status, told) = ask(&fleet, &["routes", "--unknown"]).await;
    assert_eq!(status, Some(2), "{told}");
    let (status, told) = ask(&fleet, &["completions", "bash"]).await;
    assert_eq!(status, Some(0));
    assert!(told.contains("replicas"), "{told}");
}

/// Whether every data plane is up to date, by one command.
/// And whether the whole is well.
/// An endpoint is taken out, and back again.
#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_is_checked_and_an_endpoint_taken_out() {
    let fleet = Fleet::start(1).await;
    let (one, two) = (Endpoint::named("one").await, Endpoint::named("two").await);
    for endpoint in [&one, &two] {
        let message = Emitted::plain("app.example.com", endpoint.address(), 0);
        fleet.register(&message, "app.example.com").await;
    }
    eventually("the data plane has everything", BOUND, async || {
        let (_, table) = ask(&fleet, &["replicas"]).await;
        let converged = table.lines().any(|line| line.contains("converged"));
        if converged { Ok(()) } else { Err(table) }
    })
    .await;
    let address = one.address().to_string();
    let (status, told) = ask(&fleet, &["overrides", "eject", &address]).await;
    assert_eq!(status, Some(2), "a reason is needed: {told}");
    let eject = [
        "overrides",
        "eject",
        &*address,
        "--reason",
        "it misbehaves",
        "--for",
        "10m",
    ];
    let placed = json(&fleet, &eject).await;
    let id = placed["override"]["id"].as_str().expect("an id");
    let (status, told) = ask(&fleet, &["check"]).await;
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("it misbehaves"), "{told}");
    let (_, told) = ask(
        &fleet,
        &["explain", "app.example.com", "--without-replicas"],
    )
    .await;
    assert!(told.contains("endpoints to choose from: 1"), "{told}");
    let row = told.lines().find(|line| line.starts_with(&address));
    assert!(row.is_some_and(|row| row.contains(" never ")), "{told}");
    eventually("the data plane has let it go", BOUND, async || {
        // A data plane answers five questions a second.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (_, told) = ask(&fleet, &["explain", "app.example.com"]).await;
        if told.contains("same") {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
    let (status, told) = ask(&fleet, &["overrides", "end", id]).await;
    assert_eq!(status, Some(0), "{told}");
    let (_, told) = ask(&fleet, &["overrides"]).await;
    assert!(!told.contains("it misbehaves"), "{told}");
}

/// Waits until a check tells all of this; its status.
async fn until_checked(fleet: &Fleet, words: &[&str]) -> Option<i32> {
    eventually("all of it to be told", BOUND, async || {
        let (status, told) = ask(fleet, &["check"]).await;
        let all = words.iter().all(|words| told.contains(words));
        if all { Ok(status) } else { Err(told) }
    })
    .await
}

/// And whether the whole is well: not while a data plane is frozen, and does not serve what came since.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_data_plane_is_not_well() {
    let fleet = Fleet::start(2).await;
    let endpoint = Endpoint::named("here").await;
    let message = Emitted::plain("app.example.com", endpoint.address(), 0);
    fleet.register(&message, "app.example.com").await;
    // A control plane that has just started does not know everything yet, which is not asked here.
    let well = [
        "good  each data plane has what it should",
        "good  no override is in force",
    ];
    until_checked(&fleet, &well).await;
    let there = format!("http://{}", fleet.data_planes[0].address("admin"));
    let freeze = [
        "overrides",
        "freeze-table",
        "--reason",
        "routes vanish",
        "--server",
        &there,
    ];
    let placed = json(&fleet, &freeze).await;
    let address = endpoint.address().to_string();
    let publish = ["publish", "--once", &*address, "new.example.com"];
    let (status, told) = ask(&fleet, &publish).await;
    assert_eq!(status, Some(0), "{told}");
    let wrong = [
        "BAD   each data plane has what it should",
        "is behind by ",
        "BAD   no override is in force",
        "freeze-table at the data plane ",
    ];
    let status = until_checked(&fleet, &wrong).await;
    assert_eq!(status, Some(1));
    let id = placed["override"]["id"].as_str().expect("an id");
    let (status, told) = ask(&fleet, &["overrides", "end", id, "--server", &there]).await;
    assert_eq!(status, Some(0), "{told}");
    until_checked(&fleet, &well).await;
}

/// What is asked of the wrong process, or of nothing that there could be, is refused and not answered with nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_told() {
    let fleet = Fleet::start(1).await;
    let control_plane = format!("http://{}", fleet.control_plane.address("admin"));
    let data_plane = format!("http://{}", fleet.data_planes[0].address("admin"));
    let below = format!("{control_plane}/x");
    let wrong = "expected the address of an admin API that has this";
    for (arguments, wanted, words) in [
        (&["routes", "--server", &data_plane][..], 3, wrong),
        (&["replicas", "nope", "--server", &data_plane], 3, wrong),
        (&["routes", "--server", &below], 3, wrong),
        (&["replicas", "nope"], 1, "no data plane of the id \"nope\""),
        (
            &["replicas", "../overrides"],
            1,
            "no data plane of the id \"../overrides\"",
        ),
        (&["overrides", "end", "../../health"], 1, "../../health"),
        (
            &["routes", "https://a.example.com"],
            2,
            "expected HOST or HOST/PATH",
        ),
        (
            &["publish", "--once", "127.0.0.1:0", "a.example.com"],
            2,
            "the endpoint has no port",
        ),
    ] {
        let (status, told) = ask(&fleet, arguments).await;
        assert_eq!(status, Some(wanted), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}

/// What a publisher calls its segment moves nothing on a terminal.
#[tokio::test(flavor = "multi_thread")]
async fn what_publishers_say_is_harmless_to_a_terminal() {
    const SEGMENT: &str = "s\u{1b}[31m\u{9b}2Jg";
    const SHOWN: &str = "s\\u{1b}[31m\\u{9b}2Jg";
    let fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("here").await;
    let address = endpoint.address().to_string();
    let publish = [
        "publish",
        "--once",
        &*address,
        "odd.example.com",
        "--segment",
        SEGMENT,
    ];
    let (status, told) = ask(&fleet, &publish).await;
    assert_eq!(status, Some(0), "{told}");
    for command in ["routes", "history"] {
        eventually("it to be shown", BOUND, async || {
            let (_, told) = ask(&fleet, &[command, "odd.example.com"]).await;
            let raw = told.chars().any(|it| it.is_control() && it != '\n');
            if told.contains(SHOWN) && !raw {
                Ok(())
            } else {
                Err(told)
            }
        })
        .await;
    }
    let page = json(&fleet, &["routes", "odd.example.com"]).await;
    assert_eq!(page["routes"][0]["endpoints"][0]["segment"], SEGMENT);
}

/// A command that runs on; it is killed when the value is dropped.
struct Running(Child);

impl Running {
    fn ask_to_end(&self) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, Signal::TERM).expect("it runs");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What changes is told as it happens; a route is there for as long as its publisher.
#[tokio::test(flavor = "multi_thread")]
async fn a_published_route_is_watched_coming_and_going() {
    let fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("here").await;
    let folder = tempfile::tempdir().expect("a folder");
    let seen = folder.path().join("seen");
    let log = std::fs::File::create(&seen).expect("a file");
    let mut watch = command(&fleet, &["watch", "-o", "json"]);
    let _watch = Running(watch.stdout(log).spawn().expect("the binary"));
    let lines = async |what: &str, wanted: &str| {
        eventually(what, BOUND, async || {
            let text = std::fs::read_to_string(&seen).expect("the file");
            if text.contains(wanted) {
                Ok(())
            } else {
                Err(text)
            }
        })
        .await;
    };
    lines("the watch begins", "\"start\"").await;
    let address = endpoint.address().to_string();
    let publish = [
        "publish",
        &*address,
        "published.example.com",
        "--every",
        "1",
        "--tag",
        "a=b",
    ];
    let mut publish = command(&fleet, &publish);
    let mut publish = Running(publish.stdout(Stdio::null()).spawn().expect("the binary"));
    fleet.answers("published.example.com", StatusCode::OK).await;
    lines("it is seen coming", "\"added\"").await;
    publish.ask_to_end();
    let status = publish.0.wait().expect("its end");
    assert_eq!(status.code(), Some(0));
    fleet.answers("published.example.com", NOT_FOUND).await;
    lines("it is seen going", "\"unregistered\"").await;
}
