//! A data plane that keeps its table on disk starts without a control plane.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use hyper::StatusCode;
use pointsman_tests::fleet::{BOUND, More};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{
    Broker, Client, Endpoint, Fleet, Process, Requests, configuration, eventually,
};
use tempfile::TempDir;

use crate::{assert_none_lost, shown};

const HOST: &str = "app.example.com";

/// The section of a data plane that keeps its table in this folder.
fn state(folder: &Path) -> String {
    format!(
        "state: {{folder: {}, write_interval: 1s}}\n",
        folder.display()
    )
}

/// A fleet with one data plane that keeps its table, and an endpoint that it serves.
async fn fleet(folder: &Path) -> (Fleet, Endpoint) {
    let more = More {
        data_plane: &state(folder),
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 1, more).await;
    let endpoint = Endpoint::named("kept").await;
    let message = Emitted::plain(HOST, endpoint.address(), 0);
    fleet.register(&message, HOST).await;
    (fleet, endpoint)
}

/// Waits until the data plane has written its table with the route in it.
async fn written(data_plane: &Process) {
    eventually("the table to be written", BOUND, async || {
        let shown = shown(data_plane).await?;
        let kept = &shown["kept"];
        match (kept["things"].as_u64(), kept["writes"].as_u64()) {
            (Some(2..), Some(1..)) => Ok(()),
            _ => Err(kept.to_string()),
        }
    })
    .await;
}

/// Waits until the table in this folder names all of these hosts: how often it was written says nothing of what it holds.
async fn named<Host: AsRef<str>>(folder: &Path, hosts: &[Host]) {
    eventually("the newer table", BOUND, async || {
        let table = fs::read(folder.join("table")).map_err(|error| error.to_string())?;
        let is_named = |host: &str| {
            let mut texts = table.windows(host.len());
            texts.any(|text| text == host.as_bytes())
        };
        let missing = hosts.iter().find(|host| !is_named(host.as_ref()));
        missing.map_or(Ok(()), |host| Err(format!("{} is missing", host.as_ref())))
    })
    .await;
}

/// A data plane with this folder, whose control plane is not there.
async fn alone(fleet: &Fleet, more: &str) -> Process {
    let configuration = configuration::data_plane(fleet.control_plane.address("distribution"));
    Process::start("data-plane", &(configuration + more)).await
}

async fn first_answer(data_plane: &Process, bound: Duration) -> String {
    let router = data_plane.address("http");
    eventually("the first answer", bound, async || {
        let mut client = Client::connect(router).await;
        let response = client.get(HOST, "/").await;
        let response = response.map_err(|failure| failure.to_string())?;
        match response.status {
            StatusCode::OK => Ok(response.text().to_owned()),
            other => Err(other.to_string()),
        }
    })
    .await
}

/// started without a control plane, a data plane serves what it kept within three seconds
/// a data plane with a persisted table is ready
#[tokio::test(flavor = "multi_thread")]
async fn a_data_plane_starts_without_a_control_plane() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut fleet, endpoint) = fleet(folder.path()).await;
    written(&fleet.data_planes[0]).await;
    let mode = |name: &str| {
        let about = fs::metadata(folder.path().join(name)).expect("a file");
        about.permissions().mode() & 0o777
    };
    assert_eq!(mode("table"), 0o600);

    fleet.kill_control_plane();
    fleet.data_planes[0].kill();
    let data_plane = alone(&fleet, &state(folder.path())).await;
    assert_eq!(
        first_answer(&data_plane, Duration::from_secs(3)).await,
        "kept"
    );
    let shown = shown(&data_plane).await.expect("an answer");
    assert_eq!(shown["ready"], true, "{shown}");
    assert_eq!(shown["table"]["orphans"], 1, "{shown}");
    assert!(shown["table"]["age_seconds"].is_u64(), "{shown}");

    // The control plane comes back, and hears of the route again: then it is nobody's orphan.
    let requests = Requests::keep_sending(&[data_plane.address("http")], HOST, 2);
    fleet.restart_control_plane().await;
    let message = Emitted::plain(HOST, endpoint.address(), 0);
    fleet.publisher.register(&message).await;
    eventually("the orphan to be confirmed", BOUND, async || {
        let shown = crate::shown(&data_plane).await?;
        let table = &shown["table"];
        if table["orphans"] == 0 && !shown["followed"].is_null() {
            Ok(())
        } else {
            Err(shown.to_string())
        }
    })
    .await;
    enough(&endpoint).await;
    assert_none_lost(&requests.stop().await);
}

/// a corrupt file is skipped by name, and the previous one is served
#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_file_is_skipped_for_the_previous_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut fleet, endpoint) = fleet(folder.path()).await;
    written(&fleet.data_planes[0]).await;
    let another = Emitted::plain("other.example.com", endpoint.address(), 0);
    fleet.register(&another, "other.example.com").await;
    named(folder.path(), &["other.example.com"]).await;
    fleet.kill_control_plane();
    fleet.data_planes[0].kill();

    let table = folder.path().join("table");
    let mut bytes = fs::read(&table).expect("the table");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&table, bytes).expect("a writable table");
    let data_plane = alone(&fleet, &state(folder.path())).await;
    assert_eq!(
        first_answer(&data_plane, Duration::from_secs(3)).await,
        "kept"
    );
    let log = data_plane.until_logged("table-file-skipped").await;
    assert!(
        log.contains("its checksum does not fit what it holds"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_other_segments_is_not_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut fleet, _endpoint) = fleet(folder.path()).await;
    written(&fleet.data_planes[0]).await;
    fleet.kill_control_plane();
    fleet.data_planes[0].kill();
    let more = state(folder.path()) + "segments: {mode: segments, list: [east]}\n";
    let data_plane = alone(&fleet, &more).await;
    data_plane.until_logged("another filter of segments").await;
    let shown = shown(&data_plane).await.expect("an answer");
    assert_eq!(shown["ready"], false, "{shown}");
    assert_eq!(shown["table"]["endpoints"], 0, "{shown}");
}

/// where the table cannot be written that is told once, and requests are served
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_to_is_told_once() {
    let place: TempDir = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("state");
    fs::write(&folder, "a file stands here").expect("a file");
    let (fleet, _endpoint) = fleet(&folder).await;
    let data_plane = &fleet.data_planes[0];
    eventually("three failures", BOUND, async || {
        let shown = shown(data_plane).await?;
        match shown["kept"]["failures"].as_u64() {
            Some(3..) => Ok(()),
            _ => Err(shown.to_string()),
        }
    })
    .await;
    assert_eq!(data_plane.log().matches("table-not-written").count(), 1);
    fleet.answers(HOST, StatusCode::OK).await;
    fs::remove_file(&folder).expect("a removable file");
    written(data_plane).await;
    data_plane.until_logged("table-written-again").await;
    fleet.answers(HOST, StatusCode::OK).await;
}

/// a restarted data plane answers none of the routes that its peer knows with 404
/// what was unregistered while a data plane was away is not served from its file
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_data_plane_knows_what_its_control_plane_knows() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut fleet, endpoint) = fleet(folder.path()).await;
    let hosts: Vec<_> = (0..300).map(|n| format!("app-{n}.example.com")).collect();
    for host in &hosts {
        let message = Emitted::plain(host, endpoint.address(), 0);
        fleet.publisher.register(&message).await;
    }
    for host in &hosts {
        fleet.answers(host, StatusCode::OK).await;
    }
    named(folder.path(), &hosts).await;
    fleet.data_planes[0].kill();
    let gone = Emitted::plain(HOST, endpoint.address(), 0);
    fleet.publisher.unregister(&gone).await;

    fleet.data_planes[0] = alone(&fleet, &state(folder.path())).await;
    let data_plane = &fleet.data_planes[0];
    eventually("it to be ready", BOUND, async || {
        let shown = shown(data_plane).await?;
        (shown["ready"] == true)
            .then_some(())
            .ok_or_else(|| shown.to_string())
    })
    .await;
    let mut client = Client::connect(data_plane.address("http")).await;
    for host in &hosts {
        let status = client.get(host, "/").await.expect("an answer").status;
        assert_eq!(status, StatusCode::OK, "{host}");
    }
    fleet.answers(HOST, StatusCode::NOT_FOUND).await;
}

/// Waits until the endpoint has had a good number of requests more.
async fn enough(endpoint: &Endpoint) {
    let before = endpoint.request_count();
    eventually("two hundred more requests", BOUND, async || {
        let count = endpoint.request_count() - before;
        (count >= 200)
            .then_some(())
            .ok_or_else(|| count.to_string())
    })
    .await;
}
