//! On the way back from a service.

use std::sync::{Arc, OnceLock};

use pointsman_data_plane::{ForwardedProto, Signer};
use pointsman_tests::Endpoint;

use super::{SIGNED, bound, come_back, fields, passing, setup, signed, signed_lines, signer, url};
use crate::support::{Plane, Setup};

/// The data plane that a request comes back to, whose app is the endpoint.
async fn plane(setup: Setup) -> (Endpoint, Plane) {
    let app = Endpoint::named("app").await;
    let plane = bound(setup, "http://127.0.0.1:1/", &app).start();
    (app, plane)
}

/// D-574: with a valid signature and its metadata the app is called, without the three fields.
/// D-575: whatever characters the URL has, and the app sees them unchanged.
/// D-586: ports do not count.
/// the app never sees what proves that.
/// D-587: nor does it matter that path and query are others of the same route.
#[tokio::test]
async fn a_request_that_comes_back_reaches_the_app() {
    let special = "/a%20b%2Fc;d'e(f)?g=%26&h=<i>|\"&j=+,~!$*:@";
    let lines = signed_lines(&signed(setup(), special).await);
    let (app, plane) = plane(setup()).await;
    for target in [special, "/", "/other?q"] {
        let answer = come_back(&plane, target, &lines).await;
        assert_eq!(
            (answer.status, &*answer.body),
            (200, &b"app"[..]),
            "{target}"
        );
        let seen = app.last_request().head;
        assert_eq!(seen.target, target);
        let seen = fields(&seen);
        for name in SIGNED {
            assert!(!seen.contains_key(&name.to_ascii_lowercase()), "{name}");
        }
    }
    let with_port = lines.join("\r\n");
    let request = format!("GET / HTTP/1.1\r\nHost: APP.test:8080\r\n{with_port}\r\n\r\n");
    assert_eq!(plane.ask(request).await.status, 200);
    let line = plane.line("GET /other").await;
    assert!(line.contains(&app.address().to_string()), "{line}");
    assert_eq!(plane.settled().await.route_service_attempts, 0);
}

/// D-576: without metadata it is a 502.
/// D-578: so it is for another route.
/// D-579: and where nobody here has signed it.
/// D-581: with either key.
/// D-239: the message says why.
/// D-263: and nothing goes on.
/// without a valid signature for this route no request reaches the app.
#[tokio::test]
async fn what_proves_nothing_is_refused() {
    let lines = signed_lines(&signed(setup(), "/").await);
    let (app, mut setup_with_other) = (Endpoint::named("app").await, setup());
    setup_with_other = setup_with_other.endpoint("other.test", &app);
    let plane = bound(setup_with_other, "http://127.0.0.1:1/", &app).start();
    let [url, signature, metadata] = [&lines[0], &lines[1], &lines[2]].map(Clone::clone);
    let foreign = setup().with(|settings| settings.route_services.signer = signer("x", Some("y")));
    let foreign = signed_lines(&signed(foreign, "/").await);
    let of_other = signed_elsewhere().await;
    for (what, lines, reason) in [
        (
            "no metadata",
            vec![url.clone(), signature.clone()],
            "No metadata found",
        ),
        (
            "a stranger's",
            foreign,
            "cipher: message authentication failed",
        ),
        (
            "another route's",
            of_other,
            "route service forwarded URL does not match the original request URL",
        ),
        (
            "nonsense",
            vec![
                "X-CF-Proxy-Signature: nonsense%".to_owned(),
                metadata.clone(),
            ],
            "illegal base64 data",
        ),
        (
            "a short nonce",
            vec![
                signature.clone(),
                "X-CF-Proxy-Metadata: eyJub25jZSI6IkFBPT0ifQ==".to_owned(),
            ],
            "incorrect nonce length",
        ),
        (
            "no JSON",
            vec![signature.clone(), "X-CF-Proxy-Metadata: AAAA".to_owned()],
            "metadata is not the JSON that it should be",
        ),
    ] {
        let answer = come_back(&plane, "/", &lines).await;
        assert_eq!(answer.status, 502, "{what}");
        let expected =
            format!("502 Bad Gateway: Failed to validate Route Service Signature: {reason}\n");
        assert_eq!(String::from_utf8_lossy(&answer.body), expected, "{what}");
    }
    assert_eq!(app.request_count(), 0);
    assert_eq!(plane.settled().await.route_service_refused, 6);
}

/// Fields that are signed for another route.
async fn signed_elsewhere() -> Vec<String> {
    let (service, app) = (
        Endpoint::named("service").await,
        Endpoint::named("app").await,
    );
    let plane = super::bound_at(setup(), "other.test", &url(&service, "/"))
        .endpoint("other.test", &app)
        .start();
    plane
        .ask("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n")
        .await;
    signed_lines(&service.last_request().head)
}

/// D-577: after its time a signature is a 504.
/// D-240: with the message that says so.
/// D-602: whichever key made it.
#[tokio::test]
async fn a_signature_expires() {
    let lines = signed_lines(&signed(setup(), "/").await);
    for (secret, decrypt_only) in [("secret", None), ("new", Some("secret"))] {
        let short = setup().with(|settings| {
            let life = std::time::Duration::ZERO;
            settings.route_services.signer = Signer::new(secret, decrypt_only, life);
        });
        let (app, plane) = plane(short).await;
        let answer = come_back(&plane, "/", &lines).await;
        assert_eq!(answer.status, 504);
        assert_eq!(
            String::from_utf8_lossy(&answer.body),
            "504 Gateway Timeout: Failed to validate Route Service Signature: route service \
             request expired\n"
        );
        assert_eq!(
            answer.header("X-Cf-RouterError"),
            Some("expired_route_service_signature")
        );
        assert_eq!(app.request_count(), 0);
    }
}

/// D-580: a signature of the secret that only opens is good.
#[tokio::test]
async fn secrets_are_changed_without_an_interruption() {
    let lines = signed_lines(&signed(setup(), "/").await);
    let rotated =
        setup().with(|settings| settings.route_services.signer = signer("new", Some("secret")));
    let (_app, plane) = plane(rotated).await;
    assert_eq!(come_back(&plane, "/", &lines).await.body, b"app");
}

/// D-567: where the route has no service, a signature that proves nothing is a 400.
/// by default.
/// D-587: one that is genuine goes on with the request, as to a service that is an app.
#[tokio::test]
async fn a_forged_signature_is_refused_anywhere() {
    let lines = signed_lines(&signed(setup(), "/").await);
    let forged: Vec<_> = SIGNED
        .iter()
        .map(|name| format!("{name}: forged"))
        .collect();
    let app = Endpoint::named("app").await;
    for (strict, status) in [(true, 400), (false, 200)] {
        let plane = setup()
            .endpoint("app.test", &app)
            .with(|settings| settings.route_services.strict_signatures = strict)
            .start();
        let answer = come_back(&plane, "/", &forged).await;
        assert_eq!(answer.status, status, "strict: {strict}");
        if strict {
            assert_eq!(
                answer.header("X-Cf-RouterError"),
                Some("invalid_route_service_signature")
            );
            assert_eq!(
                answer.body,
                b"400 Bad Request: invalid route service signature detected\n"
            );
        }
        app.forget();
        assert_eq!(come_back(&plane, "/", &lines).await.status, 200);
        assert_eq!(signed_lines(&app.last_request().head), lines);
    }
    let strict = setup().with(|settings| {
        let life = std::time::Duration::ZERO;
        settings.route_services.signer = Signer::new("secret", None, life);
    });
    let plane = strict.endpoint("app.test", &app).start();
    let answer = come_back(&plane, "/", &lines).await;
    assert_eq!(answer.status, 504);
    assert_eq!(
        answer.header("X-Cf-RouterError"),
        Some("expired_route_service_signature")
    );
}

/// a signature may be bound to the path that it was made for.
#[tokio::test]
async fn a_signature_may_be_good_for_one_path() {
    let lines = signed_lines(&signed(setup(), "/a?q").await);
    let bound = setup().with(|settings| settings.route_services.bind_path = true);
    let (_app, plane) = plane(bound).await;
    assert_eq!(come_back(&plane, "/a?other", &lines).await.status, 200);
    for target in ["/b", "/A", "//a", "/%61", "/a/"] {
        assert_eq!(
            come_back(&plane, target, &lines).await.status,
            502,
            "{target}"
        );
    }
}

/// D-585: an app that is not there is a 502 on the way back as well.
#[tokio::test]
async fn an_app_that_is_not_there_is_a_502() {
    let lines = signed_lines(&signed(setup(), "/").await);
    let (mut app, plane) = plane(setup()).await;
    app.close().await;
    assert_eq!(come_back(&plane, "/", &lines).await.status, 502);
}

/// D-607: a request passes through its service to the app, and the answer comes the same way.
/// D-612: as it does for every client without TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_passes_through_its_service() {
    let router = Arc::new(OnceLock::new());
    let service = Endpoint::with(passing(&router)).await;
    let app = Endpoint::named("app").await;
    let plane = bound(setup(), &url(&service, "/mw"), &app).start();
    router.set(plane.address).expect("it starts once");
    let answer = plane.get("/p?q=1&r=2").await;
    assert_eq!((answer.status, &*answer.body), (200, &b"app"[..]));
    let seen = app.last_request().head;
    assert_eq!(seen.target, "/p?q=1&r=2");
    assert_eq!(seen.header("X-Passed"), Some("yes"));
    assert_eq!(seen.header("host"), Some("app.test"));
    assert_eq!(
        seen.header("X-Forwarded-For"),
        Some("127.0.0.1, 127.0.0.1"),
        "the client, and the service"
    );
    assert_eq!(service.last_request().head.target, "/mw");
}

/// D-273: what comes back has the scheme that it has, whatever the settings.
#[tokio::test]
async fn the_scheme_of_what_comes_back_is_not_touched() {
    let lines = signed_lines(&signed(setup(), "/").await);
    for proto in [ForwardedProto::ForceHttps, ForwardedProto::Sanitize] {
        let setup = setup().with(|settings| settings.headers.forwarded_proto = proto);
        let (app, plane) = plane(setup).await;
        let mut with_scheme = lines.clone();
        with_scheme.push("X-Forwarded-Proto: first".to_owned());
        for (lines, expected) in [(&with_scheme, Some("first")), (&lines, None)] {
            come_back(&plane, "/", lines).await;
            let seen = app.last_request().head;
            assert_eq!(seen.header("X-Forwarded-Proto"), expected);
        }
    }
}
