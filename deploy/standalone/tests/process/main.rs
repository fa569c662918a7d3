//! The binary as a process: its command line, its log, its ports, its signals and its exit status, on a real
//! nats-server.

mod active_apps;
mod broker;
mod component;
mod heard;
mod instance;
mod latency;
mod logged;
mod router;
mod secured;
mod tls;
mod without_nats;

use broker::Broker;
use instance::Instance;
use router::{Router, ask, ended, free_port, get, is_open, said, until};

/// Short enough for a test, long enough for a slow machine to start in.
const DELAY: &str = "start_response_delay_interval: 1s\n";

/// CF-003: a missing file is one line in Go's words, and status 1.
/// CF-004: a file with a wrong value does not start the process.
#[test]
fn a_file_that_is_refused_is_one_line_and_status_1() {
    let (status, line) = ended(&["-c", "/nowhere/gorouter.yml"]);
    assert_eq!(status, Some(1));
    assert_eq!(line["message"], "Error loading config:");
    assert_eq!(
        line["data"]["error"],
        "open /nowhere/gorouter.yml: no such file or directory"
    );
    assert_eq!(line["log_level"], 3);
    assert!(
        line["timestamp"].is_f64() && line.get("source").is_none(),
        "{line}"
    );

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("g.yml");
    std::fs::write(&path, "balancing_algorithm: best\n").expect("it can be written");
    let (status, line) = ended(&["-c", &path.display().to_string()]);
    assert_eq!(status, Some(1));
    let error = line["data"]["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("g.yml:1:22: balancing_algorithm: Invalid load balancing algorithm best.")
    );
}

/// A router that nothing tells of routes would be ready with an empty table.
#[test]
fn a_router_without_any_source_does_not_start() {
    let router = Router::start("nats: {hosts: []}\n");
    let (status, log) = router.until_it_ends();
    assert_eq!(status, Some(1), "{log:#?}");
    let last = log.last().expect("it is told");
    let error = last["data"]["error"].as_str().unwrap_or_default();
    let words = "nats.hosts: is empty, and there are no route files and no Routing API";
    assert!(error.starts_with(words), "{log:#?}");
    assert!(!log.iter().any(|line| line["message"] == "gorouter.started"));
    let mut router = Router::start_with_routes("nats: {hosts: []}\n", "services: {}\n");
    router.wait_for("gorouter.started");
}

/// A check reads what a start would read beside the file.
#[test]
fn a_check_reads_the_files_that_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, routes) = (folder.path().join("g.yml"), folder.path().join("r.yml"));
    let check = |more: &[&str]| {
        let file = file.display().to_string();
        let arguments = [&["-c", &*file, "--check"][..], more].concat();
        said(&arguments)
    };
    std::fs::write(&file, "zone: z\n---\nzone: y\n").expect("a file");
    let (status, said) = check(&[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("g.yml:2:1: begins a second document"),
        "{said}"
    );
    std::fs::write(&routes, "routs: []\n").expect("a file");
    let (status, said) = check(&["--routes", &routes.display().to_string()]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("r.yml:1:1: routs: is no key"), "{said}");
    std::fs::write(&file, "nats: {hosts: []}\n").expect("a file");
    let (status, said) = check(&[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("nats.hosts: is empty"), "{said}");
}

/// CF-002: an unknown flag is status 2.
#[test]
fn an_unknown_flag_is_status_2() {
    assert_eq!(ended(&["--unknown"]).0, Some(2));
}

/// CF-029: port 0 is a free port, which the log tells.
/// CF-072: segments and mode are told at the start.
/// CF-103: a bound on heads above 1 MiB is warned of.
/// D-236: so it is.
/// C-175: the segments are told at the start.
/// C-367: a process that has become healthy drains by no means.
#[test]
fn a_start_tells_what_scripts_wait_for() {
    let broker = Broker::start();
    let file = format!(
        "{DELAY}routing_table_sharding_mode: segments\nisolation_segments: [a, b]\nindex: 3\nunknwon: 1\n\
         max_request_header_bytes: 2000000\n"
    );
    let mut router = Router::start(&(broker.nats() + &file));
    let early = get(router.health_port(), "/health", "x");
    assert!(early.starts_with("HTTP/1.1 503 "), "{early}");
    let started = router.wait_for("gorouter.started");
    assert_eq!(started["source"], "gorouter.stdout.router");
    let told: Vec<_> = router
        .log()
        .iter()
        .map(|line| line["message"].as_str().unwrap_or_default())
        .collect();
    let order = [
        "starting",
        "unknown-configuration-key",
        "innefectual-max-header-bytes-value",
        "retrieved-isolation-segments",
        "setting-up-nats-connection",
        "Successfully-connected-to-nats",
        "subscriber-started",
        "tcp-listener-started",
        "tls-listener-not-enabled",
        "gorouter.started",
    ];
    let mut rest = told.iter();
    for name in order {
        assert!(
            rest.any(|told| *told == name),
            "{name} is not told in its place: {told:?}"
        );
    }
    let segments = router.find("retrieved-isolation-segments");
    assert_eq!(
        segments["data"]["isolation_segments"],
        serde_json::json!(["a", "b"])
    );
    assert_eq!(segments["data"]["routing_table_sharding_mode"], "segments");
    let listener = router.find("tcp-listener-started");
    assert_ne!(listener["data"]["address"]["Port"], 0, "{listener}");
    router.wait_until_healthy();
    let draining = |line: &serde_json::Value| line["message"] == "gorouter-draining";
    assert!(!router.log().iter().any(draining));
}

/// CF-146: SIGUSR1 makes the process unhealthy, lets it serve on and finish, and ends it with status 0.
/// CF-148: a second signal is told and changes nothing.
/// C-368: a healthy process that drains is degraded.
/// C-369: the drain begins with that.
/// C-370: and begins once, however often it is asked for.
/// C-371: nothing makes it healthy again.
/// C-380: when it has ended, its health port refuses connections.
/// C-357: so does that of `/routes`.
/// C-384: a listener that ends because the process does is not told as failed.
/// C-450: after the wait, connections are refused.
/// C-452: a running request is waited for.
/// C-456: SIGUSR1 makes it unhealthy.
/// C-459: of several signals the first one counts.
/// C-462: a running request is answered, and the status is 0.
/// C-464: new connections are refused.
/// C-466: many of them drain as one does, to `gorouter.stopped`.
/// C-471: what NATS tells during the drain still counts.
#[test]
fn sigusr1_drains_in_full() {
    let broker = Broker::start();
    let instance = Instance::start();
    let mut router = Router::start(&(broker.nats() + DELAY + "drain_wait: 4s\n"));
    router.wait_for("subscriber-started");
    broker.register("app.example.com", instance.port());
    router.wait_until_healthy();
    let port = router.traffic_port();
    assert!(get(port, "/", "app.example.com").ends_with("from the instance"));
    let slow = std::thread::spawn(move || get(port, "/slow", "app.example.com"));
    instance.wait_for_slow_request();

    router.signal("USR1");
    let draining = router.wait_for("gorouter-draining");
    assert_eq!(draining["data"]["wait_seconds"], 4.0);
    assert!(get(router.health_port(), "/health", "x").starts_with("HTTP/1.1 503 "));
    assert!(get(port, "/", "app.example.com").ends_with("from the instance"));
    router.signal("TERM");
    assert_eq!(
        router.wait_for("gorouter.signal.ignored")["data"]["signal"],
        "terminated"
    );
    for _ in 0..5 {
        router.signal("USR1");
    }
    broker.register("late.example.com", instance.port());
    until("what is registered during the wait is served", || {
        get(port, "/", "late.example.com").ends_with("from the instance")
    });
    assert!(get(router.health_port(), "/health", "x").starts_with("HTTP/1.1 503 "));
    router.wait_for("gorouter.stopping");
    until("nobody is taken in any more", || !is_open(port));
    let (health, routes) = (router.health_port(), router.routes_port());
    assert!(get(health, "/health", "x").starts_with("HTTP/1.1 503 "));
    assert!(router.routes().contains("late.example.com"));
    instance.finish_slow_request();
    assert!(
        slow.join()
            .expect("an answer")
            .ends_with("from the instance")
    );
    let (status, log) = router.until_it_ends();
    assert_eq!(status, Some(0));
    let messages: Vec<_> = log.iter().map(|line| line["message"].as_str()).collect();
    let last = [Some("gorouter.stopped"), Some("gorouter.exited")];
    assert!(messages.ends_with(&last), "{messages:?}");
    let drains = messages
        .iter()
        .filter(|it| **it == Some("gorouter-draining"));
    assert_eq!(drains.count(), 1, "the first signal alone counts");
    assert!(!messages.contains(&Some("health-listener-failed")));
    for port in [health, routes] {
        assert!(!is_open(port), "{port} is still open");
    }
}

/// CF-140: an error page is none, one, or the end of the start where it cannot be read.
/// D-104: a page that is wrong is refused.
/// D-109: one that is not there ends the start.
#[test]
fn an_error_page_that_cannot_be_used_stops_the_start() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = folder.path().join("wrong.html");
    std::fs::write(&wrong, "<p>{{ .Status").expect("it can be written");
    for (path, expected) in [
        (wrong.display().to_string(), "line 1: `{{` has no `}}`"),
        (
            "/nowhere/page.html".to_owned(),
            "/nowhere/page.html: No such file",
        ),
    ] {
        let file = format!("html_error_template_file: {path}\n");
        let (status, log) = Router::start(&(broker.nats() + &file)).until_it_ends();
        assert_eq!(status, Some(1), "{log:#?}");
        let last = log
            .iter()
            .find(|line| line["message"] == "initialize-router-error");
        let error = last.map(|line| line["data"]["error"].to_string());
        assert!(
            error.is_some_and(|error| error.contains(expected)),
            "{log:#?}"
        );
    }
}

/// D-162: a semicolon in a target is warned of.
/// D-171: fields of the file are added to answers.
/// D-183: the health checker of the file is answered.
/// D-237: a path over the bound of the file is a 431, and shown as such in the access log.
/// C-385: the health checker gets 200 and `ok` at the traffic port.
#[test]
fn requests_are_treated_as_the_file_says() {
    let broker = Broker::start();
    let instance = Instance::start();
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let file = format!(
        "{DELAY}max_request_header_bytes: 1024
http_rewrite: {{responses: {{add_headers_if_not_present: [{{name: X-Added, value: by the file}}]}}}}
tracing: {{enable_w3c: true}}
access_log: {{file: {}}}
",
        log.display()
    );
    let mut router = Router::start(&(broker.nats() + &file));
    router.wait_for("subscriber-started");
    broker.register("app.example.com", instance.port());
    router.wait_until_healthy();
    let port = router.traffic_port();
    let healthy = ask(port, "/", "Host: x\r\nUser-Agent: HTTP-Monitor/1.1");
    assert!(healthy.ends_with("\r\n\r\nok\n"), "{healthy}");
    let answer = get(port, "/?a;b", "app.example.com");
    assert!(answer.contains("\r\nX-Added: by the file\r\n"), "{answer}");
    let warned = router.wait_for("deprecated-semicolon-params");
    let id = warned["data"]["vcap_request_id"]
        .as_str()
        .unwrap_or_default();
    assert_eq!(id.len(), 36, "{warned}");
    let long = format!("/{}", "a".repeat(2048));
    let answer = get(port, &long, "app.example.com");
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    router.signal("TERM");
    assert_eq!(router.until_it_ends().0, Some(0));
    let lines = std::fs::read_to_string(&log).expect("the log");
    // Each worker writes its own lines, so they stand in any order.
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for shown in [
        "x_cf_routererror:\"deprecated-semicolon-params\" traceparent:\"00-",
        "x_cf_routererror:\"max-request-size-exceeded\"",
    ] {
        assert!(lines.iter().any(|line| line.contains(shown)), "{lines:#?}");
    }
}

#[test]
fn sigterm_finishes_what_is_in_flight_without_the_wait() {
    let broker = Broker::start();
    let instance = Instance::start();
    let mut router = Router::start(&(broker.nats() + DELAY + "drain_wait: 600s\n"));
    router.wait_for("subscriber-started");
    broker.register("app.example.com", instance.port());
    router.wait_until_healthy();
    let port = router.traffic_port();
    let slow = std::thread::spawn(move || get(port, "/slow", "app.example.com"));
    instance.wait_for_slow_request();
    router.signal("TERM");
    router.wait_for("gorouter.stopping");
    instance.finish_slow_request();
    assert!(
        slow.join()
            .expect("an answer")
            .ends_with("from the instance")
    );
    assert_eq!(router.until_it_ends().0, Some(0));
}

/// CF-150: requests that outlast the drain timeout are cut, and the status is 0 all the same.
/// C-453: it ends with the error of the time-out.
/// C-463: the client gets an error, and the status is 0.
#[test]
fn a_drain_ends_with_its_timeout() {
    let broker = Broker::start();
    let instance = Instance::start();
    let mut router = Router::start(&(broker.nats() + DELAY + "drain_timeout: 1s\n"));
    router.wait_for("subscriber-started");
    broker.register("app.example.com", instance.port());
    router.wait_until_healthy();
    let port = router.traffic_port();
    let slow = std::thread::spawn(move || get(port, "/slow", "app.example.com"));
    instance.wait_for_slow_request();
    router.signal("USR1");
    router.wait_for("router.drain.timed-out");
    let (status, log) = router.until_it_ends();
    assert_eq!(status, Some(0), "{log:#?}");
    let mut errors = log.iter();
    let error = errors.find(|line| line["message"] == "gorouter-draining-error");
    let error = error.map(|line| line["data"]["error"].clone());
    assert_eq!(error, Some("router: Drain timeout".into()), "{log:#?}");
    assert!(
        !slow
            .join()
            .expect("the request ends")
            .ends_with("from the instance")
    );
    instance.finish_slow_request();
}

/// C-458: SIGINT does not wait for balancers to look elsewhere.
/// C-460: a SIGUSR1 after it changes nothing.
#[test]
fn sigint_is_sigterm() {
    let broker = Broker::start();
    let instance = Instance::start();
    let mut router = Router::start(&(broker.nats() + DELAY + "drain_wait: 600s\n"));
    router.wait_for("subscriber-started");
    broker.register("app.example.com", instance.port());
    router.wait_until_healthy();
    let port = router.traffic_port();
    let slow = std::thread::spawn(move || get(port, "/slow", "app.example.com"));
    instance.wait_for_slow_request();
    router.signal("INT");
    router.wait_for("gorouter.stopping");
    router.signal("USR1");
    assert_eq!(
        router.wait_for("gorouter.signal.ignored")["data"]["signal"],
        "user defined signal 1"
    );
    until("nobody is taken in any more", || !is_open(port));
    instance.finish_slow_request();
    slow.join().expect("an answer");
    assert_eq!(router.until_it_ends().0, Some(0));
}

/// C-461: any other signal ends the process without a drain, as the system has it.
#[test]
fn another_signal_is_the_systems() {
    let broker = Broker::start();
    let mut router = Router::start(&(broker.nats() + DELAY + "drain_wait: 600s\n"));
    router.wait_until_healthy();
    router.signal("USR2");
    let (status, log) = router.until_it_ends();
    assert_eq!(status, None, "it ended by the signal");
    assert!(
        log.iter()
            .all(|line| line["message"] != "gorouter-draining")
    );
}

/// C-438: during the start delay `/health` is 503.
/// C-439: which the log tells, with its length.
/// C-444: nobody takes requests meanwhile.
/// C-445: `/routes` answers, and shows what comes.
/// C-176: the mode is told at the start, `all` where the file says nothing.
#[test]
fn during_the_start_delay_it_listens_and_serves_nobody() {
    let broker = Broker::start();
    let file = "start_response_delay_interval: 600s\ndroplet_stale_threshold: 1200s\n";
    let traffic = free_port();
    let mut router = Router::start_on(traffic, &(broker.nats() + file));
    let sleeping = router
        .wait_for("Sleeping before returning success on /health endpoint to preload routing table");
    assert_eq!(sleeping["data"]["sleep_time_seconds"], 600.0);
    let told = router.find("retrieved-isolation-segments");
    assert_eq!(told["data"]["routing_table_sharding_mode"], "all");
    router.wait_for("subscriber-started");
    let health = router.health_port();
    let mut registered = 0;
    until("the route is shown", || {
        assert!(get(health, "/health", "x").starts_with("HTTP/1.1 503 "));
        assert!(!is_open(traffic));
        broker.register("app.example.com", 9999);
        registered += 1;
        router
            .routes()
            .contains(r#""app.example.com":[{"address":"127.0.0.1:9999""#)
    });
    assert!(registered > 0);
    let alive = get(
        health,
        "/is-process-alive-do-not-use-for-loadbalancing",
        "x",
    );
    assert!(alive.starts_with("HTTP/1.1 200 "), "{alive}");
}

#[test]
fn a_signal_during_the_start_delay_ends_the_process_at_once() {
    let broker = Broker::start();
    let file = "start_response_delay_interval: 600s\ndroplet_stale_threshold: 1200s\n";
    let mut router = Router::start(&(broker.nats() + file));
    router.wait_for("subscriber-started");
    router.signal("TERM");
    let (status, log) = router.until_it_ends();
    assert_eq!(status, Some(0), "{log:#?}");
    assert!(
        log.iter()
            .all(|line| line["message"] != "tcp-listener-started"),
        "{log:#?}"
    );
}

#[test]
fn routes_of_a_file_are_served_beside_those_of_nats() {
    let broker = Broker::start();
    let instance = Instance::start();
    let routes = format!(
        "services: {{ svc: {{ v1: ['127.0.0.1:{}'] }} }}\n",
        instance.port()
    );
    let mut router = Router::start_with_routes(&(broker.nats() + DELAY), &routes);
    let traffic = router.traffic_port();
    let answer = get(traffic, "/svc/v1/", "any.example.com");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let unknown = get(traffic, "/svc/v2/", "any.example.com");
    assert!(unknown.starts_with("HTTP/1.1 404 "), "{unknown}");
}
