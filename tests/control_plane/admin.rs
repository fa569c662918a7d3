//! The admin API.

mod access;
mod explain;
mod history;
mod log;
mod replicas;
mod routes;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use pointsman_tests::client::Response;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Broker, Client, Process, configuration};
use serde_json::Value;

use crate::plane::{Plane, get};

/// `user:secret`, encoded.
const RIGHT: &str = "Basic dXNlcjpzZWNyZXQ=";
/// `user:bad`, encoded.
const WRONG: &str = "Basic dXNlcjpiYWQ=";

async fn ask(process: &Process, path: &str, authorization: Option<&str>) -> Response {
    let mut client = Client::connect(process.address("admin")).await;
    let mut request = Request::get(path).header(HOST, "router.example.com");
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    let request = request.body(Default::default()).expect("a request");
    client.send(request).await.expect("an answer")
}

/// The answer to a request with a body of JSON.
async fn order(plane: &Plane, method: &str, path: &str, order: &Value) -> Response {
    let mut client = Client::connect(plane.process.address("admin")).await;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/json");
    let body = Full::new(Bytes::from(order.to_string()));
    let request = request.body(body).expect("a request");
    client.send(request).await.expect("an answer")
}

async fn protected(keys: &str) -> (Broker, Process) {
    let broker = Broker::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "secret").expect("a file");
    let admin = format!(
        "admin:\n  user: user\n  password_file: {}\n  {keys}\n",
        file.display()
    );
    let configuration = configuration::control_plane(&broker, "").replace("admin:\n", &admin);
    (
        broker,
        Process::start("control-plane", &configuration).await,
    )
}

/// C-351: right credentials get the routes
/// C-354: none get 401, with Gorouter's body
/// C-355: wrong ones as well
/// C-356: with right ones, another path is 404
/// C-363: a 401 names the scheme
/// C-366: health asks for none
#[tokio::test]
async fn everything_but_health_asks_for_its_user() {
    let (_broker, process) = protected("").await;
    for path in ["/routes", "/v1/routes", "/v1/replicas", "/other"] {
        for credentials in [
            None,
            Some(WRONG),
            Some("Bearer x"),
            Some("basic dXNlcjpzZWNyZXQ="),
        ] {
            let answer = ask(&process, path, credentials).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(answer.header("www-authenticate"), Some("Basic"));
        }
    }
    assert_eq!(
        ask(&process, "/routes", None).await.text(),
        "401 Unauthorized\n"
    );
    let routes = ask(&process, "/routes", Some(RIGHT)).await;
    assert_eq!((routes.status, routes.text()), (StatusCode::OK, "{}\n"));
    assert_eq!(routes.header("content-type"), Some("application/json"));
    assert_eq!(
        ask(&process, "/other", Some(RIGHT)).await.status,
        StatusCode::NOT_FOUND
    );
    for path in ["/health", "/healthz", "/livez", "/readyz", "/metrics"] {
        assert_ne!(
            ask(&process, path, None).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
}

#[tokio::test]
async fn metrics_may_ask_for_the_user() {
    let (_broker, process) = protected("protect_metrics: true").await;
    assert_eq!(
        ask(&process, "/metrics", None).await.status,
        StatusCode::UNAUTHORIZED
    );
    let metrics = ask(&process, "/metrics", Some(RIGHT)).await;
    assert!(
        metrics.text().contains("pointsman_build_info"),
        "{}",
        metrics.text()
    );
}

/// without a user, a name that is not this machine's is not answered
#[tokio::test]
async fn without_a_user_only_this_machine_is_answered() {
    let plane = Plane::start().await;
    let rebound = ask(&plane.process, "/routes", None).await;
    assert_eq!(rebound.status, StatusCode::FORBIDDEN);
    assert_eq!(plane.get("/routes").await.status, StatusCode::OK);
}

/// C-372: healthy: 200 and `ok`
/// C-373: with headers that forbid keeping it
/// C-377: alive: 200 and `ok` in any state
/// C-379: not healthy: 503 and nothing
#[tokio::test]
async fn health_is_told_in_gorouters_words() {
    let broker = Broker::start().await;
    let slow =
        configuration::control_plane(&broker, "").replace("start_delay: 0s", "start_delay: 1h");
    let process = Process::start("control-plane", &slow).await;
    let health = get(&process, "/health").await;
    assert_eq!(
        (health.status, health.text()),
        (StatusCode::SERVICE_UNAVAILABLE, "")
    );
    assert_eq!(health.header("cache-control"), Some("private, max-age=0"));
    assert_eq!(health.header("expires"), Some("0"));
    let alive = get(&process, "/is-process-alive-do-not-use-for-loadbalancing").await;
    assert_eq!((alive.status, alive.text()), (StatusCode::OK, "ok\n"));
    assert_eq!(get(&process, "/livez").await.status, StatusCode::OK);
    let ready = get(&process, "/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text().starts_with("table: "), "{}", ready.text());

    let plane = Plane::start().await;
    pointsman_tests::eventually("readiness", crate::plane::BOUND, async || {
        let answer = plane.get("/readyz").await;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text().to_owned())
        }
    })
    .await;
    for path in ["/health", "/healthz"] {
        let health = plane.get(path).await;
        assert_eq!((health.status, health.text()), (StatusCode::OK, "ok\n"));
        assert_eq!(health.header("cache-control"), Some("private, max-age=0"));
        assert_eq!(health.header("expires"), Some("0"));
    }
}

#[tokio::test]
async fn errors_under_v1_are_problem_details() {
    let plane = Plane::start().await;
    for (path, status, detail) in [
        ("/v1/nothing", 404, "no such path"),
        ("/v1/routes?limit=0", 400, "limit is 0; expected 1 to 10000"),
        ("/v1/routes?limit=x", 400, "known are uri, after, limit"),
        ("/v1/routes?page=1", 400, "known are uri, after, limit"),
        ("/v1/replicas/%FF", 400, "could not be read"),
        ("/v1/routes?uri=/", 400, "uri is `/`: the URI names no host"),
    ] {
        let answer = plane.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        let problem: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(problem["status"], status);
        let told = problem["detail"].as_str().expect("a detail");
        assert!(told.contains(detail), "{path}: {told}");
    }
    let mut client = Client::connect(plane.process.address("admin")).await;
    let request = Request::builder()
        .method(Method::POST)
        .uri("/v1/routes")
        .header(HOST, "localhost");
    let answer = client
        .send(request.body(Default::default()).expect("a request"))
        .await
        .expect("an answer");
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
}

#[tokio::test]
async fn routes_are_given_in_pages() {
    let plane = Plane::start().await;
    for number in 0..25 {
        let uri = format!("app-{number:02}.example.com");
        plane
            .publisher
            .register(&Emitted::plain(&uri, ([127, 0, 0, 1], 80).into(), number))
            .await;
    }
    pointsman_tests::eventually("all routes", crate::plane::BOUND, async || {
        let count = plane.routes().await.len();
        if count == 25 {
            Ok(())
        } else {
            Err(count.to_string())
        }
    })
    .await;
    let mut seen = Vec::new();
    let mut path = "/v1/routes?limit=10".to_owned();
    let mut pages = 0;
    loop {
        let page: Value = serde_json::from_slice(&plane.get(&path).await.body).expect("JSON");
        pages += 1;
        assert!(
            page["revision"]
                .as_u64()
                .is_some_and(|revision| revision >= 25)
        );
        let routes = page["routes"].as_array().expect("routes");
        seen.extend(
            routes
                .iter()
                .map(|route| route["route"].as_str().expect("a key").to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/v1/routes?limit=10&after={next}");
    }
    assert_eq!(pages, 3);
    let expected: Vec<_> = (0..25)
        .map(|number| format!("app-{number:02}.example.com"))
        .collect();
    assert_eq!(seen, expected);

    let one = plane.get("/v1/routes?uri=APP-07.example.com").await;
    let one: Value = serde_json::from_slice(&one.body).expect("JSON");
    let endpoint = &one["routes"][0]["endpoints"][0];
    assert_eq!(one["routes"].as_array().map(Vec::len), Some(1));
    assert_eq!(endpoint["address"], "127.0.0.1:80");
    assert_eq!(endpoint["source"], "nats");
    assert_eq!(endpoint["instance_index"], "7");
    assert!(
        endpoint["last_heard_seconds"]
            .as_f64()
            .is_some_and(|age| age < 60.0)
    );
    assert_eq!(one["routes"][0]["segments"][0]["segment"], "");

    let none = plane.get("/v1/routes?uri=nobody.example.com").await;
    let none: Value = serde_json::from_slice(&none.body).expect("JSON");
    assert_eq!(none["routes"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn without_data_planes_there_are_no_replicas() {
    let plane = Plane::start().await;
    let answer = plane.get("/v1/replicas").await;
    let json: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(json["replicas"], serde_json::json!([]));
    assert!(
        json["wanted_revision"].is_u64() && json["standing"]["open"].is_boolean(),
        "{json}"
    );
}
