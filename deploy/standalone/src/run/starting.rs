//! The first lines of the log, and the last one of a start that failed.

use std::fmt;

use pointsman_process::shutdown::Exit;
use pointsman_process::tls::cipher_suite;
use serde_json::json;

use crate::gorouter_yml::{Accepted, GorouterYml};

/// Tells that the configuration was accepted, and what an operator should know about it.
pub(super) fn tell(accepted: &Accepted) {
    let file = &accepted.file;
    tracing::info!("starting");
    if let Some(problem) = &accepted.unread {
        tracing::warn!(warning = %problem, "configuration-not-read-to-its-end");
    }
    for problem in &accepted.unknown {
        tracing::warn!(warning = %problem, "unknown-configuration-key");
    }
    if !accepted.not_served.is_empty() {
        let keys = json!(accepted.not_served).to_string();
        tracing::warn!(keys.json = keys, "configuration-keys-not-served-yet");
    }
    let most = 1024 * 1024;
    if file.headers.max_request_header_bytes > most {
        // Spelled as Gorouter spells it (CF-103).
        tracing::warn!(
            message = "innefectual-max-header-bytes-value",
            error = format!(
                "Values over {most} are limited by http.Server; given: {}",
                file.headers.max_request_header_bytes
            )
        );
    }
    tell_tls(file);
    tracing::debug!(AvailabilityZone = file.process.zone, "local-az-set");
    let table = &file.routing_table;
    tracing::info!(
        isolation_segments.json = json!(table.isolation_segments.0).to_string(),
        routing_table_sharding_mode = table.routing_table_sharding_mode,
        "retrieved-isolation-segments"
    );
}

/// What of the TLS that a file asks for is not spoken any more.
fn tell_tls(file: &GorouterYml) {
    let tls = &file.frontend_tls;
    if !file.process.enable_ssl {
        return;
    }
    if matches!(tls.min_tls_version.as_str(), "TLSv1.0" | "TLSv1.1") {
        tracing::warn!(
            min_tls_version = tls.min_tls_version,
            lowest = "TLSv1.2",
            "tls-version-not-spoken"
        );
    }
    let names = tls.cipher_suites.split(':');
    // Those of TLS 1.3 are offered whether or not they stand there.
    let weak = names.filter(|name| cipher_suite(name).is_none() && !is_of_13(name));
    let weak: Vec<_> = weak.collect();
    if !weak.is_empty() {
        tracing::warn!(
            suites.json = json!(weak).to_string(),
            "cipher-suites-not-offered"
        );
    }
}

fn is_of_13(suite: &str) -> bool {
    suite.starts_with("TLS_") && !suite.contains("_WITH_")
}

/// Tells why the process does not start.
pub(super) fn failed(error: &(dyn fmt::Display + Send + Sync)) -> Exit {
    tracing::error!(component = "router", error = %error, "initialize-router-error");
    Exit::Start
}
