//! Defaults, values that are stored as they are given, and derived values.

use super::file;

/// CF-028: keys at the top of the file are stored.
/// CF-030: the PROXY protocol can be asked for.
/// CF-033: the keys of `status` are stored.
/// C-358: the port of `/routes` is 8082 by default.
/// C-387: port, user, password and the port of `/routes` are taken over, and there is no certificate.
#[test]
fn ports_and_identity_are_stored() {
    let file = file(
        "\
port: 8082
ssl_port: 4443
index: 1
go_max_procs: 2
trace_key: foo
route_services_recommend_https: true
access_log: {file: /tmp/access}
status: {port: 1234, user: user, pass: pass, routes: {port: 8083}}
",
    );
    let process = &file.process;
    assert_eq!(
        (process.port, process.ssl_port, process.index),
        (8082, 4443, 1)
    );
    assert_eq!(
        (process.go_max_procs, process.trace_key.as_str()),
        (2, "foo")
    );
    assert!(file.route_services.route_services_recommend_https);
    assert_eq!(file.logging.access_log.file, "/tmp/access");
    let status = &file.status.status;
    assert_eq!(
        (status.port, status.user.as_str(), status.pass.expose()),
        (1234, "user", "pass")
    );
    assert_eq!(status.routes.port, 8083);
    assert!(!file.process.enable_proxy);
    assert!(super::file("enable_proxy: true").process.enable_proxy);
    assert!(status.tls.certificate.is_empty() && status.tls.key.is_empty());
    assert_eq!(super::file("").status.status.routes.port, 8082);
}

/// CF-032: the health checker's `User-Agent` has a default.
/// C-386: `HTTP-Monitor/1.1`, or what the file says.
#[test]
fn the_health_checkers_name_has_a_default() {
    assert_eq!(
        file("").connections.healthcheck_user_agent,
        "HTTP-Monitor/1.1"
    );
    let given = file("healthcheck_user_agent: me/1");
    assert_eq!(given.connections.healthcheck_user_agent, "me/1");
}

/// CF-043: hosts, user and password of NATS are stored.
/// CF-044: each host becomes a URL with the escaped credentials, in order.
#[test]
fn nats_servers_become_urls_in_order() {
    let text = "\
nats:
  hosts:
    - {hostname: remotehost, port: 4223}
    - {hostname: remotehost2, port: 4224}
  user: user
  pass: p@ss/word
";
    let urls = file(text).nats.nats.urls();
    let urls: Vec<_> = urls
        .iter()
        .map(super::super::scalars::Secret::expose)
        .collect();
    assert_eq!(
        urls,
        [
            "nats://user:p%40ss%2Fword@remotehost:4223",
            "nats://user:p%40ss%2Fword@remotehost2:4224"
        ]
    );
    assert_eq!(
        file("").nats.nats.urls()[0].expose(),
        "nats://:@localhost:4222"
    );
}

/// CF-053: without URI and port the Routing API is off.
/// CF-059: the keys of `oauth` are stored, and its CAs are a path.
/// CF-060: fetching tokens has defaults.
/// C-495: a file without them is one without the Routing API.
/// C-497: so have the wait and the buffer.
#[test]
fn the_routing_api_is_off_until_it_has_uri_and_port() {
    for text in [
        "",
        "routing_api: {uri: 'http://a'}",
        "routing_api: {port: 3000}",
    ] {
        assert!(!file(text).routing_api.routing_api.is_enabled(), "{text}");
    }
    let group = file("oauth: {token_endpoint: uaa, port: 8443, ca_certs: /tmp/ca}").routing_api;
    assert_eq!(
        (group.oauth.port, group.oauth.ca_certs.as_str()),
        (8443, "/tmp/ca")
    );
    assert_eq!(group.token_fetcher_max_retries, 3);
    assert_eq!(group.token_fetcher_retry_interval.to_string(), "5s");
    assert_eq!(group.token_fetcher_expiration_buffer_time, 30);
    let given =
        file("token_fetcher_max_retries: 4\ntoken_fetcher_retry_interval: 10s\ntoken_fetcher_expiration_buffer_time: 40\n").routing_api;
    assert_eq!(given.token_fetcher_max_retries, 4);
    assert_eq!(given.token_fetcher_retry_interval.to_string(), "10s");
    assert_eq!(given.token_fetcher_expiration_buffer_time, 40);
}

/// CF-061: the keys of pruning are durations.
/// CF-062: the stale threshold is never below the wait at start.
/// CF-063: pruning is suspended only where the file says so.
/// CF-065: the default of the sharding mode is `all`.
/// C-159: the default of the sharding mode is `all`.
/// C-310: interval and threshold are taken over.
/// C-311: a start delay above the threshold is the threshold.
#[test]
fn the_routing_table_has_gorouters_defaults_and_derived_values() {
    let table = file("").routing_table;
    assert_eq!(table.stale_threshold().to_string(), "2m0s");
    assert_eq!(table.start_response_delay_interval.to_string(), "5s");
    assert_eq!(table.routing_table_sharding_mode, "all");
    assert!(!table.suspend_pruning_if_nats_unavailable);
    let table = file(
        "\
prune_stale_droplets_interval: 2s
droplet_stale_threshold: 30s
start_response_delay_interval: 60s
suspend_pruning_if_nats_unavailable: true
",
    )
    .routing_table;
    assert_eq!(table.prune_stale_droplets_interval.to_string(), "2s");
    assert_eq!(table.droplet_stale_threshold.to_string(), "30s");
    assert_eq!(table.stale_threshold().to_string(), "1m0s");
    assert!(table.suspend_pruning_if_nats_unavailable);
}

/// CF-076: plain HTTP is on unless it is switched off.
/// CF-096: HTTP/2 is on unless it is switched off.
/// CF-098: `X-Forwarded-Client-Cert` is forwarded always by default.
/// CF-100: the forced scheme is stored.
/// CF-102: the limits of header bytes are stored.
/// CF-101: names that cannot be named in `Connection` are stored.
/// CF-105: cookie names are a list.
/// CF-106: so are headers to log.
/// CF-107: the switch about `Expect: 100-continue` is stored.
#[test]
fn header_keys_are_stored() {
    let defaults = file("");
    assert!(!defaults.process.disable_http && defaults.process.enable_http2);
    assert_eq!(defaults.headers.forwarded_client_cert, "always_forward");
    let given = file(
        "\
enable_http2: false
force_forwarded_proto_https: true
max_request_header_bytes: 10
max_response_header_bytes: 20
hop_by_hop_headers_to_filter: [X-Mine]
sticky_session_cookie_names: [someName, anotherName]
extra_headers_to_log: [X-A, X-B]
keep_alive_100_continue_requests: true
",
    );
    assert!(!given.process.enable_http2 && given.headers.force_forwarded_proto_https);
    let limits = (
        given.headers.max_request_header_bytes,
        given.headers.max_response_header_bytes,
    );
    assert_eq!(limits, (10, 20));
    assert_eq!(
        given.headers.sticky_session_cookie_names.0,
        ["someName", "anotherName"]
    );
    assert_eq!(given.headers.hop_by_hop_headers_to_filter.0, ["X-Mine"]);
    assert_eq!(given.logging.extra_headers_to_log.0, ["X-A", "X-B"]);
    let keeps = [&given, &defaults].map(|file| file.headers.keep_alive_100_continue_requests);
    assert_eq!(keeps, [Some(true), None]);
}

/// CF-113: connections per endpoint are not bounded by default.
/// CF-116: keep-alive towards endpoints is off by default.
/// CF-117: idle connections have defaults.
/// CF-118: the timeouts of endpoints are stored.
/// CF-120: certificates of route services are verified by default.
/// CF-121: idle clients have 15 minutes.
/// C-247: `max_conns` is 0 without a value, else its value.
/// C-211: the default algorithm is `round-robin`.
#[test]
fn endpoint_and_client_keys_have_gorouters_defaults() {
    let file_of_defaults = file("");
    let backends = &file_of_defaults.backends;
    assert_eq!(backends.backends.max_conns, 0);
    assert_eq!(backends.balancing_algorithm, "round-robin");
    assert!(backends.disable_keep_alives && !backends.skip_ssl_validation);
    assert_eq!(
        (backends.max_idle_conns, backends.max_idle_conns_per_host),
        (100, 2)
    );
    assert_eq!(
        backends.endpoint_keep_alive_probe_interval.to_string(),
        "1s"
    );
    assert_eq!(
        file_of_defaults
            .connections
            .frontend_idle_timeout
            .to_string(),
        "15m0s"
    );
    let given = file(
        "\
backends: {max_conns: 10}
disable_keep_alives: false
max_idle_conns: 200
max_idle_conns_per_host: 10
endpoint_timeout: 10s
endpoint_dial_timeout: 6s
endpoint_keep_alive_probe_interval: 500ms
skip_ssl_validation: true
frontend_idle_timeout: 5s
",
    );
    let backends = &given.backends;
    assert_eq!(backends.backends.max_conns, 10);
    assert!(!backends.disable_keep_alives && backends.skip_ssl_validation);
    assert_eq!(
        (backends.max_idle_conns, backends.max_idle_conns_per_host),
        (200, 10)
    );
    let times = [
        backends.endpoint_timeout,
        backends.endpoint_dial_timeout,
        backends.endpoint_keep_alive_probe_interval,
        given.connections.frontend_idle_timeout,
    ];
    assert_eq!(
        times.map(|time| time.to_string()),
        ["10s", "6s", "500ms", "5s"]
    );
}

/// CF-126: a secret switches route services on; one for decryption alone does not.
/// CF-127: the port for hairpinning has a default.
/// CF-128: the keys of route services are stored.
#[test]
fn route_services_are_on_with_a_secret() {
    assert!(!file("").route_services.is_enabled());
    assert!(
        !file("route_services_secret_decrypt_only: old")
            .route_services
            .is_enabled()
    );
    for text in [
        "route_services_secret: new",
        "route_services_secret: n\nroute_services_secret_decrypt_only: o",
    ] {
        assert!(file(text).route_services.is_enabled(), "{text}");
    }
    assert_eq!(
        file("").route_services.route_services_internal_server_port,
        7070
    );
    let given =
        file("route_services_internal_server_port: 4\nroute_services_recommend_https: true\n");
    assert_eq!(given.route_services.route_services_internal_server_port, 4);
    assert!(given.route_services.route_services_recommend_https);
}

/// CF-131: the defaults of logs.
/// CF-132: the keys of logs are stored.
/// CF-134: a form of time that nobody knows is the epoch.
/// CF-135: the access log is off until a file or streaming is given.
#[test]
fn logging_keys_have_gorouters_defaults() {
    let group = file("").logging;
    let logging = &group.logging;
    assert_eq!(
        (logging.level.as_str(), logging.threshold()),
        ("debug", "debug")
    );
    assert_eq!(logging.metron_address, "localhost:3457");
    assert_eq!(logging.format.timestamp, "unix-epoch");
    assert_eq!(logging.redact_query_params, "none");
    assert_eq!(
        (
            logging.syslog_network.as_str(),
            logging.syslog_addr.as_str()
        ),
        ("udp", "127.0.0.1:514")
    );
    assert_eq!(logging.source(), "gorouter.stdout");
    assert_eq!(
        (
            group.access_log.file.as_str(),
            group.access_log.enable_streaming
        ),
        ("", false)
    );
    let group = file(
        "\
logging: {level: Warn, syslog: vcap.gorouter, format: {timestamp: anything}, loggregator_enabled: true}
access_log: {enable_streaming: true}
",
    )
    .logging;
    assert_eq!(group.logging.threshold(), "warn");
    assert_eq!(group.logging.source(), "vcap.gorouter");
    assert_eq!(group.logging.format.timestamp, "anything");
    assert!(group.logging.loggregator_enabled && group.access_log.enable_streaming);
    for (level, threshold) in [
        ("''", "info"),
        ("fatal", "error"),
        ("DPANIC", "error"),
        ("info", "info"),
    ] {
        let logging = file(&format!("logging: {{level: {level}}}"))
            .logging
            .logging;
        assert_eq!(logging.threshold(), threshold, "{level}");
    }
}

/// CF-139: tracing is off until it is asked for.
/// CF-141: reporting is on until it is switched off.
/// CF-142: the Prometheus endpoint and its bounds are stored.
#[test]
fn metrics_keys_have_gorouters_defaults() {
    let group = file("").logging;
    assert!(!group.tracing.enable_zipkin && !group.tracing.enable_w3c);
    assert_eq!(group.tracing.w3c_tenant_id, "");
    assert!(group.enable_envelope_v1_metrics && group.per_request_metrics_reporting);
    assert!(group.send_http_start_stop_server_event && group.send_http_start_stop_client_event);
    let group = file(
        "\
tracing: {enable_zipkin: true, enable_w3c: true, w3c_tenant_id: cf}
enable_envelope_v1_metrics: false
per_request_metrics_reporting: false
send_http_start_stop_server_event: false
send_http_start_stop_client_event: false
prometheus:
  port: 1234
  cert_path: /some-cert-path
  meters: {route_lookup_time_histogram_buckets: [0.1, 0.5, 1]}
",
    )
    .logging;
    assert!(group.tracing.enable_zipkin && group.tracing.enable_w3c);
    assert!(!group.enable_envelope_v1_metrics && !group.per_request_metrics_reporting);
    assert!(!group.send_http_start_stop_server_event && !group.send_http_start_stop_client_event);
    assert_eq!(
        (group.prometheus.port, group.prometheus.cert_path.as_str()),
        (1234, "/some-cert-path")
    );
    assert_eq!(
        group
            .prometheus
            .meters
            .route_lookup_time_histogram_buckets
            .0,
        [0.1, 0.5, 1.0]
    );
    assert_eq!(
        group.prometheus.meters.http_latency_histogram_buckets.0[8],
        25.6
    );
}
