//! The binary alone, without a control plane: what it takes of the machine, and how it behaves
//! when that is short.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use pointsman_tests::process::Launch;
use pointsman_tests::{Authority, Process, RawConnection, configuration, descriptors, eventually};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use tokio::time::Instant;

use crate::support::BOUND;

/// A data plane whose control plane is nobody's: it answers everything with 404.
fn alone(more: &str) -> String {
    configuration::data_plane(SocketAddr::from(([127, 0, 0, 1], 1))) + more
}

/// A connection with one answered request.
async fn connect(plane: &Process) -> RawConnection {
    let mut client = RawConnection::connect(plane.address("http")).await;
    ask(&mut client, "/").await;
    client
}

async fn ask(client: &mut RawConnection, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: nobody\r\n\r\n");
    client.write(request.as_bytes()).await;
    assert_eq!(client.read_answer().await.status, 404);
}

fn proc_file(plane: &Process, name: &str) -> String {
    std::fs::read_to_string(format!("/proc/{}/{name}", plane.id())).expect("a running process")
}

/// What is resident of it, in bytes.
fn resident(plane: &Process) -> u64 {
    let status = proc_file(plane, "status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number")
        * 1024
}

fn workers(plane: &Process) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", plane.id())).expect("threads");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("worker-"))
        .count()
}

/// An idle client connection costs at most 4 KiB.
#[tokio::test]
async fn an_idle_connection_is_small() {
    const CONNECTIONS: u64 = 2000;
    // Both ends of each, and what processes have beside them.
    descriptors::need(CONNECTIONS + 300);
    let plane = Process::start("data-plane", &alone("workers: 2\n")).await;
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(connect(&plane).await);
    }
    let before = resident(&plane);
    for _ in 0..CONNECTIONS {
        clients.push(connect(&plane).await);
    }
    let each = (resident(&plane) - before) / CONNECTIONS;
    println!("{each} bytes for each idle connection");
    assert!(each <= 4096, "{each} bytes for each idle connection");
}

/// There are as many workers as the process may use cores.
#[tokio::test]
async fn workers_follow_the_cores() {
    let plane = Process::start_on(Some("0"), "data-plane", &alone("")).await;
    until_workers(&plane, 1).await;
    let cores = std::thread::available_parallelism().expect("a number of cores");
    let plane = Process::start("data-plane", &alone("")).await;
    until_workers(&plane, cores.get()).await;
}

/// A thread names itself once it runs: the process may be ready before.
async fn until_workers(plane: &Process, wanted: usize) {
    eventually("the workers", BOUND, async || {
        let count = workers(plane);
        if count == wanted {
            Ok(())
        } else {
            Err(count.to_string())
        }
    })
    .await;
}

/// when descriptors have run out, those who are connected are served, accepting goes on as
/// soon as there are some, and the log says so once a second.
#[tokio::test]
async fn without_descriptors_serving_goes_on() {
    let plane = Process::start("data-plane", &alone("workers: 2\n")).await;
    let mut served = connect(&plane).await;
    let open = std::fs::read_dir(format!("/proc/{}/fd", plane.id()));
    let open = open.expect("descriptors").count() as u64;
    let pid = Pid::from_raw(i32::try_from(plane.id()).expect("an id"));
    // It has raised its own to what it may have.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = |current: Option<u64>| Rlimit { current, maximum };
    prlimit(pid, Resource::Nofile, limit(Some(open + 5))).expect("a limit");
    let began = Instant::now();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let mut client = RawConnection::connect(plane.address("http")).await;
        client
            .write(b"GET / HTTP/1.1\r\nHost: nobody\r\n\r\n")
            .await;
        waiting.push(client);
    }
    plane.until_logged("cannot accept a connection").await;
    // Two seconds of failing accepts, at twenty a second and worker, are told a few times; more often where they last longer.
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        ask(&mut served, "/").await;
    }
    let told = plane.log().matches("cannot accept a connection").count();
    let lasted = began.elapsed().as_secs();
    let most = usize::try_from(2 * lasted + 2).expect("a few");
    assert!(
        (1..=most).contains(&told),
        "it was told {told} times in {lasted} s"
    );
    prlimit(pid, Resource::Nofile, limit(maximum)).expect("a limit");
    for mut client in waiting {
        assert_eq!(client.read_answer().await.status, 404);
    }
}

/// The lines of the access log that are in the file.
fn lines(plane: &Process) -> Vec<String> {
    let log = std::fs::read_to_string(plane.folder().join("access.log"));
    let log = log.expect("an access log");
    assert!(log.is_empty() || log.ends_with('\n'), "lines are whole");
    log.lines().map(str::to_owned).collect()
}

/// Every line is written when a process ends, also at once; a crash costs those of a second at
/// most.
#[tokio::test]
async fn lines_of_the_access_log_are_written_at_every_end() {
    for signal in [Signal::TERM, Signal::QUIT, Signal::KILL] {
        let more = "workers: 2\naccess_log: {to: file, file: access.log}\ndrain: {wait: 0s}\n";
        let mut plane = Process::start("data-plane", &alone(more)).await;
        let mut client = connect(&plane).await;
        for request in 0..50 {
            ask(&mut client, &format!("/{request}")).await;
        }
        if signal == Signal::KILL {
            eventually(
                "a second of lines",
                Duration::from_secs(2),
                async || match lines(&plane).len() {
                    51 => Ok(()),
                    count => Err(format!("{count} lines")),
                },
            )
            .await;
        }
        plane.signal(signal);
        plane.ended(BOUND).await;
        assert_eq!(lines(&plane).len(), 51, "{signal:?}");
    }
}

/// A disk that is full costs lines, which are counted and told once, and no request.
/// D-161: what cannot be told of a request costs it nothing.
/// nor does a log on a full disk hold any up
#[tokio::test]
async fn a_full_disk_costs_no_request() {
    let more = "workers: 1\naccess_log: {to: file, file: /dev/full}\n";
    let plane = Process::start("data-plane", &alone(more)).await;
    drops_lines(&plane).await;
    let log = plane.until_logged("access log cannot be written").await;
    let told = log.matches("access log cannot be written").count();
    assert_eq!(told, 1, "{log}");
}

/// a pipe whose reader is gone costs lines, which are counted, and no request
#[tokio::test]
async fn a_closed_pipe_costs_no_request() {
    let more = "workers: 1\naccess_log: {to: stdout}\n";
    let launch = Launch {
        through: ["bash", "-c", "exec \"$@\" > >(exec true)", "bash"]
            .map(str::to_owned)
            .into(),
        ..Launch::default()
    };
    let plane = Process::launch(&launch.of("data-plane"), &alone(more)).await;
    drops_lines(&plane).await;
}

/// Asks for more than one flush can tell, and waits until it is counted that nothing of it was told.
async fn drops_lines(plane: &Process) {
    let mut client = connect(plane).await;
    for _ in 0..15 {
        for _ in 0..10 {
            ask(&mut client, "/").await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eventually("lines to be dropped", BOUND, async || {
        let mut admin = RawConnection::connect(plane.address("admin")).await;
        let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        admin.write(request).await;
        let metrics = String::from_utf8(admin.read_to_end().await).expect("UTF-8");
        let dropped = metrics
            .lines()
            .find_map(|line| line.strip_prefix("pointsman_access_log_dropped_total "))
            .and_then(|count| count.parse::<u64>().ok());
        match dropped {
            Some(11..) => Ok(()),
            other => Err(format!("{other:?} lines")),
        }
    })
    .await;
}

/// A check reads the files of certificates and authorities that a start would read.
#[tokio::test]
async fn a_check_reads_what_a_start_would_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new("ca");
    let ca = authority.write(folder.path(), "ca");
    let files = authority.server(&["a"]).write(folder.path(), "good");
    let text = |ca: &Path, certificate: &Path| {
        let (ca, certificate) = (ca.display(), certificate.display());
        let key = files.key.display();
        format!(
            "control_planes: {{addresses: ['127.0.0.1:1'], tls: {{certificate: {certificate}, key: {key}, ca: {ca}}}}}
upstream: {{ca: {ca}}}
admin: {{tls: {{certificate: {certificate}, key: {key}}}}}
"
        )
    };
    let check = async |text: String| {
        let file = folder.path().join("dp.yml");
        std::fs::write(&file, text).expect("a file");
        let file = file.display().to_string();
        let mut process = Process::spawn("data-plane", ["--config", &*file, "--check"]);
        let status = process.ended(BOUND).await;
        (status.code(), process.log())
    };
    let good = check(text(&ca, &files.certificate)).await;
    assert_eq!(good, (Some(0), String::new()));
    let (code, log) = check(text(Path::new("/no/ca"), Path::new("/no/chain"))).await;
    assert_eq!(code, Some(78), "{log}");
    assert_eq!(log.matches("/no/ca: cannot be read").count(), 2, "{log}");
    assert_eq!(log.matches("/no/chain: cannot be read").count(), 1, "{log}");
}
