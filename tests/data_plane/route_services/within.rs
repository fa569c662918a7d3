//! Services that are routes of the same platform.

use std::sync::{Arc, OnceLock};

use pointsman_data_plane::AllowList;
use pointsman_tests::endpoint::{Answer, Head, Reply};
use pointsman_tests::route_service::call_back;
use pointsman_tests::{Authority, Endpoint};

use super::{bound, bound_at, fields, setup};
use crate::support::{Plane, Setup, head};

/// An address of this machine at which nobody listens, so that only the table leads to a service there.
const SERVICE: &str = "127.0.0.2";

fn hairpinning(list: Option<AllowList>) -> Setup {
    setup().with(|settings| settings.route_services.hairpinning = list)
}

fn only(hosts: &[&str]) -> Option<AllowList> {
    Some(AllowList::parse(hosts.iter().copied()).expect("a good list"))
}

fn service_url(service: &Endpoint) -> String {
    format!("http://{SERVICE}:{}/mw?x", service.port())
}

/// D-570: a service that is a route is reached as that only where that is asked for.
/// D-571: and where its host is in the list.
/// D-572: with any other list it is reached as a stranger.
/// D-593: within the process there is no connection to it.
/// a route takes the place of a service only where the list says so.
#[tokio::test]
async fn a_service_within_is_reached_where_the_list_says_so() {
    let many: Vec<_> = (0..1000).map(|n| format!("host-{n}.example.com")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for (list, expected) in [
        (None, 502),
        (Some(AllowList::All), 200),
        (only(&[SERVICE]), 200),
        (only(&["*.0.0.2"]), 200),
        (only(&["other.example.com"]), 502),
        (only(&many), 502),
        (only(&[]), 502),
    ] {
        let (service, app) = (
            Endpoint::named("service").await,
            Endpoint::named("app").await,
        );
        let what = format!("{list:?}");
        let plane = bound(hairpinning(list), &service_url(&service), &app)
            .endpoint(SERVICE, &service)
            .start();
        let answer = plane.get("/p").await;
        assert_eq!(answer.status, expected, "{what}");
        assert_eq!(service.request_count(), usize::from(expected == 200));
        let reached_outside = plane.settled().await.route_service_attempts;
        assert_eq!(reached_outside > 0, expected == 502);
    }
}

/// D-590: a service that is an app is called with the three fields, and its own.
/// D-611: whatever the client speaks.
/// D-243: what the first pass has said of client and scheme stands.
#[tokio::test]
async fn a_service_within_is_an_app() {
    let (service, app) = (
        Endpoint::with(|_: &Head| Answer::Echo).await,
        Endpoint::named("app").await,
    );
    let plane = bound(
        hairpinning(Some(AllowList::All)),
        &service_url(&service),
        &app,
    )
    .endpoint(SERVICE, &service)
    .with(|settings| {
        settings.headers.forwarded_proto = pointsman_data_plane::ForwardedProto::Sanitize;
    })
    .start();
    let request = head(
        "POST /p?q",
        &["Content-Length: 4", "X-Forwarded-For: 10.9.8.7"],
    ) + "body";
    let mut client = plane.connect().await;
    for _ in 0..3 {
        client.write(request.as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.ends_with(b"\r\n\r\nbody"));
    }
    let seen = service.last_request().head;
    assert_eq!(seen.target, "/mw?x");
    let host = format!("{SERVICE}:{}", service.port());
    for (name, expected) in [
        ("host", &*host),
        ("x-cf-forwarded-url", "https://app.test/p?q"),
        ("x-forwarded-for", "10.9.8.7, 127.0.0.1, 127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-cf-applicationid", crate::support::APP),
    ] {
        assert_eq!(
            fields(&seen).get(name).map(String::as_str),
            Some(expected),
            "{name}"
        );
    }
    assert_eq!(app.request_count(), 0);
    two_lines(&plane, &service).await;
    let totals = plane.settled().await;
    assert_eq!((totals.attempts, totals.route_service_attempts), (3, 0));
    assert_eq!(totals.route_services_2xx, 3);
    assert_eq!(service.accepted_connections(), 1);
}

/// Each pass has a line of its own: the first without an endpoint, the second with that of the service.
async fn two_lines(plane: &Plane, service: &Endpoint) {
    let first = plane.line("POST /p?q").await;
    let second = plane.line("POST /mw?x").await;
    assert!(
        first.starts_with("app.test - ") && first.contains("app_id:\"-\""),
        "{first}"
    );
    assert!(second.starts_with(SERVICE), "{second}");
    assert!(
        second.contains(&format!("\"127.0.0.1\" \"{}\"", service.address())),
        "{second}"
    );
}

/// D-590: a service that is registered with TLS is called over TLS.
#[tokio::test]
async fn a_service_within_may_speak_tls() {
    let authority = Authority::new("authority");
    let config = authority.server(&["service"]).server_config(None);
    let service = Endpoint::with_tls(config, |_: &Head| Reply::text("service").into()).await;
    let app = Endpoint::named("app").await;
    let plane = bound(
        hairpinning(Some(AllowList::All)),
        &service_url(&service),
        &app,
    )
    .trust(&authority, None)
    .tls(SERVICE, &service, "service")
    .start();
    assert_eq!(plane.get("/").await.body, b"service");
}

/// D-607: a request passes through a service within, and comes back from it.
/// D-587: through a second one that the first one calls, too, which sees the same signature.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_passes_through_services_within() {
    let router = Arc::new(OnceLock::new());
    let calling = |url: &'static str| {
        let router = Arc::clone(&router);
        move |head: &Head| {
            let mut head = head.clone();
            for (name, value) in &mut head.headers {
                if name.eq_ignore_ascii_case("X-CF-Forwarded-Url") {
                    url.clone_into(value);
                }
            }
            Answer::RawThenClose(call_back(&head, *router.get().expect("it has started")))
        }
    };
    let first = Endpoint::with(calling("http://second.test/")).await;
    let second = Endpoint::with(calling("http://app.test/p")).await;
    let app = Endpoint::named("app").await;
    let plane = bound(
        hairpinning(Some(AllowList::All)),
        &service_url(&first),
        &app,
    )
    .endpoint(SERVICE, &first)
    .endpoint("second.test", &second)
    .start();
    router.set(plane.address).expect("it starts once");
    let answer = plane.get("/p").await;
    assert_eq!((answer.status, &*answer.body), (200, &b"app"[..]));
    let [at_first, at_second] = [&first, &second].map(|at| fields(&at.last_request().head));
    for name in ["x-cf-proxy-signature", "x-cf-proxy-metadata"] {
        assert!(at_first.contains_key(name), "{name}");
        assert_eq!(at_first.get(name), at_second.get(name), "{name}");
    }
    assert_eq!(app.last_request().head.header("X-CF-Proxy-Signature"), None);
}

/// A service whose route has a service itself is none: the signature is for another route.
#[tokio::test]
async fn a_service_within_has_no_service_of_its_own() {
    let (service, app) = (
        Endpoint::named("service").await,
        Endpoint::named("app").await,
    );
    let setup = bound(
        hairpinning(Some(AllowList::All)),
        &service_url(&service),
        &app,
    );
    let plane = bound_at(setup, SERVICE, "http://127.0.0.3/")
        .endpoint(SERVICE, &service)
        .start();
    let answer = plane.get("/").await;
    assert_eq!(answer.status, 502);
    let text = String::from_utf8_lossy(&answer.body);
    assert!(text.contains("does not match"), "{text}");
    assert_eq!(service.request_count(), 0);
}

/// What the router answers in the place of a service within is an answer as any other.
#[tokio::test]
async fn a_service_within_that_fails_is_answered_for() {
    let mut service = Endpoint::named("service").await;
    let app = Endpoint::named("app").await;
    let plane = bound(
        hairpinning(Some(AllowList::All)),
        &service_url(&service),
        &app,
    )
    .endpoint(SERVICE, &service)
    .start();
    service.close().await;
    let mut client = plane.connect().await;
    for _ in 0..2 {
        client.write(head("GET /p", &[]).as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, 502);
        assert!(answer.header("X-Cf-RouterError").is_some());
    }
    let first = plane.line("GET /p").await;
    assert!(first.contains("\" 502 "), "{first}");
}

/// A service within whose answer breaks off breaks the client's off, and the process goes on.
#[tokio::test]
async fn a_service_within_may_break_off() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort";
    let service = Endpoint::with(|_: &Head| Answer::RawThenClose(short.to_vec())).await;
    let app = Endpoint::named("app").await;
    let plane = bound(
        hairpinning(Some(AllowList::All)),
        &service_url(&service),
        &app,
    )
    .endpoint(SERVICE, &service)
    .start();
    let mut client = plane.connect().await;
    client.write(head("GET /p", &[]).as_bytes()).await;
    let read = client.read_to_end().await;
    assert!(read.starts_with(b"HTTP/1.1 200") && read.ends_with(b"short"));
    service.script(|_| Reply::text("whole").into());
    assert_eq!(plane.get("/p").await.body, b"whole");
}
