//! The section `metrics`.

use serde::Deserialize;

use crate::Census;

/// What is measured beside what always is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Whether the times of responses are measured for each app, as `http_latency_seconds` by the tag `source_id`.
    pub per_app_latency: bool,
    /// Whether it is measured how long finding a route takes, as `route_lookup_time`.
    pub lookup_time: bool,
    /// Whether the control plane is told which apps have requests, for `router.active_apps`.
    pub active_apps: bool,
    /// Whether `/varz` of the admin API answers, for which requests are counted by app and component.
    pub varz: bool,
}

impl Metrics {
    /// What is counted for them by app and by component.
    pub(super) fn census(self) -> Census {
        Census {
            varz: self.varz,
            active_apps: self.active_apps,
        }
    }
}
