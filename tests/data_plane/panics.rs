//! Faults of the router itself.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use crate::logs;
use crate::support::{Plane, Setup, head};

/// What a health check asks for.
const CHECK: [&str; 1] = ["User-Agent: checker"];

/// A data plane that fails when it is asked for its health.
fn faulty(endpoint: &Endpoint) -> Plane {
    Setup::new()
        .endpoint("app.test", endpoint)
        .with(|settings| settings.checks.health_user_agent = Some("checker".into()))
        .start_asking(|| panic!("a fault of the test"))
}

/// D-085: a fault of the router is told as `unknown_failure`.
/// D-086: it is logged with the host.
#[tokio::test]
async fn a_fault_costs_one_request() {
    logs::keep();
    let endpoint = Endpoint::named("app").await;
    let plane = faulty(&endpoint);
    let mut other = plane.connect().await;
    other.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(other.read_answer().await.status, 200);
    let request = "GET /health HTTP/1.1\r\nHost: faulty.test\r\nUser-Agent: checker\r\n\r\n";
    let answer = plane.ask(request).await;
    assert_eq!(answer.status, 500, "{}", answer.head);
    let error = answer.header("X-Cf-RouterError");
    assert_eq!(error, Some("unknown_failure"));
    assert_eq!(answer.header("Connection"), Some("close"));
    let line = logs::line(&["recovered-from-panic", "faulty.test"]).await;
    let id = answer.header("X-Vcap-Request-Id").unwrap_or_default();
    assert!(line.contains(id), "{line}");
    let line = plane.line("faulty.test").await;
    assert!(line.contains("\" 500 "), "{line}");
    assert_eq!(plane.settled().await.panics, 1);
    other.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(other.read_answer().await.status, 200);
}

/// D-087: without a fault nothing of this happens.
/// D-088: nor where an endpoint breaks its answer off: the connection of the client ends, and that is all.
#[tokio::test]
async fn what_is_broken_off_is_no_fault() {
    logs::keep();
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab";
    let endpoint = Endpoint::with(|_| Answer::RawThenClose(bytes.to_vec())).await;
    let plane = Setup::new()
        .endpoint("quiet.test", &endpoint)
        .with(|settings| settings.checks.health_user_agent = Some("checker".into()))
        .start();
    let mut client = plane.connect().await;
    let request = "GET / HTTP/1.1\r\nHost: quiet.test\r\n\r\n";
    client.write(request.as_bytes()).await;
    assert_eq!(client.read_head().await.status, 200);
    assert_eq!(client.read_to_end().await, b"ab");
    assert_eq!(plane.ask(head("GET /", &CHECK)).await.status, 200);
    assert_eq!(plane.settled().await.panics, 0);
    assert!(!logs::says(&["recovered-from-panic", "quiet.test"]));
}
