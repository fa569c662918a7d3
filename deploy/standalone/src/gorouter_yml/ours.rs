//! Keys that Gorouter does not know, for what it does not have and for where we do better than it unless we are told not
//! to.

use pointsman_process::configuration::go::Duration;
use pointsman_process::configuration::{Check, Validate};

use super::keys::keys;

keys! {
    /// The keys of this group.
    #[serde(rename = "Config")]
    pub struct Ours {
        /// Where Gorouter's ways are wanted.
        compatibility: Compatibility = Compatibility::default(),
        /// How long a new endpoint takes until it gets as much as others; not above zero: at once.
        balancing_slow_start: Duration = Duration::default(),
        /// How often a request may come back from an endpoint that is a router itself.
        max_router_hops: u32 = 8,
    }
}

keys! {
    /// `compatibility`.
    pub struct Compatibility {
        /// `backends.max_conns` counts a request until the head of its response has come, and not until its body or
        /// tunnel has ended.
        max_conns_until_response_head: bool = false,
    }
}

impl Validate for Ours {
    fn validate(&self, check: &mut Check<'_>) {
        if !(1..=1000).contains(&self.max_router_hops) {
            check.refuse(
                "max_router_hops",
                format!("is {}", self.max_router_hops),
                "write a number from 1 to 1000",
            );
        }
    }
}
