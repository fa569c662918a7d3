//! The routing table: how long registrations last, and which of them are for this instance.

use pointsman_process::configuration::go::Duration;
use pointsman_process::configuration::{Check, Validate};

use super::keys::keys;
use super::scalars::Strings;

keys! {
    /// The keys of this group; they stand at the top of the file.
    #[serde(rename = "Config")]
    pub struct RoutingTable {
        /// Life of an endpoint that has none of its own.
        droplet_stale_threshold: Duration = Duration::from_secs(120),
        /// How often stale endpoints are looked for; not above zero: never.
        prune_stale_droplets_interval: Duration = Duration::from_secs(30),
        /// Nothing is pruned while NATS is away.
        suspend_pruning_if_nats_unavailable: bool = false,
        /// Wait before the listeners open and health turns good.
        start_response_delay_interval: Duration = Duration::from_secs(5),
        /// Which isolation segments are served: `all`, `segments`, `shared-and-segments`.
        routing_table_sharding_mode: String = "all".to_owned(),
        /// The segments.
        isolation_segments: Strings = Strings::default(),
        /// A route without endpoints answers 503 instead of 404 as long as it is kept.
        empty_pool_response_code_503: bool = false,
        /// How long it is kept.
        empty_pool_timeout: Duration = Duration::default(),
        /// How often ids of apps with traffic are published; zero: never.
        publish_active_apps_interval: Duration = Duration::default(),
        /// Where the table is kept for a start while NATS is away. Empty: nowhere. Ours; Gorouter does not know it.
        state_folder: String = String::new(),
    }
}

/// What `routing_table_sharding_mode` may be.
pub const SHARDING_MODES: [&str; 3] = ["all", "segments", "shared-and-segments"];

impl RoutingTable {
    /// The stale threshold, which is never below the wait at start (CF-062).
    #[must_use]
    pub fn stale_threshold(&self) -> Duration {
        self.droplet_stale_threshold
            .max(self.start_response_delay_interval)
    }
}

impl Validate for RoutingTable {
    fn validate(&self, check: &mut Check<'_>) {
        let mode = self.routing_table_sharding_mode.as_str();
        if !SHARDING_MODES.contains(&mode) {
            let text = format!(
                "Invalid sharding mode: {mode}. Allowed values are [all segments shared-and-segments]"
            );
            check.refuse_plainly("routing_table_sharding_mode", text);
        }
        if mode == "segments" && self.isolation_segments.0.is_empty() {
            check.refuse_plainly(
                "isolation_segments",
                "Expected isolation segments; routing table sharding mode set to segments and none provided.",
            );
        }
        if self.publish_active_apps_interval.is_negative() {
            // Gorouter panics here (CF-073).
            check.refuse(
                "publish_active_apps_interval",
                "is negative",
                "write 0s to switch it off",
            );
        }
    }
}
