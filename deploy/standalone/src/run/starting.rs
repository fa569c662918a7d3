//! The first lines of the log, and the last one of a start that failed.

use std::fmt;

use pointsman_process::shutdown::Exit;
use serde_json::json;

use crate::gorouter_yml::Accepted;

/// Tells that the configuration was accepted, and what an operator should know about it.
pub(super) fn tell(accepted: &Accepted) {
    let file = &accepted.file;
    tracing::info!("starting");
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
    tracing::debug!(AvailabilityZone = file.process.zone, "local-az-set");
    let table = &file.routing_table;
    tracing::info!(
        isolation_segments.json = json!(table.isolation_segments.0).to_string(),
        routing_table_sharding_mode = table.routing_table_sharding_mode,
        "retrieved-isolation-segments"
    );
}

/// Tells why the process does not start.
pub(super) fn failed(error: &(dyn fmt::Display + Send + Sync)) -> Exit {
    tracing::error!(component = "router", error = %error, "initialize-router-error");
    Exit::Start
}
