//! Requests for some instances of a route only.

use pointsman_tests::Endpoint;
use pointsman_tests::client::RawAnswer;
use pointsman_tests::endpoint::Answer;

use crate::support::{APP, Setup, head};

const PROCESS: &str = "99999999-8888-7777-6666-555555555555";

/// Three instances of one app; the first two of them belong to one process.
async fn three() -> (Vec<Endpoint>, Setup) {
    let mut setup = Setup::new();
    let mut endpoints = Vec::new();
    for index in 0..3 {
        let endpoint = Endpoint::named(&format!("instance {index}")).await;
        setup = setup.thing("app.test", endpoint.address(), |thing| {
            thing.instance_index = index.to_string();
            if index < 2 {
                thing.tags = Some(vec![("process_id".to_owned(), PROCESS.to_owned())]);
            }
        });
        endpoints.push(endpoint);
    }
    (endpoints, setup)
}

fn body(answer: &RawAnswer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// D-203: an app instance is reached by its index.
/// D-205: so is an instance of a process.
/// D-206: without an index any instance of the process answers.
/// D-227: given both, the app instance is reached.
/// D-310: a valid X-CF-Process-Instance reaches the endpoint.
/// D-309: X-CF-App-Instance does not reach the endpoint, X-CF-Process-Instance does.
/// C-309: a request with a valid field reaches its instance.
#[tokio::test]
async fn instances_are_reached_by_name() {
    let (endpoints, setup) = three().await;
    let plane = setup.start();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let field = format!("X-CF-App-Instance: {APP}:{index}");
        for _ in 0..4 {
            let answer = plane.ask(head("GET /", &[&field])).await;
            assert_eq!(body(&answer), format!("instance {index}"));
        }
        let seen = endpoint.last_request().head;
        assert_eq!(seen.header("x-cf-app-instance"), None);
    }
    for (index, endpoint) in endpoints.iter().enumerate().take(2) {
        let field = format!("X-CF-Process-Instance: {PROCESS}:{index}");
        for _ in 0..4 {
            let answer = plane.ask(head("GET /", &[&field])).await;
            assert_eq!(body(&answer), format!("instance {index}"));
        }
        let seen = endpoint.last_request().head;
        assert!(seen.header("x-cf-process-instance").is_some());
    }
    let any = format!("X-CF-Process-Instance: {PROCESS}");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        seen.insert(body(&plane.ask(head("GET /", &[&any])).await));
    }
    assert_eq!(seen.len(), 2);
    assert!(!seen.contains("instance 2"));
    let app = format!("X-CF-App-Instance: {APP}:2");
    let process = format!("X-CF-Process-Instance: {PROCESS}:0");
    let both = plane.ask(head("GET /", &[&process, &app])).await;
    assert_eq!(body(&both), "instance 2");
}

/// D-195: an app instance that the route does not have is a 400 that names it.
/// D-196: so is an instance of a process.
/// D-197: and a process, by words without an index.
/// D-204: the route may be there.
/// D-215: the answer is not to be kept.
/// C-298: where there is no route there is no instance of an app.
/// C-304: nor one of a process.
/// C-307: a well-formed field that names nobody is a 400 that nobody keeps.
#[tokio::test]
async fn unknown_instances_are_told_by_name() {
    let (_endpoints, setup) = three().await;
    let plane = setup.route("empty.test").start();
    let none = "00000000-0000-0000-0000-000000000000";
    for host in ["app.test", "empty.test", "Nope.test:99"] {
        for (field, what) in [
            (
                format!("X-CF-App-Instance: {APP}:7"),
                format!("instance ('7') with guid ('{APP}')"),
            ),
            (
                format!("X-CF-App-Instance: {none}:0"),
                format!("instance ('0') with guid ('{none}')"),
            ),
            (
                format!("X-CF-Process-Instance: {none}:0"),
                format!("instance ('0') with process guid ('{none}')"),
            ),
            (
                format!("X-CF-Process-Instance: {none}"),
                format!("instance with process guid ('{none}')"),
            ),
        ] {
            let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{field}\r\n\r\n");
            let answer = plane.ask(request).await;
            assert_eq!(answer.status, 400, "{field}");
            let expected =
                format!("400 Bad Request: Requested {what} does not exist for route ('{host}')\n");
            assert_eq!(body(&answer), expected);
            assert_eq!(answer.header("X-Cf-RouterError"), Some("unknown_route"));
            assert_eq!(answer.header("Cache-Control"), Some("no-cache, no-store"));
        }
    }
    assert_eq!(plane.settled().await.rejected_requests, 12);
}

/// D-207: a field that names no app instance is a 400 with an error of its own.
/// D-208: so is one that names no process instance.
/// D-209: an app instance has an index.
/// D-210: a process instance does not end in a colon.
/// D-211: an app alone is no instance.
/// D-226: guids are in small letters.
/// D-213: the answer is not to be kept.
/// C-308: a malformed field is a 400 before any look-up.
#[tokio::test]
async fn fields_that_name_no_instance_are_refused() {
    let (endpoints, setup) = three().await;
    let plane = setup.start();
    let upper = PROCESS.replace('9', "A");
    for (name, values) in [
        (
            "App",
            vec![format!("{APP}:"), APP.to_owned(), format!("{upper}:0")],
        ),
        ("Process", vec![format!("{PROCESS}:"), upper.clone()]),
    ] {
        for value in values {
            for host in ["app.test", "nope.test"] {
                let field = format!("X-CF-{name}-Instance: {value}");
                let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{field}\r\n\r\n");
                let answer = plane.ask(request).await;
                assert_eq!(answer.status, 400, "{field}");
                let expected = format!("400 Bad Request: Invalid X-CF-{name}-Instance Header\n");
                assert_eq!(body(&answer), expected);
                let error = format!("invalid_cf_{}_instance_header", name.to_ascii_lowercase());
                assert_eq!(answer.header("X-Cf-RouterError"), Some(error.as_str()));
                assert_eq!(answer.header("Cache-Control"), Some("no-cache, no-store"));
            }
        }
    }
    let asked: usize = endpoints.iter().map(Endpoint::request_count).sum();
    assert_eq!(asked, 0);
}

/// D-228: what fails for one instance is not held against it where any would do.
#[tokio::test]
async fn a_failure_of_one_instance_is_no_mark() {
    let resetting = Endpoint::with(|_| Answer::Reset).await;
    let well = Endpoint::named("well").await;
    let plane = Setup::new()
        .thing("app.test", resetting.address(), |thing| {
            thing.instance_index = "0".to_owned();
        })
        .thing("app.test", well.address(), |thing| {
            thing.instance_index = "1".to_owned();
        })
        .start();
    let one = format!("X-CF-App-Instance: {APP}:0");
    for _ in 0..6 {
        let answer = plane
            .ask(head("POST /", &[&one, "Content-Length: 0"]))
            .await;
        assert_eq!(answer.status, 502);
    }
    assert!(plane.ejected().is_empty());
    assert_eq!(
        plane.settled().await.retries,
        0,
        "there is no other such instance"
    );
    let before = resetting.accepted_connections();
    for _ in 0..2 {
        plane.ask(head("POST /", &["Content-Length: 0"])).await;
    }
    assert_eq!(
        resetting.accepted_connections(),
        before + 1,
        "it has its turn as if nothing had been"
    );
}
