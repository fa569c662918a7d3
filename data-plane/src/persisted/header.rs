//! What a file says about itself.

use std::time::Duration;

use pointsman_routing::{Algorithm, EmptyPool, Settings};
use serde::{Deserialize, Serialize};

use super::Moment;

/// What a table on disk says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The version of the software that wrote it.
    pub(crate) written_by: String,
    /// The digest of the canonical filter that was asked for.
    pub(crate) filter: u64,
    /// When it was written.
    pub(crate) written: Moment,
    /// When a control plane had last confirmed the table, as far as was known at the writing.
    pub(crate) confirmed: Moment,
    /// The control plane's life that it came from.
    pub(crate) epoch: u64,
    /// The revision of that life.
    pub(crate) revision: u64,
    /// The effective settings.
    pub(crate) settings: SavedSettings,
}

/// Says when a control plane last confirmed a table, without writing the table again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// The checksum of the table.
    pub(crate) table: u64,
    /// When it was confirmed.
    pub(crate) confirmed: Moment,
}

/// The effective settings in words that last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedSettings {
    mark_time_ms: u64,
    empty_pool_status: u16,
    default_algorithm: SavedAlgorithm,
    registration_interval_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SavedAlgorithm {
    RoundRobin,
    LeastConnection,
}

impl From<&Settings> for SavedSettings {
    fn from(settings: &Settings) -> Self {
        let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self {
            mark_time_ms: millis(settings.mark_time),
            empty_pool_status: match settings.empty_pool {
                EmptyPool::NotFound => 404,
                EmptyPool::Unavailable => 503,
            },
            default_algorithm: match settings.default_algorithm {
                Algorithm::RoundRobin => SavedAlgorithm::RoundRobin,
                Algorithm::LeastConnection => SavedAlgorithm::LeastConnection,
            },
            registration_interval_ms: millis(settings.registration_interval),
        }
    }
}

impl From<&SavedSettings> for Settings {
    fn from(saved: &SavedSettings) -> Self {
        Self {
            mark_time: Duration::from_millis(saved.mark_time_ms),
            empty_pool: match saved.empty_pool_status {
                503 => EmptyPool::Unavailable,
                _ => EmptyPool::NotFound,
            },
            default_algorithm: match saved.default_algorithm {
                SavedAlgorithm::RoundRobin => Algorithm::RoundRobin,
                SavedAlgorithm::LeastConnection => Algorithm::LeastConnection,
            },
            registration_interval: Duration::from_millis(saved.registration_interval_ms),
        }
    }
}
