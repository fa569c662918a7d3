//! Logs, the access log, tracing, and metrics.

use pointsman_data_plane::VendorKey;
use pointsman_process::configuration::go::Duration;
use pointsman_process::configuration::{Check, Validate};

use super::keys::keys;
use super::scalars::{Floats, Strings};

keys! {
    /// The keys of this group.
    #[serde(rename = "Config")]
    pub struct LoggingGroup {
        /// Logs.
        logging: LoggingConfig = LoggingConfig::default(),
        /// The access log.
        access_log: AccessLog = AccessLog::default(),
        /// Request fields that are appended to its lines.
        extra_headers_to_log: Strings = Strings::default(),
        /// Trace headers.
        tracing: Tracing = Tracing::default(),
        /// Path of a Go template for error pages; empty: none.
        html_error_template_file: String = String::new(),
        /// Anything at all is sent to the local agent as envelope v1.
        enable_envelope_v1_metrics: bool = true,
        /// Three latency metrics of every request.
        per_request_metrics_reporting: bool = true,
        /// Start and stop events as a server.
        send_http_start_stop_server_event: bool = true,
        /// The same as a client.
        send_http_start_stop_client_event: bool = true,
        /// Latency by app for Prometheus.
        per_app_prometheus_http_metrics_reporting: bool = false,
        /// How long after the start the latency of registrations is not reported.
        route_latency_metric_muzzle_duration: Duration = Duration::from_secs(20),
        /// The Prometheus endpoint.
        prometheus: PrometheusConfig = PrometheusConfig::default(),
    }
}

keys! {
    /// `logging`.
    pub struct LoggingConfig {
        /// `debug`, `info`, `warn`, `error`, or a word for worse; empty: `info`.
        level: String = "debug".to_owned(),
        /// How lines look.
        format: FormatConfig = FormatConfig::default(),
        /// First part of `source`, and APP-NAME of syslog lines; empty: `gorouter.stdout`.
        syslog: String = String::new(),
        /// Where access-log lines are streamed.
        syslog_addr: String = "127.0.0.1:514".to_owned(),
        /// How: begins with `tcp` or `udp`.
        syslog_network: String = "udp".to_owned(),
        /// Bytes after which a record is cut; 0: never.
        syslog_truncate: i64 = 0,
        /// Access-log lines of apps go to Loggregator.
        loggregator_enabled: bool = false,
        /// Where its agent is.
        metron_address: String = "localhost:3457".to_owned(),
        /// `X-Forwarded-For` is not logged.
        disable_log_forwarded_for: bool = false,
        /// The client's address is not logged.
        disable_log_source_ip: bool = false,
        /// Query strings in the access log: `none`, `all` (removed), `hash`.
        redact_query_params: String = "none".to_owned(),
        /// Further fields of access-log lines, in this order.
        extra_access_log_fields: Strings = Strings::default(),
        /// The older name for six of them.
        enable_attempts_details: bool = false,
    }
}

keys! {
    /// `logging.format`.
    pub struct FormatConfig {
        /// `rfc3339`, or seconds of the epoch for everything else.
        timestamp: String = "unix-epoch".to_owned(),
    }
}

keys! {
    /// `access_log`.
    pub struct AccessLog {
        /// File that lines are appended to; empty: none.
        file: String = String::new(),
        /// Lines are streamed to syslog.
        enable_streaming: bool = false,
    }
}

keys! {
    /// `tracing`.
    pub struct Tracing {
        /// B3 headers.
        enable_zipkin: bool = false,
        /// `traceparent` and `tracestate`.
        enable_w3c: bool = false,
        /// Tenant in the vendor key of `tracestate`.
        w3c_tenant_id: String = String::new(),
    }
}

keys! {
    /// `prometheus`.
    pub struct PrometheusConfig {
        /// Whether there is an endpoint.
        enabled: bool = false,
        /// Its port, on 127.0.0.1 only.
        port: u16 = 0,
        /// Path of its certificate; with a port: mutual TLS.
        cert_path: String = String::new(),
        /// Path of its private key.
        key_path: String = String::new(),
        /// Path of the CAs of scrapers.
        ca_path: String = String::new(),
        /// Bounds of histograms.
        meters: MetersConfig = MetersConfig::default(),
    }
}

keys! {
    /// `prometheus.meters`.
    pub struct MetersConfig {
        /// In nanoseconds.
        route_lookup_time_histogram_buckets: Floats = Floats::from([
            10_000.0, 20_000.0, 30_000.0, 40_000.0, 50_000.0, 60_000.0, 70_000.0, 80_000.0, 90_000.0, 100_000.0,
        ]),
        /// Written as if in milliseconds, observed in seconds.
        gorouter_time_histogram_buckets: Floats = Floats::from([
            1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 50.0, 100.0, 500.0, 1000.0,
        ]),
        /// In milliseconds.
        route_registration_latency_histogram_buckets: Floats =
            Floats::from([0.1, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]),
        /// In milliseconds.
        routing_response_latency_histogram_buckets: Floats = Floats::from([
            1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 20.0, 40.0, 50.0, 100.0, 500.0, 1000.0,
        ]),
        /// In seconds.
        http_latency_histogram_buckets: Floats =
            Floats::from([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6]),
    }
}

/// Levels in any case; those worse than `error` log only what is worse.
const LEVELS: [&str; 8] = [
    "", "debug", "info", "warn", "error", "dpanic", "panic", "fatal",
];

impl LoggingConfig {
    /// The level in the words of our telemetry.
    #[must_use]
    pub fn threshold(&self) -> &'static str {
        match self.level.to_lowercase().as_str() {
            "debug" => "debug",
            "warn" => "warn",
            "error" | "dpanic" | "panic" | "fatal" => "error",
            _ => "info",
        }
    }

    /// The first part of `source` of every log line.
    #[must_use]
    pub fn source(&self) -> &str {
        if self.syslog.is_empty() {
            "gorouter.stdout"
        } else {
            &self.syslog
        }
    }
}

impl Validate for LoggingGroup {
    fn validate(&self, check: &mut Check<'_>) {
        let logging = &self.logging;
        check.within("logging", |check| {
            if !LEVELS.contains(&logging.level.to_lowercase().as_str()) {
                let text = format!("unrecognized level: {:?}", logging.level);
                check.refuse("level", text, "write debug, info, warn or error");
            }
            let network = logging.syslog_network.as_str();
            if self.access_log.enable_streaming
                && !network.starts_with("tcp")
                && !network.starts_with("udp")
            {
                let text = format!("syslog: invalid network: {network}");
                check.refuse("syslog_network", text, "write tcp or udp");
            }
            if self.enable_envelope_v1_metrics && logging.metron_address.is_empty() {
                check.refuse_plainly(
                    "metron_address",
                    "Failed to initialize dropsonde: destination variable not set",
                );
            }
            let mode = logging.redact_query_params.as_str();
            if !["none", "all", "hash"].contains(&mode) {
                let text = format!(
                    "Invalid query param redaction mode: {mode}. Allowed values are [none all hash]"
                );
                check.refuse_plainly("redact_query_params", text);
            }
        });
        if VendorKey::of_tenant(&self.tracing.w3c_tenant_id).is_none() {
            check.refuse(
                "tracing.w3c_tenant_id",
                "cannot stand in a tracestate",
                "write letters and digits",
            );
        }
        check.within("prometheus.meters", |check| {
            self.prometheus.meters.validate(check);
        });
    }
}

impl Validate for MetersConfig {
    fn validate(&self, check: &mut Check<'_>) {
        let lists = [
            (
                "route_lookup_time_histogram_buckets",
                &self.route_lookup_time_histogram_buckets,
            ),
            (
                "gorouter_time_histogram_buckets",
                &self.gorouter_time_histogram_buckets,
            ),
            (
                "route_registration_latency_histogram_buckets",
                &self.route_registration_latency_histogram_buckets,
            ),
            (
                "routing_response_latency_histogram_buckets",
                &self.routing_response_latency_histogram_buckets,
            ),
            (
                "http_latency_histogram_buckets",
                &self.http_latency_histogram_buckets,
            ),
        ];
        for (key, Floats(bounds)) in lists {
            if !bounds.is_sorted_by(|a, b| a < b) {
                check.refuse(
                    key,
                    "histogram buckets must be in increasing order",
                    "sort the list",
                );
            }
        }
    }
}
