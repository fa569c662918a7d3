//! What is measured of requests.

use std::time::Duration;

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Reply};

use crate::support::{Plane, Setup, head};

const COUNT: &str = "pointsman_request_duration_seconds_count";

fn responses(plane: &Plane, class: &str) -> Option<f64> {
    plane.metric(&format!("responses_total{{status_group=\"{class}\"}}"))
}

/// D-165: a request with an endpoint is counted by its status, and its time measured.
/// D-167: one without is not.
/// OB-087: the same.
#[tokio::test]
async fn requests_with_an_endpoint_are_counted() {
    let endpoint = Endpoint::with(|head| Reply::status(head.target[1..].parse().unwrap()).into());
    let endpoint = endpoint.await;
    let plane = Plane::before(&endpoint);
    for status in [200, 204, 404, 503] {
        assert_eq!(plane.get(&format!("/{status}")).await.status, status);
    }
    plane.line("/503").await;
    let nobody = "GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n";
    assert_eq!(plane.ask(nobody).await.status, 404);
    plane.line("nobody.test").await;
    for (class, count) in [("2xx", 2.0), ("4xx", 1.0), ("5xx", 1.0), ("3xx", 0.0)] {
        assert_eq!(responses(&plane, class), Some(count), "{class}");
    }
    assert_eq!(plane.metric(COUNT), Some(4.0));
}

/// D-166: an answer that did not come to its end counts by its status, and its time is not measured.
/// OB-088: the same.
#[tokio::test]
async fn what_has_no_end_has_no_time() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab";
    let endpoint = Endpoint::with(|_| Answer::RawThenClose(bytes.to_vec())).await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client.write(head("GET /short", &[]).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 200);
    plane.line("/short").await;
    assert_eq!(responses(&plane, "2xx"), Some(1.0));
    assert_eq!(plane.metric(COUNT), Some(0.0));
}

/// D-158: times are measured for each app where that is wanted; those of requests without an endpoint are the router's.
/// OB-099: the same.
#[tokio::test]
async fn times_are_measured_by_app() {
    let slow = Endpoint::with(|_| Reply::text("x").after(Duration::from_millis(120)).into());
    let (slow, plain) = (slow.await, Endpoint::named("plain").await);
    let setup = || {
        Setup::new()
            .endpoint("plain.test", &plain)
            .thing("app.test", slow.address(), |thing| {
                thing.tags = Some(vec![("source_id".to_owned(), "app-1".to_owned())]);
            })
    };
    let ask = async |plane: &Plane| {
        for host in ["app", "plain", "nobody"] {
            let request = format!("GET /{host} HTTP/1.1\r\nHost: {host}.test\r\n\r\n");
            plane.ask(request).await;
            plane.line(&format!("/{host} ")).await;
        }
    };
    let plane = setup()
        .with(|settings| settings.per_app_latency = true)
        .start();
    ask(&plane).await;
    for (metric, value) in [
        ("http_latency_seconds_count{source_id=\"app-1\"}", 1.0),
        (
            "http_latency_seconds_bucket{le=\"0.1\",source_id=\"app-1\"}",
            0.0,
        ),
        ("http_latency_seconds_count{source_id=\"gorouter\"}", 2.0),
    ] {
        assert_eq!(plane.metric(metric), Some(value), "{metric}");
    }
    let plane = setup().start();
    ask(&plane).await;
    let metric = "http_latency_seconds_count{source_id=\"app-1\"}";
    assert_eq!(plane.metric(metric), None, "nobody asked for it");
}

/// C-280: where look-ups are measured, the time of each is told once.
/// OB-092: so.
#[tokio::test]
async fn look_ups_are_measured_where_that_is_wanted() {
    let endpoint = Endpoint::named("here").await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.lookup_time = true)
        .start();
    for host in ["app", "nobody", "app"] {
        let request = format!("GET /{host} HTTP/1.1\r\nHost: {host}.test\r\n\r\n");
        plane.ask(request).await;
    }
    assert_eq!(plane.metric("route_lookup_time_count"), Some(3.0));
    assert!(plane.metric("route_lookup_time_sum") > Some(0.0));
    let plane = Plane::before(&endpoint);
    plane.get("/").await;
    assert_eq!(
        plane.metric("route_lookup_time_count"),
        None,
        "nobody asked"
    );
}

/// D-454: the first attempt's answer is the client's, and nothing of it is an error.
/// D-463: its time stands in the log.
/// D-089: what was sent to the client is what is recorded.
#[tokio::test]
async fn a_request_that_goes_well_leaves_no_trouble() {
    let endpoint = Endpoint::named("well").await;
    let plane = Plane::before(&endpoint);
    let answer = plane.get("/well").await;
    assert_eq!((answer.status, &*answer.body), (200, &b"well"[..]));
    let line = plane.line("/well").await;
    assert!(line.contains("\" 200 0 4 "), "{line}");
    assert!(line.contains(" response_time:0."), "{line}");
    assert!(line.ends_with(" x_cf_routererror:\"-\""), "{line}");
    let totals = plane.settled().await;
    assert_eq!((totals.attempts, totals.retries), (1, 0));
    assert_eq!((totals.bad_gateways, totals.broken_off), (0, 0));
}
