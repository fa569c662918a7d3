//! The section `drain`.

use std::time::Duration;

use pointsman_process::configuration::Interval;
use pointsman_process::shutdown::Bounds;
use serde::Deserialize;

/// How the process leaves (L-40).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Drain {
    /// How long it serves on after it became unready, so that balancers notice.
    pub wait: Interval,
    /// How long requests in flight may take after that.
    pub timeout: Interval,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            wait: Interval(Duration::from_secs(20)),
            timeout: Interval(Duration::from_secs(900)),
        }
    }
}

impl Drain {
    /// The bounds of the stages.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        Bounds {
            wait: self.wait.0,
            timeout: self.timeout.0,
        }
    }
}
