//! The section `proxy_protocol`.

use pointsman_process::configuration::{Check, Interval, Validate};
use serde::Deserialize;

/// A load balancer before all listeners, which says who its clients are.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct ProxyProtocol {
    /// Whether connections without a header are served as well. Whoever reaches the listener without the load balancer
    /// can then say to be anybody.
    pub optional: bool,
    /// How long the header may take (L-06).
    pub wait: Interval,
}

impl Default for ProxyProtocol {
    fn default() -> Self {
        let crate::Behind { wait, optional } = crate::Behind::default();
        Self {
            optional,
            wait: Interval(wait),
        }
    }
}

impl Validate for ProxyProtocol {
    fn validate(&self, check: &mut Check<'_>) {
        if self.wait.0.is_zero() {
            let what = "is 0, so no header would ever be in time";
            check.refuse("wait", what, "write a time such as 1s");
        }
    }
}

impl ProxyProtocol {
    pub(super) const fn settings(self) -> crate::Behind {
        crate::Behind {
            wait: self.wait.0,
            optional: self.optional,
        }
    }
}
