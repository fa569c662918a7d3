//! From host and path to an endpoint, and what a client gets where there is none.

use std::time::Duration;

use pointsman_routing::EmptyPool;
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Reply};

use crate::support::{Plane, Setup, head};

fn unavailable() -> pointsman_routing::Settings {
    pointsman_routing::Settings {
        empty_pool: EmptyPool::Unavailable,
        ..Default::default()
    }
}

/// D-194: an unknown host is a 404 that names it, `unknown_route`, `no-cache, no-store`.
/// D-216: and counts as rejected.
/// D-223: a host with a dot at its end is another host.
/// D-224: the text has the host with its port.
/// D-214: the 404 is not cached.
/// D-102: own texts are text/plain and not to be sniffed.
/// C-274: no route is a 404 `unknown_route` that nobody keeps.
#[tokio::test]
async fn an_unknown_host_is_a_404() {
    let endpoint = Endpoint::named("app").await;
    let plane = Plane::before(&endpoint);
    for host in ["nope.example.com:99", "app.test."] {
        let answer = plane
            .ask(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await;
        assert_eq!(answer.status, 404);
        let body = format!("404 Not Found: Requested route ('{host}') does not exist.\n");
        assert_eq!(String::from_utf8_lossy(&answer.body), body);
        assert_eq!(answer.header("X-Cf-RouterError"), Some("unknown_route"));
        assert_eq!(answer.header("Cache-Control"), Some("no-cache, no-store"));
        assert_eq!(
            answer.header("Content-Type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(answer.header("Connection"), None, "the connection stays");
        assert_eq!(answer.header("X-Vcap-Request-Id"), None);
    }
    assert_eq!(plane.settled().await.rejected_requests, 2);
}

/// D-225: HEAD to an unknown route is a 404 with a length and without a body.
#[tokio::test]
async fn an_unknown_host_is_a_404_to_head_too() {
    let endpoint = Endpoint::named("app").await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client
        .write(b"HEAD / HTTP/1.1\r\nHost: nope.test\r\n\r\n")
        .await;
    let answer = client.read_head().await;
    assert_eq!(answer.status, 404);
    assert!(
        answer
            .header("Content-Length")
            .is_some_and(|length| length != "0")
    );
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(
        client.read_answer().await.body,
        b"app",
        "no body was sent before it"
    );
}

/// D-192: a host that is the client's own address is no host.
#[tokio::test]
async fn the_clients_own_address_is_no_host() {
    let endpoint = Endpoint::named("app").await;
    let plane = Plane::before(&endpoint);
    let answer = plane
        .ask("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n")
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("X-Cf-RouterError"), Some("empty_host"));
    assert_eq!(answer.header("Cache-Control"), Some("public,max-age=2"));
    assert_eq!(
        answer.body,
        b"400 Bad Request: Request had empty Host header\n"
    );
}

/// D-198: a route without endpoints is a 503 `no_endpoints` where the control plane says so.
/// D-199: otherwise it is a 404 `unknown_route`.
/// C-272: an empty route is a 503 with its text, which may be kept for two seconds, and no rejected request.
/// C-273: where the 503 is off it is a 404, and a rejected request.
#[tokio::test]
async fn a_route_without_endpoints() {
    let plane = Setup::new()
        .session(unavailable())
        .route("empty.test")
        .start();
    let answer = plane
        .ask("GET / HTTP/1.1\r\nHost: empty.test\r\n\r\n")
        .await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("X-Cf-RouterError"), Some("no_endpoints"));
    assert_eq!(answer.header("Cache-Control"), Some("public,max-age=2"));
    let body =
        "503 Service Unavailable: Requested route ('empty.test') has no available endpoints.\n";
    assert_eq!(String::from_utf8_lossy(&answer.body), body);
    assert_eq!(plane.settled().await.rejected_requests, 0);
    let plane = Setup::new().route("empty.test").start();
    let answer = plane
        .ask("GET / HTTP/1.1\r\nHost: empty.test\r\n\r\n")
        .await;
    assert_eq!(
        (answer.status, answer.header("X-Cf-RouterError")),
        (404, Some("unknown_route"))
    );
    assert_eq!(plane.settled().await.rejected_requests, 1);
}

/// D-202: with every endpoint at its bound, a request is a 503 `Connection Limit Reached`.
/// D-201: with one endpoint at its bound, others serve.
/// L-23: requests in flight at one endpoint are bounded.
#[tokio::test]
async fn endpoints_have_a_bound() {
    let slow = Endpoint::with(|_| Answer::Silence).await;
    let plane = Setup::new()
        .endpoint("app.test", &slow)
        .with(|settings| settings.limits.endpoint_connections = 1)
        .start();
    let mut first = plane.connect().await;
    first.write(head("GET /", &[]).as_bytes()).await;
    plane
        .until("the first request is in flight", |totals| {
            totals.attempts == 1
        })
        .await;
    let answer = plane.get("/").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.header("X-Cf-RouterError"),
        Some("Connection Limit Reached")
    );
    assert_eq!(answer.header("Cache-Control"), None);
    assert_eq!(plane.totals().backend_exhausted_conns, 1);
    drop(first);
    plane
        .until("the place is free", |totals| totals.requests_in_flight == 0)
        .await;
}

/// L-22: requests in flight are bounded for the process; what is above is shed with 503
/// `overloaded` and Retry-After.
#[tokio::test]
async fn the_process_has_a_bound() {
    let slow = Endpoint::with(|_| Answer::Silence).await;
    let plane = Setup::new()
        .endpoint("app.test", &slow)
        .with(|settings| settings.limits.in_flight = 1)
        .start();
    let mut first = plane.connect().await;
    first.write(head("GET /", &[]).as_bytes()).await;
    plane
        .until("the first request is in flight", |totals| {
            totals.requests_in_flight == 1
        })
        .await;
    let answer = plane.get("/").await;
    assert_eq!(
        (answer.status, answer.header("Retry-After")),
        (503, Some("1"))
    );
    assert_eq!(answer.header("X-Cf-RouterError"), Some("overloaded"));
}

/// D-221: the longest path with endpoints serves.
/// D-222: a wildcard serves what is below it.
/// C-281: the query of a request does not count.
/// C-282: nor does it behind a deeper path.
/// C-285: nor behind a host alone.
#[tokio::test]
async fn paths_and_wildcards() {
    let root = Endpoint::named("root").await;
    let deep = Endpoint::named("deep").await;
    let wild = Endpoint::named("wild").await;
    let plane = Setup::new()
        .endpoint("app.test", &root)
        .endpoint("app.test/a", &deep)
        .endpoint("*.wild.test", &wild)
        .start();
    for (host, path, expected) in [
        ("app.test", "/", "root"),
        ("app.test", "/a", "deep"),
        ("app.test", "/a/b?c", "deep"),
        ("app.test", "/?fields=foo,bar", "root"),
        ("app.test", "/a?foo=bar", "deep"),
        ("app.test", "/ab", "root"),
        ("x.y.wild.test", "/", "wild"),
    ] {
        let answer = plane
            .ask(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await;
        assert_eq!(
            String::from_utf8_lossy(&answer.body),
            expected,
            "{host}{path}"
        );
    }
}

/// D-072: `OPTIONS *` is about the router, and never forwarded.
#[tokio::test]
async fn options_star_is_about_the_router() {
    let endpoint = Endpoint::named("app").await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client
        .write(b"OPTIONS * HTTP/1.1\r\nHost: app.test\r\n\r\n")
        .await;
    let answer = client.read_answer().await;
    assert_eq!(
        (answer.status, answer.header("Content-Length")),
        (200, Some("0"))
    );
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(client.read_answer().await.status, 200);
    assert_eq!(endpoint.request_count(), 1);
}

/// A change of the table is served by the next request, on connections that were there before.
#[tokio::test]
async fn a_new_table_is_served_at_once() {
    let endpoint = Endpoint::with(|_| Reply::text("old").into()).await;
    let mut plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    client
        .write(b"GET / HTTP/1.1\r\nHost: new.test\r\n\r\n")
        .await;
    assert_eq!(client.read_answer().await.status, 404);
    let new = Endpoint::with(|_| Answer::Reply(Reply::text("new").after(Duration::ZERO))).await;
    plane.add("new.test", &new);
    client
        .write(b"GET / HTTP/1.1\r\nHost: new.test\r\n\r\n")
        .await;
    assert_eq!(client.read_answer().await.body, b"new");
}
