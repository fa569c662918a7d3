//! The old component server (`enable_deprecated_varz_healthz_endpoints`), and what collectors hear of it over NATS.

use std::net::{Ipv4Addr, TcpListener};

use serde_json::{Value, json};

use crate::broker::Broker;
use crate::heard::Heard;
use crate::instance::Instance;
use crate::router::{Router, ask, free_port, get, is_open, until};

const COMPONENT: &str =
    ", host: 127.0.0.1, user: user, pass: good, enable_deprecated_varz_healthz_endpoints: true";

const NO_DELAY: &str = "start_response_delay_interval: 0s\nindex: 3\n";

/// user:good
const GOOD: &str = "Host: x\r\nAuthorization: Basic dXNlcjpnb29k";

/// user:bad
const BAD: &str = "Host: x\r\nAuthorization: Basic dXNlcjpiYWQ=";

/// What `/varz` has of every component.
const GENERIC: [&str; 11] = [
    "type",
    "index",
    "host",
    "credentials",
    "start",
    "uuid",
    "uptime",
    "num_cores",
    "mem",
    "cpu",
    "log_counts",
];

fn component(broker: &Broker) -> (Router, u16) {
    let mut router = Router::start_with_status(COMPONENT, &(broker.nats() + NO_DELAY));
    let port = router.health_port();
    router.wait_until_healthy();
    (router, port)
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("an answer").1
}

fn varz(port: u16) -> Value {
    let answer = ask(port, "/varz", GOOD);
    serde_json::from_str(body(&answer)).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// C-395: without credentials, and with wrong ones, there is a 401.
/// C-396: `/varz` and `/routes` are JSON on one line each, and say so.
/// C-397: with the right ones.
/// C-398: the uptime moves on.
/// C-399: an unknown path is a 404.
/// C-358: `/routes` is behind the user.
/// OB-122: `/varz` has its keys.
/// OB-126: and asks for the user.
/// OB-127: so do paths that are not there.
#[test]
fn the_component_server_takes_the_place_of_health() {
    let broker = Broker::start();
    let (_router, port) = component(&broker);
    for path in ["/health", "/healthz"] {
        assert!(get(port, path, "x").ends_with("\r\n\r\nok\n"), "{path}");
    }
    for path in [
        "/varz",
        "/routes",
        "/",
        "/is-process-alive-do-not-use-for-loadbalancing",
    ] {
        for fields in ["Host: x", BAD] {
            let denied = ask(port, path, fields);
            assert!(denied.starts_with("HTTP/1.1 401 "), "{path}: {denied}");
            assert!(denied.ends_with("401 Unauthorized\n"), "{denied}");
        }
    }
    for path in ["/", "/is-process-alive-do-not-use-for-loadbalancing"] {
        assert!(ask(port, path, GOOD).starts_with("HTTP/1.1 404 "), "{path}");
    }
    for path in ["/varz", "/routes"] {
        let answer = ask(port, path, GOOD);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("content-type: application/json\r\n"));
        assert!(answer.ends_with("}\n"), "{answer}");
        let _json: Value = serde_json::from_str(body(&answer)).expect("JSON");
    }
    let first = varz(port);
    for key in GENERIC {
        assert!(first.get(key).is_some(), "{key} in {first}");
    }
    assert_eq!(first["host"], format!("127.0.0.1:{port}"));
    assert_eq!(first["credentials"], json!(["user", "good"]));
    assert_eq!(first["index"], 3);
    assert!(first["log_counts"]["1"].as_u64() > Some(3), "{first}");
    until("its uptime moves on", || {
        varz(port)["uptime"] != first["uptime"]
    });
}

/// C-400: who asks for components gets all that `/varz` has of one.
/// C-401: and everybody is told of it at the start.
/// C-402: who asks without saying where to is told of in the log, and the next one is answered.
/// OB-128: so.
/// OB-129: so.
#[test]
fn collectors_hear_of_the_component() {
    let broker = Broker::start();
    let mut announced = Heard::on(&broker, "vcap.component.announce");
    let (mut router, port) = component(&broker);
    router.wait_for("Component Router registered successfully");
    let announced = announced.next_json();
    let mut heard = Heard::on(&broker, "inbox");
    // The subscription of the router may be on its way yet.
    heard.say("PUB vcap.component.discover 0\r\n\r\n");
    let told = router.wait_for("Received message with empty reply");
    assert_eq!(told["data"]["nats-msg-subject"], "vcap.component.discover");
    heard.say("PUB vcap.component.discover inbox 0\r\n\r\n");
    let discovered = heard.next_json();
    for document in [&announced, &discovered] {
        for key in GENERIC {
            assert!(document.get(key).is_some(), "{key} in {document}");
        }
        assert_eq!(document["uuid"], varz(port)["uuid"]);
        assert_eq!(document["type"], "Router");
    }
}

/// C-403: by default there is no component.
/// OB-073: nor is one told of.
/// OB-121: nor is there `/varz` or `/healthz`.
#[test]
fn by_default_there_is_no_component() {
    let broker = Broker::start();
    let mut announced = Heard::on(&broker, "vcap.component.>");
    let mut router = Router::start(&(broker.nats() + NO_DELAY));
    let port = router.health_port();
    router.wait_until_healthy();
    for path in ["/varz", "/healthz"] {
        assert!(ask(port, path, GOOD).starts_with("HTTP/1.1 404 "), "{path}");
    }
    router.signal("TERM");
    let (_, log) = router.until_it_ends();
    let registered = |line: &Value| line["message"] == "Component Router registered successfully";
    assert!(!log.iter().any(registered));
    assert!(announced.nothing_more());
}

/// C-404: when the router has stopped, `/routes` refuses connections.
/// C-405: so does `/varz`.
#[test]
fn a_router_that_stopped_tells_nothing() {
    let broker = Broker::start();
    let (router, port) = component(&broker);
    assert!(ask(port, "/routes", GOOD).starts_with("HTTP/1.1 200 "));
    router.signal("USR1");
    assert_eq!(router.until_it_ends().0, Some(0));
    assert!(!is_open(port));
}

/// C-394: a port that is in use ends the start, in Go's words.
/// OB-130: so.
#[test]
fn a_port_in_use_ends_the_start() {
    let broker = Broker::start();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let routes = free_port();
    let file = format!(
        "port: 0\nstatus: {{port: {port}, routes: {{port: {routes}}}{COMPONENT}}}\n{}",
        broker.nats()
    );
    let (status, log) = Router::start_file(&file).until_it_ends();
    assert_eq!(status, Some(1));
    let told = log
        .iter()
        .find(|line| line["message"] == "initialize-router-error");
    let error = told.expect("it is told")["data"]["error"].clone();
    assert_eq!(
        error,
        format!("listen tcp 127.0.0.1:{port}: bind: address already in use")
    );
}

/// C-410: soon after a registration the last one was some milliseconds ago.
/// C-411: after a second one it was less long ago than before.
/// C-412: two URIs are two, where there was none before.
/// OB-125: these have their keys.
#[test]
fn varz_tells_what_is_registered() {
    let broker = Broker::start();
    let (_router, port) = component(&broker);
    let before = varz(port);
    assert_eq!(
        (&before["urls"], &before["droplets"]),
        (&json!(0), &json!(0))
    );
    assert!(before["ms_since_last_registry_update"].as_u64() > Some(1_000_000_000_000));
    let since = || varz(port)["ms_since_last_registry_update"].as_u64();
    broker.register("one.example.com", 1);
    until("there is a route", || varz(port)["urls"] == 1);
    until("some time has passed", || since() >= Some(10));
    until("more time has passed", || since() > Some(200));
    let long = since();
    broker.register("two.example.com", 1);
    until("there are two routes", || varz(port)["urls"] == 2);
    assert_eq!(varz(port)["droplets"], 1, "both lead to one address");
    until("it is less long ago", || since() < long);
}

/// C-413: requests without a route, and answers of 502, are counted.
/// C-414: so are requests.
/// C-415: those of a component by themselves as well.
/// C-416: responses are counted by class.
/// C-417: those of a component too.
/// C-419: a hundred requests are a hundred more.
/// C-430: the apps with the most requests are in a list.
/// OB-123: by component.
/// OB-124: with classes and percentiles.
#[test]
fn varz_tells_what_was_asked_for() {
    let (broker, instance) = (Broker::start(), Instance::start());
    let (mut router, port) = component(&broker);
    let traffic = router.traffic_port();
    let here = instance.port();
    broker.register_as(
        "app.example.com",
        &format!(r#""port":{here},"tags":{{"component":"cc"}}"#),
    );
    broker.register("gone.example.com", free_port());
    until("both are registered", || varz(port)["urls"] == 2);
    until("the route is served", || {
        get(traffic, "/", "app.example.com").ends_with("from the instance")
            && get(traffic, "/", "gone.example.com").starts_with("HTTP/1.1 502 ")
    });
    let before = varz(port);
    for round in 1..=2 {
        assert!(get(traffic, "/", "nobody.example.com").starts_with("HTTP/1.1 404 "));
        assert!(get(traffic, "/", "gone.example.com").starts_with("HTTP/1.1 502 "));
        let now = varz(port);
        assert_eq!(grown(&before, &now, "bad_requests"), round);
        assert_eq!(grown(&before, &now, "bad_gateways"), round);
        assert_eq!(grown(&before, &now, "responses_5xx"), round);
    }
    let before = varz(port);
    for _ in 0..100 {
        assert!(get(traffic, "/", "app.example.com").starts_with("HTTP/1.1 200 "));
    }
    until("they are counted", || {
        let now = varz(port);
        grown(&before, &now, "requests") == 100 && grown(&before, &now, "responses_2xx") == 100
    });
    let now = varz(port);
    let (cc_before, cc) = (
        &before["tags"]["component"]["cc"],
        &now["tags"]["component"]["cc"],
    );
    assert_eq!(grown(cc_before, cc, "requests"), 100);
    assert_eq!(grown(cc_before, cc, "responses_2xx"), 100);
    assert_eq!(cc["responses_5xx"], 0);
    for place in [&now, cc] {
        let latency = |part: &str| place["latency"][part].as_f64().expect("a number");
        assert!(latency("50") > 0.0 && latency("50") <= latency("99") && latency("99") < 30.0);
    }
    let top = &now["top10_app_requests"][0];
    assert_eq!(top["application_id"], "app-1");
    assert!(top["rpm"].as_u64() >= Some(100), "{top}");
    until("the rate is renewed", || {
        varz(port)["requests_per_sec"].as_f64() > Some(0.0)
    });
}

fn grown(before: &Value, now: &Value, key: &str) -> u64 {
    let count = |document: &Value| document[key].as_u64().unwrap_or_default();
    count(now) - count(before)
}
