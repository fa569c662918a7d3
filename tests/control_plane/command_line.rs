//! The binary: its command line, its exit codes, its end.

use std::path::Path;

use pointsman_tests::certs::Files;
use pointsman_tests::{Authority, Process};

use crate::plane::{BOUND, Plane};

const FREE_PORTS: &str = "distribution: {listen: '127.0.0.1:0'}\nadmin: {listen: '127.0.0.1:0'}\n";

async fn run(configuration: &str, more: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cp.yml");
    std::fs::write(&file, configuration).expect("a file");
    let file = file.display().to_string();
    let arguments = ["--config", &file].into_iter().chain(more.iter().copied());
    let mut process = Process::spawn("control-plane", arguments);
    let status = process.ended(BOUND).await;
    (status.code(), process.log())
}

#[tokio::test]
async fn a_check_starts_nothing() {
    let (code, log) = run(FREE_PORTS, &["--check"]).await;
    assert_eq!((code, log.as_str()), (Some(0), ""));
}

/// A configuration whose sections name these files.
fn naming(admin: &Files, [nats, planes, api, routes]: [&Path; 4]) -> String {
    let (nats, planes, api) = (nats.display(), planes.display(), api.display());
    let (chain, key) = (admin.certificate.display(), admin.key.display());
    let routes = routes.display();
    format!(
        "nats: {{tls: {{ca: {nats}}}}}
distribution: {{tls: {{certificate: {chain}, key: {key}, client_ca: {planes}}}}}
admin: {{tls: {{certificate: {chain}, key: {key}}}}}
routing_api: {{url: 'https://127.0.0.1:1', tls: {{ca: {api}}}}}
route_files: {{path: {routes}}}
"
    )
}

/// Every file that a start would read is read, and what is wrong with each of them is told.
#[tokio::test]
async fn a_check_reads_what_a_start_would_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new("ca");
    let ca = authority.write(folder.path(), "ca");
    let good = authority.server(&["127.0.0.1"]);
    let good = good.write(folder.path(), "good");
    let routes = folder.path().join("routes.yml");
    std::fs::write(&routes, "services: {}\n").expect("a file");
    let text = naming(&good, [&ca, &ca, &ca, &routes]);
    assert_eq!(run(&text, &["--check"]).await, (Some(0), String::new()));
    let expired = authority.expired_server(&["127.0.0.1"]);
    let expired = expired.write(folder.path(), "expired");
    let nowhere = ["/no/nats", "/no/planes", "/no/api", "/no/routes"].map(Path::new);
    let refused = [
        (&good, "/no/nats: cannot be read"),
        (&good, "/no/planes: cannot be read"),
        (&good, "/no/api: cannot be read"),
        (&good, "/no/routes: cannot be read"),
        (&expired, "expired.crt: the certificate has expired"),
    ];
    for (admin, told) in refused {
        let (code, log) = run(&naming(admin, nowhere), &["--check"]).await;
        assert_eq!(code, Some(78), "{log}");
        assert!(log.contains(told), "missing: {told}\nin:\n{log}");
    }
    std::fs::write(&routes, "servces: {}\n").expect("a file");
    let (code, log) = run(&naming(&good, [&ca, &ca, &ca, &routes]), &["--check"]).await;
    assert_eq!(code, Some(78), "{log}");
    assert!(log.contains("routes.yml:1:1: servces: "), "{log}");
}

/// C-436: an invalid configuration stops the start
#[tokio::test]
async fn a_wrong_configuration_ends_with_its_own_code() {
    let (code, log) = run("nats:\n  serverz: [a]\n  tls: {}\n", &[]).await;
    assert_eq!(code, Some(78), "{log}");
    assert!(
        log.contains("cp.yml:2:3: nats.serverz: is no key of this file; did you mean `servers`?"),
        "{log}"
    );
    assert!(
        log.contains("cp.yml:3:8: nats.tls: the key `ca` is missing"),
        "{log}"
    );
    let (code, log) = run("nats: {token_file: /nowhere}", &["--check"]).await;
    assert_eq!(code, Some(78), "{log}");
    assert!(log.contains("/nowhere"), "{log}");
}

#[tokio::test]
async fn a_wrong_command_line_ends_with_its_own_code() {
    let (code, log) = run(FREE_PORTS, &["--chekc"]).await;
    assert_eq!(code, Some(2), "{log}");
}

#[tokio::test]
async fn a_port_in_use_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");
    for section in ["admin", "distribution"] {
        let other = if section == "admin" {
            "distribution"
        } else {
            "admin"
        };
        let text =
            format!("{section}: {{listen: '{address}'}}\n{other}: {{listen: '127.0.0.1:0'}}\n");
        let (code, log) = run(&text, &[]).await;
        assert_eq!(code, Some(69), "{log}");
        assert!(
            log.contains(&format!("cannot listen on {address}")),
            "{log}"
        );
    }
}

/// C-352: afterwards, connections are refused
/// C-001: a signal ends the subscriber without an error
/// C-019: and what watches the connection too
#[tokio::test]
async fn a_signal_ends_it_in_good_order() {
    let mut plane = Plane::start().await;
    plane.process.terminate();
    let status = plane.process.ended(BOUND).await;
    assert_eq!(status.code(), Some(0), "{}", plane.process.log());
    assert_eq!(plane.logged("control-plane-exited").len(), 1);
    let admin = plane.process.address("admin");
    assert!(tokio::net::TcpStream::connect(admin).await.is_err());
}

/// A signal while the broker is being looked for is not lost.
#[tokio::test]
async fn a_signal_during_the_start_ends_it() {
    let text = format!("nats: {{servers: ['127.0.0.1:1']}}\n{FREE_PORTS}");
    let mut process = Process::start("control-plane", &text).await;
    process.terminate();
    assert_eq!(
        process.ended(BOUND).await.code(),
        Some(0),
        "{}",
        process.log()
    );
}
