use pointsman_process::configuration::{ProcessEnvironment, load_str};

use super::*;

fn problems(text: &str) -> String {
    load_str::<Config>("dp.yml", text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_has_the_defaults_of_the_limits() {
    let config = load_str::<Config>("dp.yml", "{}").unwrap().value;
    let settings = config.limits.settings();
    assert_eq!(settings.request.head, 64 * 1024);
    assert_eq!(settings.endpoint_connections, 500);
    assert_eq!(config.drain.bounds().wait.as_secs(), 20);
    assert!(config.upstream.client().is_none());
    assert_eq!(
        config.sticky_sessions.settings().cookie_names,
        ["JSESSIONID"]
    );
    assert!(config.state.settings().is_none(), "nothing is kept unasked");
    assert_eq!(
        config.segments.filter().mode(),
        pointsman_proto::v1::SegmentMode::All
    );
}

#[test]
fn every_section_is_read() {
    let text = "
name: dp-1
zone: z1
listen: [127.0.0.1:0, '[::1]:8080']
workers: 2
control_planes:
  addresses: ['10.0.0.1:7600']
  heartbeat: 1s
  tls: {certificate: c.pem, key: k.pem, ca: ca.pem}
segments: {mode: shared-and-segments, list: [east]}
state: {folder: /var/lib/data-plane, write_interval: 10s, wait: 1s, plain_endpoints: 5m}
admin: {listen: '127.0.0.1:0'}
limits: {request_head: 128KiB, attempts: 5, endpoint_connections: 0}
timeouts: {dial: 2s, attempt: 5s}
headers:
  forwarded_proto: force-https
  forwarded_client_cert: sanitize-set
  kept_from_connection: [X-Mine]
  rewrite: {remove: [Server], add_if_absent: [{name: X-A, value: b}]}
checks: {health_user_agent: monitor, request_head: 1KiB, request_fields: 30, warn_of_semicolons: true}
tracing: {b3: true, w3c: true, tenant: t}
upstream: {ca: ca.pem, client: {certificate: c.pem, key: k.pem}, keep_alive: false, http2: false}
access_log: {to: file, file: access.log, extra_fields: [X-A]}
drain: {wait: 1s, timeout: 2s}
log: {level: debug, form: human}
";
    let config = load_str::<Config>("dp.yml", text).unwrap().value;
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.limits.settings().request.head, 128 * 1024);
    assert_eq!(config.limits.settings().attempts, 5);
    assert_eq!(config.timeouts.settings().dial.as_secs(), 2);
    assert_eq!(config.timeouts.settings().attempt.unwrap().as_secs(), 5);
    assert!(!config.upstream.settings().keep_alive);
    assert!(!config.upstream.settings().http2 && Config::default().upstream.settings().http2);
    assert!(config.upstream.client().unwrap().client.is_some());
    assert_eq!(config.segments.filter().segments, ["east"]);
    let log = config
        .access_log
        .settings(config.tracing.settings().as_ref());
    assert_eq!(log.unwrap().extra_fields.len(), 1 + 4 + 2);
    let headers = config.headers.settings();
    assert_eq!(
        headers.forwarded_client_cert,
        crate::ForwardedClientCert::SanitizeSet
    );
    assert!(headers.rewrite.is_some() && headers.kept_from_connection == ["X-Mine"]);
    let checks = config.checks.settings();
    assert_eq!(checks.health_user_agent.as_deref(), Some("monitor"));
    let size = crate::RequestSize {
        bytes: 1024,
        fields: Some(30),
    };
    assert_eq!((checks.request_size, checks.semicolons), (Some(size), true));
    let state = config.state.settings().unwrap();
    assert_eq!(
        (state.write_interval.as_secs(), state.wait.as_secs()),
        (10, 1)
    );
    assert_eq!(state.plain_endpoints.as_secs(), 300);
    assert_eq!(state.tls_endpoints.as_secs(), 24 * 3600);
}

#[test]
fn what_is_off_by_itself_can_be_switched_on() {
    let text = "
limits: {hops: 3}
balancing: {slow_start: 30s}
metrics: {per_app_latency: true}
compatibility: {max_conns_until_response_head: true}
";
    let proxy = |text| {
        let config = load_str::<Config>("dp.yml", text).unwrap().value;
        let environment = ProcessEnvironment;
        config.settings(&environment).unwrap().proxy
    };
    let off = proxy("{}");
    assert_eq!(
        (off.limits.hops, off.balancing.slow_start.as_secs()),
        (8, 0)
    );
    assert!(!off.per_app_latency && !off.limits.endpoint_connections_until_head);
    let on = proxy(text);
    assert_eq!((on.limits.hops, on.balancing.slow_start.as_secs()), (3, 30));
    assert!(on.per_app_latency && on.limits.endpoint_connections_until_head);
    let problems = problems("limits: {hops: 0}");
    assert!(problems.contains("limits.hops: is 0"), "{problems}");
}

#[test]
fn sessions_and_zones_are_read() {
    let text = "
zone: z1
sticky_sessions: {cookie_names: [SESSION], secure_cookies: true}
balancing: {zone_preference: locally-always}
";
    let config = load_str::<Config>("dp.yml", text).unwrap().value;
    let sessions = config.sticky_sessions.settings();
    assert_eq!(sessions.cookie_names, ["SESSION"]);
    assert!(sessions.secure_cookies && !sessions.auth_negotiate);
    let balancing = config.balancing.settings(&config.zone);
    assert_eq!(
        (balancing.zone.as_str(), balancing.zone_preference),
        ("z1", crate::ZonePreference::LocallyAlways)
    );
}

#[test]
fn what_would_not_work_is_told_with_place_and_hint() {
    for (text, expected) in [
        (
            "control_planes: {heartbeat: 1ms}",
            "control_planes.heartbeat: is too short",
        ),
        (
            "limitz: {}",
            "dp.yml:1:1: limitz: is no key of this file; did you mean `limits`?",
        ),
        ("listen: []", "listen: is empty"),
        (
            "limits: {request_head: 2MiB}",
            "write a number from 1 to 1048576",
        ),
        ("limits: {attempts: 0}", "limits.attempts: is 0"),
        ("timeouts: {dial: 0s}", "timeouts.dial: is 0"),
        (
            "control_planes: {addresses: []}",
            "there would never be a table",
        ),
        (
            "control_planes: {addresses: ['10.0.0.1:7600']}",
            "in clear text over a network",
        ),
        (
            "control_planes: {addresses: ['127.0.0.1:0']}",
            "is no host and port",
        ),
        (
            "segments: {mode: segments}",
            "is empty, though the mode asks for one",
        ),
        ("segments: {list: [east]}", "narrows nothing"),
        (
            "admin: {listen: '0.0.0.0:7602'}",
            "would show the routing table to anybody",
        ),
        ("admin: {user: u}", "has no password"),
        ("access_log: {to: file}", "has no file"),
        ("access_log: {file: x}", "is not written to"),
        (
            "upstream: {client: {certificate: c, key: k}}",
            "add upstream.ca",
        ),
        ("workers: 0", "workers"),
        (
            "sticky_sessions: {cookie_names: ['a;b']}",
            "has a name that no cookie can have",
        ),
        (
            "balancing: {zone_preference: locally-optimistic}",
            "balancing.zone_preference: prefers the zone of this data plane",
        ),
    ] {
        let told = problems(text);
        assert!(told.contains(expected), "{text}: {told}");
    }
}

#[test]
fn what_could_not_be_said_or_seen_in_requests_is_told_too() {
    for (text, expected) in [
        (
            "headers: {rewrite: {remove: ['a b']}}",
            "headers.rewrite.remove[0]: field name is not a token",
        ),
        (
            "headers: {rewrite: {add_if_absent: [{name: Connection, value: close}]}}",
            "headers.rewrite.add_if_absent[0]: field belongs to the connection",
        ),
        (
            "checks: {health_user_agent: ''}",
            "every request without a User-Agent",
        ),
        ("checks: {request_head: 0}", "checks.request_head: is 0"),
        (
            "tracing: {w3c: true, tenant: 'a b'}",
            "tracing.tenant: cannot",
        ),
        ("tracing: {tenant: t}", "tracing.tenant: is used by nothing"),
    ] {
        let told = problems(text);
        assert!(told.contains(expected), "{text}: {told}");
    }
}

#[test]
fn tunnels_are_bounded_as_they_are_configured() {
    let text = "tunnels: {protocols: [websocket, foo/1.1], idle: 1h, life: 24h, half_closed: 5s}";
    let config = load_str::<Config>("dp.yml", text).unwrap().value;
    let tunnels = config.tunnels.settings();
    assert_eq!(tunnels.protocols, ["websocket", "foo/1.1"]);
    assert!(tunnels.idle.is_some() && tunnels.idle < tunnels.life);
    assert_eq!(tunnels.half_closed.as_secs(), 5);
}

/// HTTP in whatever dress cannot be switched to.
#[test]
fn http_is_no_protocol_to_switch_to() {
    for protocol in ["h2c", "H2C", "h2", "HTTP/2.0", "TLS/1.0", "a b", ""] {
        let text = format!("tunnels: {{protocols: ['{protocol}']}}");
        assert!(
            problems(&text).contains("tunnels.protocols"),
            "{protocol:?}"
        );
    }
    assert!(problems("tunnels: {idle: 0s}").contains("tunnels.idle"));
}

#[test]
fn tls_towards_clients_is_read() {
    let text = "
listen: []
tls:
  listen: ['127.0.0.1:8443']
  certificates: [{certificate: a.crt, key: a.key}, {certificate: b.crt, key: b.key}]
  min_version: '1.2'
  max_version: '1.2'
  cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]
  client_certificates:
    mode: required
    ca: [clients.pem]
    rules: [{issuer: {common_name: ca}, subjects: [{common_name: a, organizational_unit: [b, c]}]}]
  domains: [{domain: '*.apps.identity', ca: [instances.pem], format: envoy}]
timeouts: {client_handshake: 3s}
";
    let config = load_str::<Config>("dp.yml", text).unwrap().value;
    assert_eq!(config.timeouts.settings().client_handshake.as_secs(), 3);
    let tls = config.tls.settings().expect("it is spoken");
    assert_eq!((tls.listen.len(), tls.certificates.len()), (1, 2));
    assert_eq!(tls.versions, pointsman_process::tls::Versions::Tls12);
    assert_eq!(tls.cipher_suites.map(|suites| suites.len()), Some(2));
    let clients = tls.clients.expect("clients are asked");
    assert!(clients.required);
    assert_eq!(clients.rules[0].subjects[0].organizational_unit, ["b", "c"]);
    let domain = &tls.domains[0];
    assert_eq!(domain.name.to_string(), "*.apps.identity");
    assert_eq!(
        (domain.forwarded_client_cert, domain.format),
        (
            crate::ForwardedClientCert::SanitizeSet,
            crate::CertFormat::Envoy
        )
    );
    assert!(
        load_str::<Config>("dp.yml", "{}")
            .unwrap()
            .value
            .tls
            .settings()
            .is_none()
    );
}

#[test]
fn a_load_balancer_is_required_to_say_who_its_clients_are() {
    let read = |text| load_str::<Config>("dp.yml", text).unwrap().value;
    assert!(read("{}").proxy_protocol.is_none());
    let behind = |text| read(text).proxy_protocol.unwrap().settings();
    assert_eq!(behind("proxy_protocol: {}"), crate::Behind::default());
    assert!(!crate::Behind::default().optional);
    let optional = behind("proxy_protocol: {optional: true, wait: 100ms}");
    assert_eq!((optional.optional, optional.wait.as_millis()), (true, 100));
    let told = problems("proxy_protocol: {wait: 0s}");
    assert!(told.contains("proxy_protocol.wait: is 0"), "{told}");
}

#[test]
fn tls_that_would_protect_or_serve_nobody_is_told() {
    let listens = "tls: {listen: ['0.0.0.0:8443'], certificates: [{certificate: c, key: k}]";
    for (text, expected) in [
        (
            "tls: {listen: ['0.0.0.0:1']}".to_owned(),
            "tls.certificates: is empty",
        ),
        (
            "tls: {client_certificates: {mode: required}}".to_owned(),
            "because no listener speaks TLS",
        ),
        (
            format!("{listens}, min_version: '1.3', max_version: '1.2'}}"),
            "tls.max_version: is below min_version",
        ),
        (
            format!("{listens}, cipher_suites: [RC4-SHA]}}"),
            "tls.cipher_suites[0]: \"RC4-SHA\" is no suite",
        ),
        (
            format!("{listens}, client_certificates: {{mode: requested}}}}"),
            "tls.client_certificates.ca: is empty",
        ),
        (
            format!("{listens}, client_certificates: {{ca: [x]}}}}"),
            "tls.client_certificates.mode: is ignored",
        ),
        (
            format!("{listens}, domains: [{{domain: '*', ca: []}}]}}"),
            "tls.domains[0].domain: \"*\" is neither a host",
        ),
        (
            format!("{listens}, domains: [{{domain: a, ca: []}}]}}"),
            "tls.domains[0].ca: is empty",
        ),
    ] {
        let told = problems(&text);
        assert!(told.contains(expected), "{text}: {told}");
    }
}

/// D-605: what is configured about route services is what the proxy is told.
/// strict validation is the default.
/// nothing is hairpinned unless it is listed.
#[test]
fn route_services_are_as_they_are_configured() {
    let told = |text: &str| {
        let config = load_str::<Config>("dp.yml", text).unwrap().value;
        config.settings(&ProcessEnvironment).unwrap()
    };
    let defaults = told("{}");
    assert!(defaults.services.is_none(), "no authority is read unasked");
    let defaults = defaults.proxy.route_services;
    assert!(defaults.signer.is_none() && defaults.hairpinning.is_none());
    assert!(defaults.strict_signatures && defaults.recommend_https && defaults.websockets);
    assert!(!defaults.bind_path && !defaults.plain_http);
    assert!(!defaults.addresses.permit([127, 0, 0, 1].into()));
    let folder = tempfile::tempdir().unwrap();
    let secret = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, "a secret\n").unwrap();
        path.display().to_string()
    };
    let text = format!(
        "
route_services:
  secret_file: {}
  decrypt_only_secret_file: {}
  timeout: 30s
  recommend_https: false
  strict_signatures: false
  bind_path: true
  hairpinning: [rs.example.com, '*.services.example.com']
  max_attempts: 5
  websockets: false
  plain_http: true
  deny: [10.0.0.0/8, '2001:db8::1']
  allow: [127.0.0.1]
  skip_verification: true
",
        secret("new"),
        secret("old")
    );
    let given = told(&text);
    assert!(given.services.unwrap().everybody);
    let given = given.proxy.route_services;
    assert!(given.signer.is_some() && given.bind_path && given.plain_http);
    assert!(!given.recommend_https && !given.strict_signatures && !given.websockets);
    assert_eq!(given.attempts, 5);
    let hosts = given.hairpinning.unwrap();
    assert!(hosts.permits("a.services.example.com") && !hosts.permits("example.com"));
    assert!(given.addresses.permit([127, 0, 0, 1].into()));
    assert!(!given.addresses.permit([10, 1, 2, 3].into()));
    let all = told("route_services: {hairpinning: ['*']}")
        .proxy
        .route_services;
    assert_eq!(all.hairpinning, Some(crate::AllowList::All));
}

/// Secrets and rules that could not be honoured stop the start by name.
#[test]
fn what_route_services_could_not_honour_is_told() {
    for (text, expected) in [
        (
            "decrypt_only_secret_file: old",
            "decrypt_only_secret_file: turns nothing on",
        ),
        ("timeout: 0s", "timeout: is 0"),
        ("max_attempts: 0", "max_attempts: is 0"),
        (
            "hairpinning: [localhost]",
            "hairpinning: \"localhost\" is no host",
        ),
        ("hairpinning: ['*', a.b]", "hairpinning: \"*\" is no host"),
        ("deny: [10.0.0.0/33]", "deny: \"10.0.0.0/33\" is no network"),
        ("allow: [localhost]", "allow: \"localhost\" is no network"),
        (
            "{skip_verification: true, ca: ca.pem}",
            "ca: is not looked at",
        ),
    ] {
        let text = text.trim_matches(['{', '}']);
        let told = problems(&format!("route_services: {{{text}}}"));
        assert!(
            told.contains(&format!("route_services.{expected}")),
            "{text}: {told}"
        );
    }
    let config = "route_services: {secret_file: /nowhere/secret}";
    let config = load_str::<Config>("dp.yml", config).unwrap().value;
    let problem = config.settings(&ProcessEnvironment).unwrap_err();
    assert!(problem.to_string().contains("/nowhere/secret"), "{problem}");
}
