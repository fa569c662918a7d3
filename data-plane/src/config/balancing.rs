//! The section `balancing`.

use pointsman_process::configuration::Interval;
use serde::Deserialize;

/// Which endpoints come first.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Balancing {
    /// When endpoints of this data plane's zone come first.
    pub zone_preference: ZonePreference,
    /// How long a new endpoint takes until it gets as much as others; 0 for at once. Where endpoints are led to by a
    /// hash, a new one has its share at once.
    pub slow_start: Interval,
}

impl Default for Balancing {
    fn default() -> Self {
        Self {
            zone_preference: ZonePreference::None,
            slow_start: Interval(std::time::Duration::ZERO),
        }
    }
}

/// When endpoints of the own zone come before others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZonePreference {
    /// Never.
    #[default]
    None,
    /// For the first attempt of a request.
    LocallyOptimistic,
    /// For every attempt.
    LocallyAlways,
}

impl Balancing {
    pub(super) fn settings(self, zone: &str) -> crate::Balancing {
        crate::Balancing {
            zone: zone.to_owned(),
            zone_preference: match self.zone_preference {
                ZonePreference::None => crate::ZonePreference::None,
                ZonePreference::LocallyOptimistic => crate::ZonePreference::LocallyOptimistic,
                ZonePreference::LocallyAlways => crate::ZonePreference::LocallyAlways,
            },
            slow_start: self.slow_start.0,
        }
    }
}
