//! Sessions stay with the instance that began them.

use pointsman_tests::Endpoint;
use pointsman_tests::client::RawAnswer;
use pointsman_tests::endpoint::{Answer, Head, Reply};

use crate::support::{Plane, Setup, head};

/// An app that begins a session at `/login` below its path, and says who it is everywhere.
async fn app(name: &'static str, cookie: &'static str) -> Endpoint {
    Endpoint::with(move |head: &Head| -> Answer {
        let reply = Reply::text(name);
        if head.target.ends_with("/login") {
            reply.with_header("Set-Cookie", cookie).into()
        } else {
            reply.into()
        }
    })
    .await
}

/// A data plane before three instances of one app, and the instances.
async fn three(cookie: &'static str) -> (Vec<Endpoint>, Setup) {
    let mut setup = Setup::new();
    let mut endpoints = Vec::new();
    for name in ["inst-0", "inst-1", "inst-2"] {
        let endpoint = app(name, cookie).await;
        setup = setup.thing("app.test", endpoint.address(), |thing| {
            thing.instance_id = name.to_owned();
        });
        endpoints.push(endpoint);
    }
    (endpoints, setup)
}

fn cookies_of(answer: &RawAnswer) -> Vec<&str> {
    answer
        .head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .map(|(_, value)| value)
        .collect()
}

fn who(answer: &RawAnswer) -> String {
    assert_eq!(answer.status, 200);
    String::from_utf8_lossy(&answer.body).into_owned()
}

async fn with_cookies(plane: &Plane, path: &str, cookies: &str) -> RawAnswer {
    let cookie = format!("Cookie: {cookies}");
    plane.ask(head(&format!("GET {path}"), &[&cookie])).await
}

/// D-538: requests with both cookies reach the instance that set them.
/// D-543: the app's cookie comes first, ours with the instance's id behind it.
/// D-560: requests that reach their instance are given no cookies.
/// D-542: nor are answers that begin no session.
#[tokio::test]
async fn a_session_stays_at_its_instance() {
    let (endpoints, setup) = three("JSESSIONID=x; Secure; SameSite=Lax").await;
    let plane = setup.start();
    let plain = plane.get("/").await;
    assert!(cookies_of(&plain).is_empty());
    let login = plane.get("/login").await;
    let instance = who(&login);
    assert_eq!(
        cookies_of(&login),
        [
            "JSESSIONID=x; Secure; SameSite=Lax",
            &format!("__VCAP_ID__={instance}; Path=/; HttpOnly; Secure; SameSite=Lax"),
            "__VCAP_ID_META__=secure&samesite=lax; Path=/; HttpOnly; Secure; SameSite=Lax",
        ]
    );
    let cookies = format!("JSESSIONID=x; __VCAP_ID__={instance}");
    for _ in 0..10 {
        let answer = with_cookies(&plane, "/", &cookies).await;
        assert_eq!(who(&answer), instance);
        assert!(cookies_of(&answer).is_empty());
    }
    let seen = endpoints
        .iter()
        .flat_map(Endpoint::requests)
        .filter(|request| request.head.header("cookie") == Some(&cookies))
        .count();
    assert_eq!(seen, 10, "cookies are forwarded as they came");
}

/// D-564: `__VCAP_ID__` alone does not stick, nor does the session cookie alone.
#[tokio::test]
async fn one_cookie_alone_does_not_stick() {
    let (_endpoints, setup) = three("JSESSIONID=x").await;
    let plane = setup.start();
    for cookies in ["__VCAP_ID__=inst-1", "JSESSIONID=x", "a=b"] {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..3 {
            seen.insert(who(&with_cookies(&plane, "/", cookies).await));
        }
        assert_eq!(seen.len(), 3, "{cookies}");
    }
}

/// D-539: other configured cookies stick, and the usual one then does not.
#[tokio::test]
async fn the_names_of_session_cookies_are_configured() {
    let (_endpoints, setup) = three("SESSION=x").await;
    let plane = setup
        .with(|settings| settings.sessions.cookie_names = vec!["SESSION".to_owned()])
        .start();
    let login = plane.get("/login").await;
    assert_eq!(cookies_of(&login).len(), 3);
    for _ in 0..6 {
        let answer = with_cookies(&plane, "/", "SESSION=x; __VCAP_ID__=inst-1").await;
        assert_eq!(who(&answer), "inst-1");
    }
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let answer = with_cookies(&plane, "/", "JSESSIONID=x; __VCAP_ID__=inst-1").await;
        seen.insert(who(&answer));
    }
    assert_eq!(seen.len(), 3);
}

/// CF-012: without any name no session sticks.
#[tokio::test]
async fn without_names_nothing_sticks() {
    let (_endpoints, setup) = three("JSESSIONID=x").await;
    let plane = setup
        .with(|settings| settings.sessions.cookie_names.clear())
        .start();
    assert_eq!(cookies_of(&plane.get("/login").await), ["JSESSIONID=x"]);
}

/// D-540: under a context path, the cookie is for that path.
/// D-541: routes with different paths have instances and cookies of their own.
#[tokio::test]
async fn each_path_has_its_own_session() {
    let (first, second, root) = (
        app("first", "JSESSIONID=x").await,
        app("second", "JSESSIONID=x").await,
        app("root", "JSESSIONID=x").await,
    );
    let plane = Setup::new()
        .endpoint("app.test/First", &first)
        .endpoint("app.test/second", &second)
        .endpoint("app.test", &root)
        .start();
    for (path, endpoint, expected) in [
        ("/First/login", &first, "/First"),
        ("/second/login", &second, "/second"),
        ("/login", &root, "/"),
    ] {
        let answer = plane.get(path).await;
        let id = format!("instance-{}", endpoint.address());
        let line = format!("__VCAP_ID__={id}; Path={expected}; HttpOnly");
        assert_eq!(cookies_of(&answer).get(1), Some(&line.as_str()), "{path}");
        let cookies = format!("JSESSIONID=x; __VCAP_ID__={id}");
        let again = with_cookies(&plane, &path.replace("login", ""), &cookies).await;
        assert!(cookies_of(&again).is_empty(), "{path}");
    }
}

/// D-558: where the instance is gone, another one takes the session, and the cookie says so.
/// D-639: with the attributes that it had.
#[tokio::test]
async fn a_session_moves_when_its_instance_is_gone() {
    let (endpoints, setup) = three("JSESSIONID=x; Secure; SameSite=None; Partitioned").await;
    let mut plane = setup.start();
    let cookies = "JSESSIONID=x; __VCAP_ID__=inst-1; \
                   __VCAP_ID_META__=secure&partitioned&samesite=none";
    assert_eq!(who(&with_cookies(&plane, "/", cookies).await), "inst-1");
    plane.remove("app.test", &endpoints[1]);
    let answer = with_cookies(&plane, "/", cookies).await;
    let instance = who(&answer);
    assert_ne!(instance, "inst-1");
    assert_eq!(
        cookies_of(&answer),
        [format!(
            "__VCAP_ID__={instance}; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"
        )]
    );
}

/// An instance that cannot be reached loses its sessions to others, within one request.
#[tokio::test]
async fn a_session_moves_when_its_instance_fails() {
    let (mut endpoints, setup) = three("JSESSIONID=x").await;
    let plane = setup.start();
    endpoints[1].close().await;
    let cookies = "JSESSIONID=x; __VCAP_ID__=inst-1";
    let answer = with_cookies(&plane, "/", cookies).await;
    let instance = who(&answer);
    assert_ne!(instance, "inst-1");
    let line = format!("__VCAP_ID__={instance}; Path=/; HttpOnly");
    assert_eq!(cookies_of(&answer), [line]);
    assert_eq!(plane.settled().await.retries, 1);
}

/// D-562: a negotiation stays at its instance.
/// D-550: and is told so for a minute.
/// D-363: where that instance is gone, there is no answer from another one.
#[tokio::test]
async fn a_negotiation_stays_where_it_began() {
    let negotiating = |_: &Head| -> Answer {
        Reply::status(401)
            .with_header("WWW-Authenticate", "Negotiate")
            .into()
    };
    let mut setup = Setup::new().with(|settings| settings.sessions.auth_negotiate = true);
    let mut endpoints = Vec::new();
    for _ in 0..3 {
        let endpoint = Endpoint::with(negotiating).await;
        setup = setup.endpoint("app.test", &endpoint);
        endpoints.push(endpoint);
    }
    let mut plane = setup.start();
    let first = plane.get("/").await;
    let begun = endpoints
        .iter()
        .position(|endpoint| endpoint.request_count() == 1)
        .expect("one was asked");
    let id = format!("instance-{}", endpoints[begun].address());
    assert_eq!(
        cookies_of(&first),
        [format!(
            "__VCAP_ID__={id}; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
        )]
    );
    let cookie = format!("Cookie: __VCAP_ID__={id}");
    let request = head("GET /", &["Authorization: Negotiate abc", &cookie]);
    for _ in 0..5 {
        let answer = plane.ask(&request).await;
        assert_eq!((answer.status, cookies_of(&answer).len()), (401, 0));
    }
    assert_eq!(endpoints[begun].request_count(), 6);
    plane.remove("app.test", &endpoints[begun]);
    let answer = plane.ask(&request).await;
    assert_eq!(answer.status, 502);
    assert_eq!(
        answer.header("X-Cf-RouterError"),
        Some("endpoint_failure (No endpoints available)")
    );
    let asked: usize = endpoints.iter().map(Endpoint::request_count).sum();
    assert_eq!(asked, 6);
}

/// D-559: answers that pass a route service set no cookie of ours.
#[tokio::test]
async fn a_route_service_begins_no_session() {
    let (_endpoints, setup) = three("JSESSIONID=x").await;
    let plane = setup.start();
    let fields = [
        "X-CF-Proxy-Signature: s",
        "X-CF-Forwarded-Url: http://app.test/login",
    ];
    let answer = plane.ask(head("GET /login", &fields)).await;
    assert_eq!(cookies_of(&answer), ["JSESSIONID=x"]);
}

/// only the exact id of an instance leads to it, wherever it stands among however many cookies, and garbage leads
/// nowhere.
#[tokio::test]
async fn garbage_leads_to_no_instance() {
    let (_endpoints, setup) = three("JSESSIONID=x").await;
    let plane = setup.start();
    let many = "filler=0123456789; ".repeat(450);
    for (cookies, sticks) in [
        ("__VCAP_ID__=inst-1", true),
        (&format!("{many}__VCAP_ID__=inst-1"), true),
        (&format!("__VCAP_ID__=inst-1; {many}last=1"), true),
        ("__VCAP_ID__=inst-", false),
        ("__VCAP_ID__=inst-11", false),
        ("__VCAP_ID__=INST-1", false),
        ("__vcap_id__=inst-1", false),
        ("X__VCAP_ID__=inst-1", false),
        ("__VCAP_ID__inst-1", false),
        ("__VCAP_ID__=", false),
        (&format!("__VCAP_ID__={}", "inst-1".repeat(1_500)), false),
    ] {
        let cookies = format!("JSESSIONID=x; {cookies}");
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..3 {
            seen.insert(who(&with_cookies(&plane, "/", &cookies).await));
        }
        let shown = &cookies[..cookies.len().min(60)];
        assert_eq!(seen.len(), if sticks { 1 } else { 3 }, "{shown}");
        assert!(!sticks || seen.contains("inst-1"), "{shown}: {seen:?}");
    }
    let refused = with_cookies(&plane, "/", "JSESSIONID=x; __VCAP_ID__=inst-1\0").await;
    assert_eq!(refused.status, 400);
}

/// D-453: where a session's only instance is gone, nobody is asked: a 502, no attempt, and nothing against anybody.
#[tokio::test]
async fn a_session_that_is_lost_is_no_attempt() {
    let (_endpoints, setup) = three("JSESSIONID=x").await;
    let plane = setup
        .with(|settings| settings.sessions.auth_negotiate = true)
        .start();
    let fields = ["Authorization: Negotiate x", "Cookie: __VCAP_ID__=inst-7"];
    let answer = plane.ask(head("GET /lost", &fields)).await;
    assert_eq!(answer.status, 502);
    let error = answer.header("X-Cf-RouterError");
    assert_eq!(error, Some("endpoint_failure (No endpoints available)"));
    let totals = plane.settled().await;
    assert_eq!((totals.attempts, totals.bad_gateways), (0, 1));
    assert_eq!(totals.responses_5xx, 0);
    let line = plane.line("/lost").await;
    assert!(
        line.contains("endpoint_failure (No endpoints available)"),
        "{line}"
    );
}
