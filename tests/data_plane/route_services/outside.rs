//! On the way to a service outside of the platform.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Head, Reply};

use super::{SIGNED, bound, bound_at, fields, setup, url};
use crate::support::{Setup, head};

/// D-568: a bound route sends the request to its service with three fields more, and an https URL to call.
/// D-584: to the URL of the service, and not to the app.
/// D-591: which is no request to an endpoint.
/// D-597: the URL is the one that was asked for, without the port.
/// OB-132: the line in the access log names neither app nor endpoint.
#[tokio::test]
async fn a_request_goes_to_its_service_first() {
    let (service, app) = (
        Endpoint::named("service").await,
        Endpoint::named("app").await,
    );
    let plane = bound(setup(), &url(&service, "/mw?x=1"), &app).start();
    let request = "POST /p?q=1&r=%3C HTTP/1.1\r\nHost: app.test:8080\r\nContent-Length: 4\r\n\
                   X-Forwarded-For: 10.9.8.7\r\nX-CF-ApplicationID: forged\r\nX-Mine: 1\r\n\r\nbody";
    let answer = plane.ask(request).await;
    assert_eq!((answer.status, &*answer.body), (200, &b"service"[..]));
    assert_eq!(app.request_count(), 0);
    let seen = service.last_request();
    assert_eq!(
        (seen.head.method.as_str(), seen.head.target.as_str()),
        ("POST", "/mw?x=1")
    );
    assert_eq!(seen.body, b"body");
    let fields = fields(&seen.head);
    let host = format!("127.0.0.1:{}", service.port());
    for (name, expected) in [
        ("host", &*host),
        ("x-cf-forwarded-url", "https://app.test/p?q=1&r=%3C"),
        ("x-forwarded-for", "10.9.8.7, 127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-mine", "1"),
        ("content-length", "4"),
    ] {
        assert_eq!(
            fields.get(name).map(String::as_str),
            Some(expected),
            "{name}"
        );
    }
    for name in [
        "x-vcap-request-id",
        "x-request-start",
        "x-cf-proxy-metadata",
    ] {
        assert!(fields.contains_key(name), "{name}");
    }
    for name in [
        "x-cf-applicationid",
        "x-cf-instanceid",
        "x-cf-instanceindex",
    ] {
        assert!(!fields.contains_key(name), "{name}");
    }
    let line = plane.line("POST /p?q=1").await;
    assert!(line.starts_with("app.test:8080 - "), "{line}");
    assert!(line.contains("\" \"-\" x_forwarded_for:"), "{line}");
    assert!(
        line.contains("app_id:\"-\" app_index:\"-\" instance_id:\"-\""),
        "{line}"
    );
    let totals = plane.settled().await;
    assert_eq!((totals.attempts, totals.route_service_attempts), (0, 1));
    assert_eq!((totals.responses_2xx, totals.route_services_2xx), (1, 1));
}

/// D-569: an http URL where that is recommended.
/// D-599: what a client says of itself is overwritten.
#[tokio::test]
async fn the_url_to_call_may_be_http() {
    let (service, app) = (
        Endpoint::named("service").await,
        Endpoint::named("app").await,
    );
    let plane = bound(setup(), &url(&service, ""), &app)
        .with(|settings| settings.route_services.recommend_https = false)
        .start();
    plane
        .ask(head("GET /a", &["X-CF-Forwarded-Url: https://evil.test/"]))
        .await;
    let seen = service.last_request().head;
    assert_eq!(seen.target, "/");
    let urls: Vec<_> = seen.values("X-CF-Forwarded-Url").collect();
    assert_eq!(urls, ["http://app.test/a"]);
}

/// D-565: without a service no field is added, with a secret or without.
#[tokio::test]
async fn a_route_without_a_service_is_as_ever() {
    for setup in [setup(), Setup::new()] {
        let app = Endpoint::named("app").await;
        let plane = setup.endpoint("app.test", &app).start();
        assert_eq!(plane.get("/").await.body, b"app");
        let seen = fields(&app.last_request().head);
        for name in SIGNED {
            assert!(!seen.contains_key(&name.to_ascii_lowercase()), "{name}");
        }
    }
}

/// D-566: without a secret, a route with a service is a 502 that says so.
#[tokio::test]
async fn without_a_secret_a_bound_route_is_not_served() {
    let (service, app) = (
        Endpoint::named("service").await,
        Endpoint::named("app").await,
    );
    let plane = bound(setup(), &url(&service, "/"), &app)
        .with(|settings| settings.route_services.signer = None)
        .start();
    let answer = plane.get("/").await;
    assert_eq!(answer.status, 502);
    assert_eq!(
        answer.header("X-Cf-RouterError"),
        Some("route_service_unsupported")
    );
    assert_eq!(
        answer.body,
        b"502 Bad Gateway: Support for route services is disabled.\n"
    );
    assert_eq!((service.request_count(), app.request_count()), (0, 0));
}

/// D-582: a URL that is none is a 500.
/// D-600: as is everything else that keeps the request from being signed.
#[tokio::test]
async fn a_url_that_is_none_is_a_500() {
    let app = Endpoint::named("app").await;
    for url in ["https://bad%20hostname.com", "httpsfoo", "https:///x"] {
        let plane = bound(setup(), url, &app).start();
        let answer = plane.get("/").await;
        assert_eq!(answer.status, 500, "{url}");
        assert_eq!(
            answer.body,
            b"500 Internal Server Error: Route service request failed.\n"
        );
    }
    assert_eq!(app.request_count(), 0);
}

/// D-412: where the pool is empty, that is the answer, and the service is not asked.
#[tokio::test]
async fn an_empty_pool_has_no_service() {
    let service = Endpoint::named("service").await;
    let plane = bound_at(setup(), "app.test", &url(&service, "/")).start();
    let answer = plane.get("/").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("X-Cf-RouterError"), Some("unknown_route"));
    assert_eq!(service.request_count(), 0);
}

/// D-592: what a service answers is relayed, whatever its status, without its signature.
/// redirects are not followed.
#[tokio::test]
async fn whatever_a_service_answers_is_relayed() {
    let service = Endpoint::with(|head: &Head| -> Answer {
        let status = head
            .header("X-Status")
            .and_then(|status| status.parse().ok());
        Reply::status(status.unwrap_or(200))
            .with_header("Location", "http://127.0.0.1:1/")
            .with_header("X-CF-Proxy-Signature", "leak")
            .with_header("X-CF-Proxy-Metadata", "kept")
            .with_header("Set-Cookie", "JSESSIONID=x")
            .into()
    })
    .await;
    let app = Endpoint::named("app").await;
    let plane = bound(setup(), &url(&service, "/"), &app).start();
    for status in [200, 302, 418, 500] {
        let status_line = format!("X-Status: {status}");
        let answer = plane.ask(head("GET /", &[&status_line])).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("X-CF-Proxy-Signature"), None);
        assert_eq!(answer.header("X-CF-Proxy-Metadata"), Some("kept"));
        assert_eq!(answer.header("Location"), Some("http://127.0.0.1:1/"));
        assert!(!answer.head.contains("__VCAP_ID__"), "{}", answer.head);
    }
    let totals = plane.settled().await;
    let counted = [
        totals.route_services_2xx,
        totals.route_services_3xx,
        totals.route_services_4xx,
        totals.route_services_5xx,
    ];
    assert_eq!(counted, [1; 4]);
    assert_eq!(app.request_count(), 0);
}

/// A connection to a service is used again, and closed where connections are not to be.
#[tokio::test]
async fn connections_to_services_are_kept() {
    for (keep_alive, accepted) in [(true, 1), (false, 3)] {
        let (service, app) = (
            Endpoint::named("service").await,
            Endpoint::named("app").await,
        );
        let plane = bound(setup(), &url(&service, "/"), &app)
            .with(|settings| settings.upstream.keep_alive = keep_alive)
            .start();
        for _ in 0..3 {
            assert_eq!(plane.get("/").await.status, 200);
        }
        assert_eq!(service.accepted_connections(), accepted);
    }
}

/// A head that is too large is refused before anybody is asked.
#[tokio::test]
async fn a_large_head_is_refused_before_the_service() {
    let (service, app) = (
        Endpoint::named("service").await,
        Endpoint::named("app").await,
    );
    let plane = bound(setup(), &url(&service, "/"), &app)
        .with(|settings| {
            let bytes = 200;
            let fields = None;
            settings.checks.request_size =
                Some(pointsman_data_plane::RequestSize { bytes, fields });
        })
        .start();
    let long = format!("GET /{}", "x".repeat(200));
    assert_eq!(plane.ask(head(&long, &[])).await.status, 431);
    assert_eq!(service.request_count(), 0);
    assert_eq!(plane.ask(head("GET /", &[])).await.status, 200);
}

/// The instances that a request asks for have to be there, though the service comes first.
#[tokio::test]
async fn instances_are_looked_for_before_the_service() {
    let (service, app) = (
        Endpoint::named("service").await,
        Endpoint::named("app").await,
    );
    let plane = bound(setup(), &url(&service, "/"), &app).start();
    let asking = |index: u32| {
        let line = format!("X-CF-App-Instance: {}:{index}", crate::support::APP);
        head("GET /", &[&line])
    };
    assert_eq!(plane.ask(asking(0)).await.status, 200);
    assert_eq!(plane.ask(asking(7)).await.status, 400);
    assert_eq!(service.request_count(), 1);
}
