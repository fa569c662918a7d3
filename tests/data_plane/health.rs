//! What is answered before anybody asks for whom a request is: health checks, and other protocols.

use pointsman_tests::client::RawAnswer;
use pointsman_tests::{Endpoint, eventually};

use crate::support::{BOUND, Plane, Setup, head};

const AGENT: &str = "User-Agent: HTTP-Monitor/1.1";

/// A data plane that is asked for its health, before one endpoint.
fn monitored(endpoint: &Endpoint) -> Setup {
    let setup = Setup::new().endpoint("app.test", endpoint);
    setup.with(|settings| settings.checks.health_user_agent = Some("HTTP-Monitor/1.1".into()))
}

fn cannot_be_kept(answer: &RawAnswer) {
    assert_eq!(answer.header("Cache-Control"), Some("private, max-age=0"));
    assert_eq!(answer.header("Expires"), Some("0"));
    assert_eq!(answer.header("Content-Type"), None);
    assert_eq!(answer.header("X-Cf-RouterError"), None);
}

/// D-183: the configured User-Agent gets `ok`, which no cache keeps, and no endpoint is asked.
/// D-185: another one goes its way.
/// OB-044: a health check is in the log, without an endpoint.
#[tokio::test]
async fn a_health_check_is_answered_whatever_it_asks_for() {
    let endpoint = Endpoint::named("app").await;
    let plane = monitored(&endpoint).start();
    for request in [
        head("GET /anything", &[AGENT]),
        head("DELETE /", &[AGENT]),
        format!("GET / HTTP/1.1\r\nHost: nobody.test\r\n{AGENT}\r\n\r\n"),
        format!("GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n{AGENT}\r\n\r\n"),
    ] {
        let answer = plane.ask(&request).await;
        assert_eq!((answer.status, &*answer.body), (200, &b"ok\n"[..]));
        cannot_be_kept(&answer);
    }
    assert_eq!(endpoint.request_count(), 0);
    let line = plane.line("/anything").await;
    assert!(
        line.contains("\" 200 0 3 \"-\" \"HTTP-Monitor/1.1\" \"127.0.0.1:"),
        "{line}"
    );
    assert!(line.contains(" \"-\" x_forwarded_for:\"-\""), "{line}");
    let other = plane.ask(head("GET /", &["User-Agent: HTTP-Monitor/1.2"]));
    assert_eq!(other.await.body, b"app");
    let unasked = Plane::before(&endpoint);
    assert_eq!(unasked.ask(head("GET /", &[AGENT])).await.body, b"app");
}

/// D-184: while it is not healthy, a health check is a 503 that no cache keeps: without a table, and in a drain.
#[tokio::test]
async fn a_router_that_is_not_to_be_asked_says_so() {
    let endpoint = Endpoint::named("app").await;
    let plane = monitored(&endpoint).unfilled().start();
    let answer = plane.ask(head("GET /", &[AGENT])).await;
    assert_eq!((answer.status, &*answer.body), (503, &b""[..]));
    cannot_be_kept(&answer);

    let plane = monitored(&endpoint).start();
    assert_eq!(plane.ask(head("GET /", &[AGENT])).await.status, 200);
    plane.stages.leave();
    eventually("the drain is seen", BOUND, async || {
        let answer = plane.ask(head("GET /", &[AGENT])).await;
        if answer.status == 503 {
            Ok(())
        } else {
            Err(answer.head)
        }
    })
    .await;
    assert_eq!(plane.get("/").await.body, b"app", "requests are served on");
}

/// D-188: HTTP/2 where it is not spoken is a 400.
/// D-189: HTTP/1.1 passes.
/// D-190: HTTP/1.0 passes.
#[tokio::test]
async fn http_1_passes_and_http_2_is_told_that_it_does_not() {
    let endpoint = Endpoint::named("app").await;
    let plane = Plane::before(&endpoint);
    for version in ["1.0", "1.1"] {
        let request = format!("GET / HTTP/{version}\r\nHost: app.test\r\n\r\n");
        assert_eq!(plane.ask(request).await.body, b"app", "{version}");
    }
    let answer = plane.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(answer.status, 400);
    assert_eq!(endpoint.request_count(), 2);
}
