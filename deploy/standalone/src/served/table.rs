//! The table.

use pointsman_process::tls::cipher_suite;

use super::Standing::{Inert, Later, Protecting, Served};
use super::{Row, Standing};
use crate::gorouter_yml::GorouterYml;

const fn row(key: &'static str, standing: Standing) -> Row {
    Row { key, standing }
}

/// Whether the keys of the TLS listener matter: Gorouter does not look at them otherwise (CF-074).
fn tls(file: &GorouterYml) -> bool {
    file.process.enable_ssl
}

/// Whether clients would be spoken to in TLS 1.2, and with no cipher suite.
fn no_suite(file: &GorouterYml) -> bool {
    let group = &file.frontend_tls;
    let only_13 = group.min_tls_version == "TLSv1.3";
    tls(file)
        && !only_13
        && !group
            .cipher_suites
            .split(':')
            .any(|name| cipher_suite(name).is_some())
}

/// Every key of the schema, once: by itself, or within a map of one standing.
pub(super) static TABLE: &[Row] = &[
    // Process and identity.
    row("port", Served),
    row("ssl_port", Served),
    row("disable_http", Served),
    row("enable_ssl", Served),
    row("enable_http2", Served),
    row("enable_http1_concurrent_read_write", Served),
    row("enable_proxy", Served),
    row("index", Served),
    row("zone", Served),
    row("go_max_procs", Served),
    row("debug_addr", Later),
    row("secure_cookies", Served),
    row("trace_key", Served),
    // Status.
    row("status.host", Served),
    row("status.port", Served),
    row("status.enable_nontls_health_checks", Served),
    row("status.enable_deprecated_varz_healthz_endpoints", Served),
    row("status.user", Served),
    row("status.pass", Served),
    row("status.routes", Served),
    row("status.tls", Served),
    // NATS.
    row("nats.hosts", Served),
    row("nats.user", Served),
    row("nats.pass", Served),
    row("nats.tls_enabled", Served),
    row("nats.ca_certs", Served),
    row("nats.cert_chain", Served),
    row("nats.private_key", Served),
    row("nats_client_ping_interval", Served),
    // Routing API.
    row("routing_api", Served),
    row("oauth", Served),
    row("token_fetcher_max_retries", Served),
    row("token_fetcher_retry_interval", Served),
    row("token_fetcher_expiration_buffer_time", Served),
    // Routing table.
    row("droplet_stale_threshold", Served),
    row("prune_stale_droplets_interval", Served),
    row("suspend_pruning_if_nats_unavailable", Served),
    row("start_response_delay_interval", Served),
    row("routing_table_sharding_mode", Served),
    row("state_folder", Served),
    row("isolation_segments", Served),
    row("empty_pool_response_code_503", Served),
    row("empty_pool_timeout", Served),
    row("publish_active_apps_interval", Served),
    // Frontend TLS and trust.
    row("tls_pem", Served),
    row(
        "cipher_suites",
        Protecting(
            no_suite,
            "none of them can be offered, so that no client that speaks TLS 1.2 could connect; name one such as \
             ECDHE-RSA-AES128-GCM-SHA256",
        ),
    ),
    row("min_tls_version", Served),
    row(
        "max_tls_version",
        Protecting(
            |file| {
                let group = &file.frontend_tls;
                tls(file)
                    && group.min_tls_version == "TLSv1.3"
                    && group.max_tls_version != "TLSv1.3"
            },
            "min_tls_version is above it, so that no client could connect",
        ),
    ),
    row("client_cert_validation", Served),
    row("client_ca_certs", Served),
    row("only_trust_client_ca_certs", Served),
    row("ca_certs", Served),
    row("enable_verify_client_certificate_metadata", Served),
    row("verify_client_certificate_metadata", Served),
    row(
        "domains",
        Protecting(
            |file| !tls(file) && !file.frontend_tls.domains.0.is_empty(),
            "there is no TLS listener, so that nobody could show a certificate; add enable_ssl",
        ),
    ),
    // Headers.
    row("forwarded_client_cert", Served),
    row("force_forwarded_proto_https", Served),
    row("sanitize_forwarded_proto", Served),
    row("hop_by_hop_headers_to_filter", Served),
    row("http_rewrite", Served),
    row("max_request_header_bytes", Served),
    row("max_request_headers", Served),
    row("max_response_header_bytes", Served),
    row("max_response_headers", Served),
    row("sticky_session_cookie_names", Served),
    row("sticky_sessions_for_auth_negotiate", Served),
    row("keep_alive_100_continue_requests", Served),
    // Backends.
    row("backends", Served),
    row("balancing_algorithm", Served),
    row("balancing_algorithm_az_preference", Served),
    row("endpoint_timeout", Served),
    row("endpoint_dial_timeout", Served),
    row("tls_handshake_timeout", Served),
    row("endpoint_keep_alive_probe_interval", Later),
    row("disable_keep_alives", Served),
    row("max_idle_conns", Served),
    row("max_idle_conns_per_host", Served),
    row("skip_ssl_validation", Served),
    row("http_1_endpoint_timeout", Served),
    row("http_2_endpoint_timeout", Served),
    // Clients and drain.
    row("frontend_idle_timeout", Served),
    row("read_header_timeout", Served),
    row("drain_wait", Served),
    row("drain_timeout", Served),
    row("healthcheck_user_agent", Served),
    // Route services.
    row("route_services", Served),
    row("route_services_secret", Served),
    row("route_services_secret_decrypt_only", Served),
    row("route_services_recommend_https", Served),
    row("route_services_timeout", Served),
    row("route_services_hairpinning", Served),
    row("route_services_hairpinning_allowlist", Served),
    // Nothing listens there: what is hairpinned does not leave the process.
    row("route_services_internal_server_port", Inert),
    // Logs and metrics.
    row("logging.level", Served),
    row("logging.format", Served),
    row("logging.syslog", Served),
    row("logging.syslog_addr", Later),
    row("logging.syslog_network", Later),
    row("logging.syslog_truncate", Later),
    row("logging.loggregator_enabled", Later),
    row("logging.metron_address", Served),
    row("logging.disable_log_forwarded_for", Served),
    row("logging.disable_log_source_ip", Served),
    row(
        "logging.redact_query_params",
        Protecting(
            |file| {
                file.logging.logging.redact_query_params != "none"
                    && !file.logging.access_log.file.is_empty()
            },
            "query strings are written to the access log as they are",
        ),
    ),
    row("logging.extra_access_log_fields", Later),
    row("logging.enable_attempts_details", Later),
    row("access_log.file", Served),
    row("access_log.enable_streaming", Later),
    row("extra_headers_to_log", Served),
    row("tracing", Served),
    row("html_error_template_file", Served),
    row("enable_envelope_v1_metrics", Served),
    row("per_request_metrics_reporting", Later),
    row("send_http_start_stop_server_event", Served),
    row("send_http_start_stop_client_event", Later),
    row("per_app_prometheus_http_metrics_reporting", Later),
    row("route_latency_metric_muzzle_duration", Served),
    row("prometheus", Later),
    // Not of Gorouter's.
    row("compatibility", Served),
    row("balancing_slow_start", Served),
    row("max_router_hops", Served),
    // Without effect in Gorouter.
    row("pid_file", Inert),
    row("publish_start_message_interval", Inert),
    row("healthcheck_poll_interval", Inert),
    row("healthcheck_timeout", Inert),
    row("websocket_dial_timeout", Inert),
    row("load_balancer_healthy_threshold", Inert),
    row("ip_local_port_range", Inert),
];
