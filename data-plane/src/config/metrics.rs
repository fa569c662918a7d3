//! The section `metrics`.

use serde::Deserialize;

/// What is measured beside what always is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Whether the times of responses are measured for each app, as `http_latency_seconds` by the tag `source_id`.
    pub per_app_latency: bool,
}
