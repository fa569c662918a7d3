//! Files, and what the parts are told.

use pointsman_data_plane::{ForwardedClientCert, RequestSize, VendorKey};

use super::*;
use crate::gorouter_yml::parse;

fn file(text: &str) -> GorouterYml {
    parse("g.yml", text).expect("it is accepted").file
}

fn control_plane(file: &GorouterYml) -> app::Settings {
    super::control_plane(file, None).expect("there is NATS")
}

#[test]
fn routes_come_from_somewhere() {
    let none = file("nats: {hosts: []}");
    let told = super::control_plane(&none, None).expect_err("there is nothing");
    let words = "nats.hosts: is empty, and there are no route files and no Routing API";
    assert!(told.to_string().starts_with(words), "{told}");
    let routes = Path::new("/etc/routes");
    let settings = super::control_plane(&none, Some(routes)).expect("there are files");
    assert_eq!(settings.route_files.expect("there are files").path, routes);
    let mut api = none;
    api.routing_api.routing_api.uri = "https://api".to_owned();
    api.routing_api.routing_api.port = 443;
    assert!(super::control_plane(&api, None).is_ok());
    assert!(super::control_plane(&file(""), None).is_ok());
}

/// CF-123: without a timeout of its own a drain lasts as long as a request may.
/// CF-124: with one it lasts that long.
/// C-467: without a drain timeout it is the endpoint's, else its own.
#[test]
fn a_drain_lasts_as_long_as_a_request() {
    let bounds = |text: &str| {
        let Bounds { wait, timeout } = drain(&file(text));
        (wait.as_secs(), timeout.as_secs())
    };
    assert_eq!(bounds(""), (0, 60));
    assert_eq!(bounds("endpoint_timeout: 10s\ndrain_wait: 20s"), (20, 10));
    assert_eq!(bounds("endpoint_timeout: 10s\ndrain_timeout: 60s"), (0, 60));
}

#[test]
fn logs_have_gorouters_form() {
    let (form, level) = telemetry(&file(""));
    let source = "gorouter.stdout".to_owned();
    assert_eq!(
        form,
        Form::Json {
            source,
            timestamps: Timestamps::UnixEpoch
        }
    );
    assert_eq!(level.to_string(), "debug");
    let text = "logging: {level: WARN, syslog: vcap.gorouter, format: {timestamp: rfc3339}}";
    let (form, level) = telemetry(&file(text));
    let source = "vcap.gorouter".to_owned();
    assert_eq!(
        form,
        Form::Json {
            source,
            timestamps: Timestamps::Rfc3339
        }
    );
    assert_eq!(level.to_string(), "warn");
}

/// CF-041: without a certificate there is no health over TLS.
/// CF-042: health without TLS may be switched off.
/// C-440: with health over TLS alone there is no listener without it.
/// C-442: without a certificate there is none over TLS.
#[test]
fn listeners_are_where_gorouter_has_them() {
    let found = listeners(&file("port: 80\nstatus: {port: 1, routes: {port: 2}}"));
    assert_eq!(found.traffic, Some("[::]:80".parse().unwrap()));
    assert_eq!(found.traffic_tls, None);
    assert_eq!(found.health, Some("0.0.0.0:1".parse().unwrap()));
    assert_eq!(found.health_tls, None);
    assert_eq!(found.routes, "127.0.0.1:2".parse().unwrap());
    let mut file = file("");
    let status = &mut file.status.status;
    status.enable_nontls_health_checks = false;
    status.tls.certificate = "a certificate".to_owned();
    file.process.enable_ssl = true;
    let found = listeners(&file);
    assert_eq!(
        (found.health, found.health_tls),
        (None, Some("0.0.0.0:8443".parse().unwrap()))
    );
    assert_eq!(found.traffic_tls, Some("[::]:443".parse().unwrap()));
}

/// C-165: segments and mode are taken over.
/// C-239: an endpoint that failed is passed over for a quarter of the threshold.
#[test]
fn the_control_plane_behaves_as_gorouter() {
    let text = "\
index: 3
nats: {hosts: [{hostname: n, port: 4223}], user: u, pass: hush}
nats_client_ping_interval: 7s
droplet_stale_threshold: 40s
start_response_delay_interval: 20s
suspend_pruning_if_nats_unavailable: true
empty_pool_response_code_503: true
empty_pool_timeout: 30s
balancing_algorithm: least-connection
routing_table_sharding_mode: shared-and-segments
isolation_segments: [a]
";
    let settings = control_plane(&file(text));
    assert_eq!((settings.name.as_str(), settings.index), ("router-3", 3));
    assert_eq!(settings.nats.servers[0].to_string(), "n:4223");
    assert_eq!(settings.nats.ping_interval, Duration::from_secs(7));
    assert!(!format!("{settings:?}").contains("hush"));
    assert_eq!(settings.registry.stale_threshold, Duration::from_secs(40));
    assert_eq!(settings.registry.start_delay, Duration::from_secs(20));
    assert_eq!(settings.effective.mark_time, Duration::from_secs(10));
    assert_eq!(settings.effective.empty_pool_status, 503);
    assert_eq!(
        settings.effective.default_algorithm,
        pointsman_registry::Algorithm::LeastConnection
    );
    assert_eq!(
        settings.registry.empty_pool_timeout,
        Duration::from_secs(30)
    );
    assert_eq!(settings.while_away, pointsman_registry::WhileAway::Wait);
    assert!(settings.registry.accepted.sees("a") && settings.registry.accepted.sees(""));
    assert!(!settings.registry.accepted.sees("b"));
    let defaults = control_plane(&file("empty_pool_timeout: 30s"));
    assert_eq!(defaults.effective.empty_pool_status, 404);
    assert_eq!(defaults.registry.empty_pool_timeout, Duration::ZERO);
    assert_eq!(defaults.while_away, pointsman_registry::WhileAway::Age);
    assert!(defaults.messages.allow_loopback);
}

/// CF-064: an interval that is not above zero switches pruning off.
#[test]
fn pruning_can_be_switched_off() {
    for (text, interval) in [
        ("prune_stale_droplets_interval: 0s", None),
        ("prune_stale_droplets_interval: -1s", None),
        ("", Some(Duration::from_secs(30))),
    ] {
        assert_eq!(
            control_plane(&file(text)).registry.prune_interval,
            interval,
            "{text}"
        );
    }
}

/// CF-012: a null or empty list of cookies leaves no session cookie.
#[test]
fn sessions_and_zones_are_gorouters() {
    use pointsman_data_plane::ZonePreference;

    let settings = data_plane(&file("zone: z1")).expect("nothing can be wrong");
    assert_eq!(settings.sessions.cookie_names, ["JSESSIONID"]);
    assert!(!settings.sessions.auth_negotiate && !settings.sessions.secure_cookies);
    assert_eq!(settings.balancing.zone_preference, ZonePreference::None);
    let text = "\
zone: z1
balancing_algorithm_az_preference: locally-optimistic
sticky_session_cookie_names: [A, B]
sticky_sessions_for_auth_negotiate: true
secure_cookies: true
";
    let settings = data_plane(&file(text)).expect("nothing can be wrong");
    assert_eq!(settings.sessions.cookie_names, ["A", "B"]);
    assert!(settings.sessions.auth_negotiate && settings.sessions.secure_cookies);
    assert_eq!(
        (
            settings.balancing.zone.as_str(),
            settings.balancing.zone_preference
        ),
        ("z1", ZonePreference::LocallyOptimistic)
    );
    for none in ["null", "[]"] {
        let text = format!("sticky_session_cookie_names: {none}");
        let settings = data_plane(&file(&text)).expect("nothing can be wrong");
        assert!(settings.sessions.cookie_names.is_empty(), "{none}");
    }
}

#[test]
fn what_gorouter_does_not_have_is_off_unless_it_is_asked_for() {
    let settings = data_plane(&file("")).expect("nothing can be wrong");
    assert!(!settings.limits.endpoint_connections_until_head);
    assert_eq!(settings.balancing.slow_start, Duration::ZERO);
    assert_eq!(settings.limits.hops, 8);
    let text = "\
compatibility: {max_conns_until_response_head: true}
balancing_slow_start: 30s
max_router_hops: 3
";
    let settings = data_plane(&file(text)).expect("nothing can be wrong");
    assert!(settings.limits.endpoint_connections_until_head);
    assert_eq!(settings.balancing.slow_start, Duration::from_secs(30));
    assert_eq!(settings.limits.hops, 3);
    for wrong in ["max_router_hops: 0", "max_router_hops: 1001"] {
        let refused = parse("g.yml", wrong).expect_err("no bound");
        assert!(refused.to_string().contains("max_router_hops"), "{refused}");
    }
}

/// OB-103: with envelopes off, nothing is told.
#[test]
fn events_go_to_the_agent_of_the_file() {
    let events = |text| {
        let settings = data_plane(&file(text)).expect("an address");
        settings.events.map(|events| events.agent.to_string())
    };
    assert_eq!(events("").as_deref(), Some("127.0.0.1:3457"));
    let other = "logging: {metron_address: '127.0.0.1:99'}";
    assert_eq!(events(other).as_deref(), Some("127.0.0.1:99"));
    for off in [
        "enable_envelope_v1_metrics: false",
        "send_http_start_stop_server_event: false",
    ] {
        assert_eq!(events(off), None, "{off}");
    }
    let wrong = data_plane(&file("logging: {metron_address: nowhere}"));
    let told = wrong.expect_err("no port").to_string();
    assert!(told.contains("logging.metron_address"), "{told}");
}

/// CF-114: less than one attempt is one.
#[test]
fn the_proxy_has_gorouters_bounds() {
    let settings = data_plane(&file("")).expect("nothing can be wrong");
    assert_eq!(
        (
            settings.limits.attempts,
            settings.limits.endpoint_connections
        ),
        (1, 0)
    );
    assert_eq!(settings.limits.request.head, 1024 * 1024);
    assert!(!settings.upstream.keep_alive && settings.access_log.is_none());
    assert_eq!(settings.timeouts.attempt, Some(Duration::from_secs(60)));
    assert_eq!(settings.timeouts.client_idle, Duration::from_secs(900));
    assert!(settings.limits.check().is_ok());
    let text = "\
go_max_procs: 3
backends: {max_attempts: 2, max_conns: 5}
max_request_header_bytes: 4096
max_request_headers: 30
max_response_headers: 40
endpoint_timeout: 0s
frontend_idle_timeout: 0s
disable_keep_alives: false
max_idle_conns: 7
max_idle_conns_per_host: 100
sanitize_forwarded_proto: true
access_log: {file: /tmp/access.log}
";
    let settings = data_plane(&file(text)).expect("nothing can be wrong");
    assert_eq!(settings.workers.map(std::num::NonZeroUsize::get), Some(3));
    assert_eq!(
        (
            settings.limits.attempts,
            settings.limits.endpoint_connections
        ),
        (2, 5)
    );
    let request = settings.limits.request;
    assert_eq!(
        (request.head, request.fields, request.field_value),
        (64 * 1024, 128, 64 * 1024)
    );
    let size = RequestSize {
        bytes: 4096,
        fields: Some(30),
    };
    assert_eq!(settings.checks.request_size, Some(size));
    assert_eq!(settings.limits.response.fields, 40);
    assert_eq!(
        (settings.timeouts.attempt, settings.timeouts.client_idle),
        (None, FOR_EVER)
    );
    assert!(settings.upstream.keep_alive && settings.access_log.is_some());
    assert_eq!(settings.upstream.idle_per_endpoint, 7);
    assert!(settings.limits.check().is_ok());
}

#[test]
fn endpoints_may_choose_http2_where_the_file_says_so() {
    for (text, may) in [
        ("", true),
        ("enable_http2: true", true),
        ("enable_http2: false", false),
    ] {
        let settings = data_plane(&file(text)).expect("nothing can be wrong");
        assert_eq!(settings.upstream.http2, may, "{text}");
    }
}

/// D-531: connections that carried `Expect: 100-continue` are closed where the file says so.
/// D-532: and not where it says that they are kept, or nothing.
#[test]
fn waits_for_a_continue_close_as_the_file_says() {
    for (text, kept) in [("", true), (": true", true), (": false", false)] {
        let text = match text {
            "" => String::new(),
            value => format!("keep_alive_100_continue_requests{value}"),
        };
        let settings = data_plane(&file(&text)).expect("nothing can be wrong");
        assert_eq!(settings.upstream.keep_alive_after_continue, kept, "{text}");
    }
}

#[test]
fn an_attempt_over_http_1_has_a_bound_of_its_own() {
    for (text, bound) in [
        ("endpoint_timeout: 5s", Some(5)),
        (
            "{endpoint_timeout: 5s, http_1_endpoint_timeout: 7s}",
            Some(7),
        ),
        (
            "{endpoint_timeout: 0s, http_1_endpoint_timeout: 7s}",
            Some(7),
        ),
        ("endpoint_timeout: 0s", None),
    ] {
        let settings = data_plane(&file(text)).expect("nothing can be wrong");
        let bound = bound.map(Duration::from_secs);
        assert_eq!(settings.timeouts.attempt, bound, "{text}");
    }
}

#[test]
fn an_attempt_for_a_client_over_http_2_has_one_too() {
    for (text, http1, http2) in [
        ("endpoint_timeout: 5s", Some(5), None),
        (
            "{endpoint_timeout: 5s, http_1_endpoint_timeout: 7s}",
            Some(7),
            Some(Some(5)),
        ),
        (
            "{endpoint_timeout: 5s, http_2_endpoint_timeout: 7s}",
            Some(5),
            Some(Some(7)),
        ),
        (
            "{endpoint_timeout: 5s, http_2_endpoint_timeout: -1s}",
            Some(5),
            Some(None),
        ),
        (
            "{endpoint_timeout: 5s, http_1_endpoint_timeout: -1s}",
            None,
            Some(Some(5)),
        ),
    ] {
        let settings = data_plane(&file(text)).expect("nothing can be wrong");
        let bound = |seconds: Option<u64>| seconds.map(Duration::from_secs);
        assert_eq!(settings.timeouts.attempt, bound(http1), "{text}");
        let found = settings.timeouts.http2.map(|own| own.attempt);
        assert_eq!(found, http2.map(bound), "{text}");
    }
}

/// CF-096: HTTP/2 is on unless the file says otherwise.
#[test]
fn http_2_is_as_the_file_says() {
    for (text, on) in [
        ("", true),
        ("enable_http2: true", true),
        ("enable_http2: false", false),
    ] {
        let settings = data_plane(&file(text)).expect("nothing can be wrong");
        assert_eq!(settings.http2.enabled, on, "{text}");
        assert!(!settings.http2.cleartext);
    }
}

#[test]
fn an_empty_trace_key_is_none() {
    for (text, key) in [
        ("", None),
        ("trace_key: ''", None),
        ("trace_key: '22'", Some("22")),
    ] {
        let settings = data_plane(&file(text)).expect("nothing can be wrong");
        assert_eq!(settings.headers.trace_key.as_deref(), key, "{text}");
    }
}

/// CF-103: a bound above 1 MiB is 1 MiB.
/// D-236: so is one of zero or less, and none; another one is itself.
#[test]
fn the_head_of_a_request_is_bounded_by_a_mebibyte() {
    for (given, bytes) in [
        ("2000000", 1024 * 1024),
        ("0", 1024 * 1024),
        ("-1", 1024 * 1024),
        ("1000000", 1_000_000),
        ("10", 10),
    ] {
        let text = format!("max_request_header_bytes: {given}");
        let settings = data_plane(&file(&text)).expect("it is accepted");
        let size = RequestSize {
            bytes,
            fields: None,
        };
        assert_eq!(settings.checks.request_size, Some(size), "{given}");
        assert!(settings.limits.request.head as usize >= bytes, "{given}");
        assert!(settings.limits.check().is_ok(), "{given}");
    }
}

/// CF-099: the modes of `forwarded_client_cert` are taken.
#[test]
fn the_headers_of_a_file_are_the_proxys() {
    let settings = data_plane(&file("")).expect("nothing can be wrong");
    assert!(settings.headers.rewrite.is_none() && settings.tracing.is_none());
    assert!(settings.headers.kept_from_connection.is_empty());
    let checks = settings.checks;
    let agent = checks.health_user_agent.as_deref();
    assert_eq!((agent, checks.semicolons), (Some("HTTP-Monitor/1.1"), true));
    let text = "\
healthcheck_user_agent: me/1
hop_by_hop_headers_to_filter: [X-Mine]
http_rewrite:
  responses:
    remove_headers: [{name: Server}]
    add_headers_if_not_present: [{name: X-A, value: b}]
tracing: {enable_zipkin: true, enable_w3c: true, w3c_tenant_id: t}
extra_headers_to_log: [X-Foo, b3]
access_log: {file: /tmp/access.log}
";
    let settings = data_plane(&file(text)).expect("nothing can be wrong");
    assert!(settings.headers.rewrite.is_some());
    assert_eq!(settings.headers.kept_from_connection, ["X-Mine"]);
    let agent = settings.checks.health_user_agent.as_deref();
    assert_eq!(agent, Some("me/1"));
    let tracing = settings.tracing.expect("traces are kept going");
    assert_eq!((tracing.b3, tracing.w3c), (true, VendorKey::of_tenant("t")));
    let log = settings.access_log.expect("there is one");
    let fields: Vec<_> = log.extra_fields.iter().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "X-Foo",
            "b3",
            "X-B3-TraceId",
            "X-B3-SpanId",
            "X-B3-ParentSpanId",
            "traceparent",
            "tracestate"
        ]
    );
    for (mode, expected) in [
        ("always_forward", ForwardedClientCert::AlwaysForward),
        ("forward", ForwardedClientCert::Forward),
        ("sanitize_set", ForwardedClientCert::SanitizeSet),
    ] {
        let file = file(&format!("forwarded_client_cert: {mode}"));
        let settings = data_plane(&file).expect("nothing can be wrong");
        assert_eq!(settings.headers.forwarded_client_cert, expected);
    }
}

#[test]
fn heads_and_handshakes_of_clients_take_as_long_as_the_file_says() {
    for (text, seconds) in [
        ("", 10),
        ("read_header_timeout: 0s", 10),
        ("read_header_timeout: 3s", 3),
    ] {
        let timeouts = data_plane(&file(text))
            .expect("nothing can be wrong")
            .timeouts;
        assert_eq!(timeouts.request_head.as_secs(), seconds, "{text}");
        assert_eq!(timeouts.client_handshake.as_secs(), seconds, "{text}");
    }
}

/// CF-079: the lowest version is the one that is named; below 1.2 it is 1.2.
/// CF-080: the highest is the one that is named, or 1.2.
/// CF-087: suites by their OpenSSL names.
/// CF-088: suites by their RFC names.
#[test]
fn versions_and_suites_are_those_of_the_file() {
    use pointsman_process::tls::{Versions, cipher_suite};

    let mut file = file("");
    file.process.enable_ssl = true;
    let tls = |file: &GorouterYml| {
        let settings = data_plane(file).expect("nothing can be wrong");
        settings.front_tls.expect("TLS is spoken")
    };
    for (lowest, highest, expected) in [
        ("", "", Versions::Tls12),
        ("TLSv1.0", "", Versions::Tls12),
        ("TLSv1.1", "TLSv1.3", Versions::Tls12AndTls13),
        ("TLSv1.2", "TLSv1.3", Versions::Tls12AndTls13),
        ("TLSv1.3", "TLSv1.3", Versions::Tls13),
        ("", "TLSv1.2", Versions::Tls12),
    ] {
        lowest.clone_into(&mut file.frontend_tls.min_tls_version);
        highest.clone_into(&mut file.frontend_tls.max_tls_version);
        assert_eq!(tls(&file).versions, expected, "{lowest} to {highest}");
    }
    let list = "RC4-SHA:ECDHE-RSA-AES128-GCM-SHA256:TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
    list.clone_into(&mut file.frontend_tls.cipher_suites);
    let expected: Vec<_> = list.split(':').filter_map(cipher_suite).collect();
    assert_eq!(expected.len(), 2);
    assert_eq!(tls(&file).cipher_suites, Some(expected));
}

/// the drop-in keeps its table only where a folder is configured, apart for other segments
#[test]
fn a_table_is_kept_where_a_folder_is_configured() {
    assert!(state(&file("")).is_none());
    let all = state(&file("state_folder: /var/vcap/data/gorouter")).expect("it is kept");
    assert_eq!(all.folder.to_str(), Some("/var/vcap/data/gorouter"));
    let east =
        "state_folder: /s\nrouting_table_sharding_mode: segments\nisolation_segments: [east]";
    let east = state(&file(east)).expect("it is kept");
    assert_ne!(all.filter, east.filter);
    assert_eq!((all.plain.as_secs(), all.tls.as_secs()), (3600, 86_400));
}

/// C-275: the job of a BOSH deployment asks for 503 where nobody answers, and keeps no empty route.
/// C-336: and for registrations that do not age while NATS is away.
/// C-074: TLS towards NATS has the authorities of the file, and its certificate.
#[test]
fn what_the_bosh_job_writes_counts() {
    let text = "\
suspend_pruning_if_nats_unavailable: true
empty_pool_response_code_503: true
empty_pool_timeout: 0s
";
    let settings = control_plane(&file(text));
    assert_eq!(settings.effective.empty_pool_status, 503);
    assert_eq!(settings.registry.empty_pool_timeout, Duration::ZERO);
    assert_eq!(settings.while_away, pointsman_registry::WhileAway::Wait);
    assert!(settings.nats.tls.is_none());
    let mut file = file("");
    let nats = &mut file.nats.nats;
    nats.tls_enabled = true;
    let tls = control_plane(&file).nats.tls.expect("it is asked for");
    let identity = tls.identity.expect("there is no TLS without it");
    let sources = [tls.authorities, identity.chain, identity.key];
    assert_eq!(
        sources.map(|source| source.to_string()),
        ["nats.ca_certs", "nats.cert_chain", "nats.private_key"]
    );
}
