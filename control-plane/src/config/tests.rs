//! What is accepted, and what is said about the rest.

use std::collections::BTreeMap;

use pointsman_process::configuration::load_str;

use super::*;
use crate::admin::Role;

fn problems(text: &str) -> String {
    load_str::<Config>("cp.yml", text).unwrap_err().to_string()
}

fn config(text: &str) -> Config {
    load_str("cp.yml", text)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .value
}

fn no_environment() -> BTreeMap<String, String> {
    BTreeMap::new()
}

/// C-076: without a ping interval it is 20 s
#[test]
fn an_empty_file_is_a_control_plane_on_one_machine() {
    for text in ["", "{}", "nats:\nregistration: {}\n"] {
        let settings = config(text).settings(&no_environment()).unwrap();
        assert_eq!(settings.nats.servers[0].to_string(), "localhost:4222");
        assert_eq!(settings.nats.ping_interval.as_secs(), 20);
        assert_eq!(settings.registry.stale_threshold.as_secs(), 120);
        assert_eq!(settings.registry.registration_interval.as_secs(), 20);
        assert_eq!(settings.effective.mark_time.as_secs(), 30);
        assert!(!settings.messages.allow_loopback);
        assert_eq!(settings.messages.limits.message_bytes, 256 * 1024);
        let listener = settings.distribution.listener.unwrap();
        assert!(listener.address.ip().is_loopback() && listener.tls.is_none());
        assert!(settings.admin.as_ref().unwrap().listen.ip().is_loopback());
        assert!(settings.admin.unwrap().credentials.is_none());
    }
}

const EVERYTHING: &str = "
name: cp-1
index: 3
nats:
  servers: [nats://remotehost:4223, 'remotehost2', '[::1]:4224']
  user: nats
  password_file: SECRET
  ping_interval: 5s
  connect_timeout: 500ms
  reconnect_max_wait: 1s
  pending_messages: 1000
  pending_bytes: 2MiB
  tls: {ca: nats-ca.crt, certificate: nats.crt, key: nats.key}
registration:
  interval: 5s
  stale_threshold: 30s
  start_delay: 1s
  prune_stale_tls_endpoints: 1h
  allow_loopback: true
  top_level_wildcards: [internal]
  enable_http2: false
  default_algorithm: least-connection
  effective_values: last-writer
  empty_pool: {status: 503, timeout: 10s}
  limits: {message: 64KiB, uris_per_message: 10, endpoints_per_route: 5, routes: 100}
  guard: {percent: 30, at_least: 7, window: 10s}
distribution:
  listen: 0.0.0.0:7600
  tls: {certificate: a.crt, key: a.key, client_ca: ca.crt}
  heartbeat: 1s
  gather: 1ms
  max_session_age: 0s
  snapshots_at_once: 3
  snapshot_cache: 32MiB
  borrow_tables: 64MiB
  segments: {dp-iso: [iso, '']}
admin:
  listen: 0.0.0.0:7601
  user: admin
  password_file: SECRET
  role: read
  tokens: [{name: deployer, file: TOKEN, role: write}, {name: eyes, file: TOKEN}]
  tls:
    certificate: admin.crt
    key: admin.key
    client_ca: ops.crt
    clients: [{san: ops.example.com, role: write}]
  protect_metrics: true
log: {level: debug, form: human, timestamps: unix-epoch}
";

/// C-072: several servers with user and password
/// C-073: their values are taken over
/// C-074: so are the authorities of the servers, and our certificate with its key
#[test]
fn everything_can_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "sesame\n").unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "0123456789abcdef0123456789abcdef").unwrap();
    let text = EVERYTHING.replace("SECRET", &secret.display().to_string());
    let config = config(&text.replace("TOKEN", &token.display().to_string()));
    let settings = config.settings(&no_environment()).unwrap();
    let servers: Vec<_> = settings
        .nats
        .servers
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        servers,
        ["remotehost:4223", "remotehost2:4222", "[::1]:4224"]
    );
    let credentials = format!("{:?}", settings.nats.credentials);
    assert!(
        credentials.contains("nats") && !credentials.contains("sesame"),
        "{credentials}"
    );
    let tls = settings.nats.tls.unwrap();
    let identity = tls.identity.unwrap();
    let sources = [tls.authorities, identity.chain, identity.key];
    let names = sources.map(|source| source.to_string());
    assert_eq!(names, ["nats-ca.crt", "nats.crt", "nats.key"]);
    assert_eq!(settings.registry.prune_stale_tls.unwrap().as_secs(), 3600);
    assert_eq!(settings.registry.limits.routes, 100);
    let guard = settings.registry.guard;
    assert_eq!(
        (guard.percent, guard.at_least, guard.window.as_secs()),
        (30, 7, 10)
    );
    assert_eq!(settings.distribution.max_age, None);
    assert_eq!(settings.distribution.snapshots, 3);
    assert_eq!(settings.distribution.snapshot_cache, 32 << 20);
    assert_eq!(settings.distribution.borrow_tables, 64 << 20);
    assert_eq!(settings.messages.limits.uris, 10);
    assert_eq!(settings.effective.empty_pool_status, 503);
    let tls = settings.distribution.listener.unwrap().tls.unwrap();
    assert_eq!(tls.segments["dp-iso"], ["iso", ""]);
    let admin = settings.admin.unwrap();
    let user = admin.credentials.unwrap();
    assert_eq!((user.user.as_str(), user.role), ("admin", Role::Read));
    assert_eq!(admin.tokens.len(), 2);
    let client = &admin.clients[0];
    assert_eq!(
        (client.san.as_str(), client.role),
        ("ops.example.com", Role::Write)
    );
    assert!(admin.tls.unwrap().client_ca.is_some());
}

/// C-266: with 404, a route goes with its last endpoint, whatever the timeout
#[test]
fn only_a_route_that_answers_503_is_kept_without_endpoints() {
    for (status, kept) in [(404, 0), (503, 3)] {
        let text = format!("registration: {{empty_pool: {{status: {status}, timeout: 3s}}}}");
        let loaded = load_str::<Config>("cp.yml", &text).unwrap();
        let settings = loaded.value.settings(&no_environment()).unwrap();
        assert_eq!(settings.registry.empty_pool_timeout.as_secs(), kept);
        assert_eq!(settings.effective.empty_pool_timeout.as_secs(), kept);
        let warned = loaded.warnings.iter().map(ToString::to_string);
        let warned: Vec<_> = warned.collect();
        assert_eq!(warned.len(), usize::from(kept == 0), "{warned:?}");
        let place = "cp.yml:1:51: registration.empty_pool.timeout: does nothing";
        assert!(warned.iter().all(|it| it.starts_with(place)), "{warned:?}");
    }
}

/// a token that is too short is refused by the name of its file
#[test]
fn a_weak_token_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "secret").unwrap();
    let text = format!("admin: {{tokens: [{{name: a, file: {}}}]}}", file.display());
    let refused = config(&text).settings(&no_environment()).unwrap_err();
    let told = refused.to_string();
    assert!(told.starts_with(&file.display().to_string()), "{told}");
    assert!(
        told.contains("less than 128 bits") && !told.contains("secret"),
        "{told}"
    );
}

#[test]
fn every_problem_is_told_with_its_place_and_what_would_be_right() {
    let text = "\
nats:
  server: [a]
  servers: ['nats://user:secret@a:1', 'tls://a:1', 'a b']
registration:
  interval: 20
  stale_treshold: 2m
distribution:
  listen: 0.0.0.0:7600
admin:
  listen: 0.0.0.0:7601
  user: admin
";
    let problems = problems(text);
    for told in [
        "cp.yml:2:3: nats.server: is no key of this file; did you mean `servers`?",
        "cp.yml:3:13: nats.servers[0]: it holds credentials; write them as user with password_file",
        "cp.yml:3:39: nats.servers[1]: TLS is asked for by the section nats.tls",
        "`a b` is no NATS server; write HOST:PORT or nats://HOST:PORT",
        "cp.yml:5:13: registration.interval: ",
        "cp.yml:6:3: registration.stale_treshold: is no key of this file; did you mean `stale_threshold`?",
    ] {
        assert!(problems.contains(told), "missing: {told}\nin:\n{problems}");
    }
    assert!(!problems.contains("secret"), "{problems}");
}

/// What stops the start, and what is said about it.
const REFUSED: [(&str, &str); 37] = [
    ("nats: {tls: null}", "nats.tls: is empty"),
    (
        "nats: {tls: {certificate: a, key: b}}",
        "nats.tls: the key `ca` is missing",
    ),
    (
        "nats: {tls: {ca: a, certificate: b}}",
        "nats.tls.certificate: has no key",
    ),
    (
        "nats: {tls: {ca: a, key: b}}",
        "nats.tls.key: has no certificate",
    ),
    ("nats: {servers: []}", "nats.servers: is empty"),
    ("nats: {user: a}", "nats.user: has no password"),
    (
        "nats: {password_file: a}",
        "nats.password_file: has no user",
    ),
    (
        "nats: {user: a, password_file: b, token_file: c}",
        "nats.token_file: stands beside a user",
    ),
    ("nats: {pending_messages: 0}", "nats.pending_messages: is 0"),
    ("nats: {pending_bytes: 1KiB}", "nats.pending_bytes: is less"),
    (
        "nats: {ping_interval: 1ms}",
        "nats.ping_interval: is too short",
    ),
    (
        "registration: {interval: 90s}",
        "shorter than two intervals",
    ),
    (
        "registration: {interval: 500ms}",
        "shorter than publishers can be told",
    ),
    (
        "registration: {empty_pool: {status: 500}}",
        "write 404 or 503",
    ),
    (
        "registration: {top_level_wildcards: [a.b]}",
        "no top-level domain",
    ),
    (
        "registration: {limits: {routes: 0}}",
        "registration.limits.routes: is 0",
    ),
    (
        "registration: {limits: {message: 2MiB}}",
        "write 1KiB to 1MiB",
    ),
    (
        "registration: {guard: {percent: 101}}",
        "registration.guard.percent: is more than everything",
    ),
    (
        "registration: {guard: {window: 1ms}}",
        "registration.guard.window: is too short",
    ),
    (
        "distribution: {max_session_age: 10ms}",
        "write 1s or more, such as 30m",
    ),
    (
        "distribution: {snapshots_at_once: 0}",
        "no data plane would ever get a table",
    ),
    (
        "distribution: {listen: '0.0.0.0:1'}",
        "in clear text to anybody",
    ),
    (
        "distribution: {segments: {a: [b]}}",
        "has no certificates to look at",
    ),
    (
        "distribution: {heartbeat: 1ms}",
        "distribution.heartbeat: is too short",
    ),
    (
        "admin: {listen: '0.0.0.0:1'}",
        "would show the routing table to anybody",
    ),
    ("admin: {user: a}", "admin.user: has no password"),
    (
        "admin: {tls: }",
        "admin.tls: is empty, and would not protect",
    ),
    (
        "admin: {user: , password_file: }",
        "admin.user: is empty, and would keep nobody out",
    ),
    (
        "admin: {tokens: []}",
        "admin.tokens: is empty, and would keep nobody out",
    ),
    (
        "admin: {tokens: [{name: a, file: x}, {name: a, file: y}]}",
        "could not be told apart in the log",
    ),
    (
        "admin: {tls: {certificate: a, key: b, clients: [{san: x}]}}",
        "admin.tls.clients: has no authority that vouches for them",
    ),
    (
        "admin: {tls: {certificate: a, key: b, client_ca: c}}",
        "admin.tls.client_ca: would let in nobody",
    ),
    (
        "admin: {tokens: [{name: '', file: a}]}",
        "admin.tokens: a token without a name",
    ),
    ("admin: {tokens: [{name: a, file: b, role: admin}]}", "role"),
    (
        "admin: {user: 'a:b', password_file: c}",
        "write a name without `:`",
    ),
    ("log: {level: loud}", "log.level"),
    ("name: ''", "name: is empty"),
];

#[test]
fn what_would_not_protect_stops_the_start() {
    for (text, told) in REFUSED {
        let problems = problems(text);
        assert!(problems.contains(told), "{text}: {problems}");
    }
}

#[test]
fn servers_that_are_wrong_are_not_said_to_be_missing() {
    for servers in ["['nats://h:0']", "[a b, 'tls://c:1']", "[5 5]"] {
        let problems = problems(&format!("nats: {{servers: {servers}}}"));
        assert!(problems.contains("nats.servers[0]: "), "{problems}");
        assert!(!problems.contains("is empty"), "{problems}");
    }
}

#[test]
fn lists_that_are_too_far_apart_are_warned_of() {
    for (interval, warned) in [("60s", 0), ("61s", 1)] {
        let text = format!("routing_api: {{url: 'http://127.0.0.1', interval: {interval}}}");
        let loaded = load_str::<Config>("cp.yml", &text).unwrap();
        assert_eq!(loaded.warnings.len(), warned, "{:?}", loaded.warnings);
    }
}

#[test]
fn a_secret_that_cannot_be_read_is_named() {
    let config = config("nats: {token_file: /nowhere/token}");
    let problem = config.settings(&no_environment()).unwrap_err().to_string();
    assert!(problem.starts_with("/nowhere/token: "), "{problem}");
}

#[test]
fn the_client_library_is_quiet_unless_it_is_named() {
    let level = |text: &str| config(text).log.level().to_string();
    assert_eq!(level(""), "info,async_nats=off");
    assert_eq!(level("log: {level: debug}"), "debug,async_nats=off");
    let named = "info,async_nats=debug";
    assert_eq!(level(&format!("log: {{level: '{named}'}}")), named);
}
