//! Which services are reached, and what becomes of a request where its service is not.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pointsman_data_plane::{AddressRules, Believed, ServiceTls};
use pointsman_process::tls::{Dates, Identity, Source, Trust, Versions};
use pointsman_tests::certs;
use pointsman_tests::endpoint::{Answer, Head, Reply};
use pointsman_tests::{Authority, Endpoint};
use rustls::ServerConfig;

use super::{bound, passing, setup, url};
use crate::support::{Plane, Setup, head};

const TEXT: &str = "endpoint_failure (";

async fn failing(plane: &Plane, status: u16) -> String {
    let answer = plane.get("/").await;
    assert_eq!(answer.status, status, "{}", answer.head);
    let error = answer.header("X-Cf-RouterError").expect("a reason");
    assert!(error.starts_with(TEXT), "{error}");
    error.to_owned()
}

/// D-585: a service that is not there is a 502.
/// D-594: with the page of an endpoint that has failed.
/// D-595: after as many attempts as are allowed.
#[tokio::test]
async fn a_service_that_is_not_there_is_a_502() {
    let mut service = Endpoint::named("service").await;
    service.close().await;
    let app = Endpoint::named("app").await;
    for attempts in [1, 5] {
        let plane = bound(setup(), &url(&service, "/"), &app)
            .with(|settings| settings.route_services.attempts = attempts)
            .start();
        let answer = plane.get("/").await;
        assert_eq!(answer.status, 502);
        assert_eq!(
            answer.body,
            b"502 Bad Gateway: Registered endpoint failed to handle the request.\n"
        );
        let totals = plane.settled().await;
        assert_eq!(totals.route_service_attempts, u64::from(attempts));
        assert_eq!((totals.attempts, totals.bad_gateways), (0, 1));
    }
    assert_eq!(app.request_count(), 0);
}

/// D-596: what may not be done twice is tried once.
/// CF-115: where no attempt is allowed, none is made.
#[tokio::test]
async fn an_attempt_that_may_not_be_repeated_is_not() {
    let service = Endpoint::with(|_: &Head| Answer::Close).await;
    let app = Endpoint::named("app").await;
    let plane = bound(setup(), &url(&service, "/"), &app).start();
    let post = head("POST /", &["Content-Length: 0"]);
    assert_eq!(plane.ask(post).await.status, 502);
    assert_eq!(service.request_count(), 1);
    assert_eq!(plane.get("/").await.status, 502);
    assert_eq!(service.request_count(), 4, "three attempts at a GET");
    let none = bound(setup(), &url(&service, "/"), &app)
        .with(|settings| settings.route_services.attempts = 0)
        .start();
    failing(&none, 502).await;
    assert_eq!(service.request_count(), 4);
}

/// D-458: a service has no more time than an endpoint.
#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up() {
    let service = Endpoint::with(|_: &Head| Answer::Silence).await;
    let app = Endpoint::named("app").await;
    let plane = bound(setup(), &url(&service, "/"), &app)
        .with(|settings| settings.timeouts.attempt = Some(Duration::from_millis(200)))
        .start();
    assert_eq!(plane.get("/").await.status, 504);
    let plane = bound(setup(), &url(&service, "/"), &app)
        .with(|settings| {
            settings.timeouts.attempt = Some(Duration::from_millis(200));
            settings.headers.timeout_is_bad_gateway = true;
        })
        .start();
    let error = failing(&plane, 502).await;
    assert!(error.contains("context deadline exceeded"), "{error}");
}

fn tls(authority: &Authority, versions: Versions) -> ServiceTls {
    let sources = vec![Source::inline("test", authority.pem())];
    ServiceTls {
        servers: Believed::Certified(Trust::load(sources).expect("an authority")),
        identity: None,
        versions,
    }
}

async fn over_tls(config: Arc<ServerConfig>) -> Endpoint {
    Endpoint::with_tls(config, |_: &Head| Reply::text("service").into()).await
}

fn before(service: &Endpoint, app: &Endpoint, tls: ServiceTls) -> Plane {
    let url = format!("https://localhost:{}/", service.port());
    let setup = setup().with(|settings| {
        settings.route_services.plain_http = false;
        settings.route_services.tls = tls;
    });
    bound(setup, &url, app).start()
}

/// D-588: a service with a certificate of a stranger is a 526, and gets nothing of the request.
/// D-589: one of an authority that is believed is reached.
#[tokio::test]
async fn a_service_proves_who_it_is() {
    let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
    let app = Endpoint::named("app").await;
    let versions = Versions::Tls12AndTls13;
    for (identity, status) in [
        (authority.server(&["localhost"]), 200),
        (stranger.server(&["localhost"]), 526),
        (authority.expired_server(&["localhost"]), 526),
        (authority.server(&["other.test"]), 503),
    ] {
        let service = over_tls(identity.server_config(None)).await;
        let plane = before(&service, &app, tls(&authority, versions));
        assert_eq!(plane.get("/").await.status, status);
        assert_eq!(service.request_count(), usize::from(status == 200));
        let everybody = ServiceTls {
            servers: Believed::Everybody,
            ..ServiceTls::default()
        };
        let plane = before(&service, &app, everybody);
        assert_eq!(
            plane.get("/").await.status,
            200,
            "where everybody is believed"
        );
        let plane = before(&service, &app, ServiceTls::default());
        assert_eq!(plane.get("/").await.status, 526, "where nobody is");
    }
}

/// A service that asks for a certificate is shown the one that is configured.
#[tokio::test]
async fn a_service_is_shown_a_certificate() {
    let authority = Authority::new("authority");
    let identity: certs::Identity = authority.client(&["router"]);
    let service = over_tls(
        authority
            .server(&["localhost"])
            .server_config(Some(&authority)),
    )
    .await;
    let app = Endpoint::named("app").await;
    let without = tls(&authority, Versions::Tls12);
    let shown = Identity::load(
        Source::inline("certificate", &*identity.certificate),
        Source::inline("key", &*identity.key),
        Dates::Enforced,
    );
    let with = ServiceTls {
        identity: Some(shown.expect("an identity")),
        ..without.clone()
    };
    assert_eq!(before(&service, &app, with).get("/").await.status, 200);
    assert_eq!(before(&service, &app, without).get("/").await.status, 496);
}

/// D-609: a service that speaks other versions of TLS is a 502 that says so.
/// D-610: one that speaks the same is reached.
#[tokio::test]
async fn versions_of_tls_have_to_agree() {
    let authority = Authority::new("authority");
    let identity = authority.server(&["localhost"]);
    let app = Endpoint::named("app").await;
    let only = |version| identity.server_config_of(&[version]);
    let [tls12, tls13] = [&rustls::version::TLS12, &rustls::version::TLS13].map(only);
    for (service, versions, good) in [
        (&tls12, Versions::Tls12, true),
        (&tls13, Versions::Tls12, false),
        (&tls13, Versions::Tls13, true),
        (&tls12, Versions::Tls13, false),
        (&tls12, Versions::Tls12AndTls13, true),
        (&tls13, Versions::Tls12AndTls13, true),
    ] {
        let service = over_tls(Arc::clone(service)).await;
        let plane = before(&service, &app, tls(&authority, versions));
        if good {
            assert_eq!(plane.get("/").await.body, b"service");
        } else {
            let error = failing(&plane, 502).await;
            assert!(error.contains("protocol version not supported"), "{error}");
        }
    }
}

/// D-589: a request passes through a service that is reached over TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_passes_through_a_service_over_tls() {
    let authority = Authority::new("authority");
    let router = Arc::new(OnceLock::<SocketAddr>::new());
    let config = authority.server(&["localhost"]).server_config(None);
    let service = Endpoint::with_tls(config, passing(&router)).await;
    let app = Endpoint::named("app").await;
    let plane = before(&service, &app, tls(&authority, Versions::Tls12AndTls13));
    router.set(plane.address).expect("it starts once");
    let answer = plane.get("/p").await;
    assert_eq!((answer.status, &*answer.body), (200, &b"app"[..]));
}

fn denying(rules: AddressRules) -> Setup {
    setup().with(|settings| settings.route_services.addresses = rules)
}

/// no service is here, by its address or by a name that resolves to it; nor is one without
/// TLS reached unless that is allowed.
/// D-641: addresses that an operator denies are a 502.
#[tokio::test]
async fn a_service_is_at_a_permitted_address() {
    let (service, app) = (
        Endpoint::named("service").await,
        Endpoint::named("app").await,
    );
    let port = service.port();
    let nets = |net: &str| vec![net.parse().expect("a network")];
    let open = AddressRules::open();
    let but_loopback = AddressRules {
        denied: nets("127.0.0.0/8"),
        ..open.clone()
    };
    let but_both = AddressRules {
        denied: ["127.0.0.0/8", "::1/128"]
            .map(|net| net.parse().expect("a network"))
            .into(),
        ..open
    };
    for (rules, url) in [
        (AddressRules::default(), format!("http://127.0.0.1:{port}/")),
        (AddressRules::default(), format!("http://localhost:{port}/")),
        (
            AddressRules::default(),
            format!("http://[::ffff:127.0.0.1]:{port}/"),
        ),
        (
            AddressRules::default(),
            "http://169.254.169.254/latest/".to_owned(),
        ),
        (AddressRules::default(), "http://0.0.0.0/".to_owned()),
        (but_loopback, format!("http://127.0.0.1:{port}/")),
        (but_both, format!("http://localhost:{port}/")),
    ] {
        let plane = bound(denying(rules), &url, &app).start();
        let error = failing(&plane, 502).await;
        assert!(error.contains("not allowed"), "{url}: {error}");
        assert_eq!(plane.settled().await.route_service_attempts, 1, "{url}");
    }
    let only_tls = setup().with(|settings| settings.route_services.plain_http = false);
    let plane = bound(only_tls, &url(&service, "/"), &app).start();
    failing(&plane, 502).await;
    assert_eq!(service.accepted_connections(), 0);
    let loopback = AddressRules {
        allowed: nets("127.0.0.1/32"),
        ..AddressRules::default()
    };
    let plane = bound(denying(loopback), &url(&service, "/"), &app).start();
    assert_eq!(plane.get("/").await.body, b"service");
}
