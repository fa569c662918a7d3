//! Levels, and changing them at run time.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::{self, Deserialize, Deserializer};
use tracing_subscriber::{EnvFilter, Registry, reload};

/// Libraries whose own debug lines would drown ours. Naming one in the level brings its lines back.
const QUIETED: [&str; 9] = [
    "async_nats",
    "h2",
    "hyper",
    "hyper_util",
    "notify",
    "reqwest",
    "rustls",
    "tonic",
    "tower",
];

/// The target of lines that tell who changed what. No level turns them off: whoever silences a log leaves a trace.
pub const AUDIT: &str = "pointsman_audit";

/// What is logged: `debug`, `info`, `warn`, `error` (or `trace`), optionally followed by directives for single
/// modules, as in `info,pointsman_data_plane::subscription=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    text: String,
}

/// A text that is no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unrecognized level: {given:?}; write debug, info, warn or error, optionally followed by module=level"
)]
pub struct UnknownLevel {
    /// What was given.
    pub given: String,
}

impl Level {
    /// `info`, the level of a process that was told nothing.
    #[must_use]
    pub fn info() -> Self {
        Self {
            text: "info".to_owned(),
        }
    }

    pub(super) fn filter(&self) -> EnvFilter {
        let named = |library: &str| {
            let mut directives = self.text.split(',');
            directives.any(|directive| directive.trim().starts_with(library))
        };
        let quieted = QUIETED.iter().filter(|library| !named(library));
        let directives = quieted.map(|library| format!("{library}=warn"));
        let all = directives
            .chain([self.text.clone(), format!("{AUDIT}=info")])
            .collect::<Vec<_>>()
            .join(",");
        // Parsed once before, by `from_str`, so nothing is lost here.
        EnvFilter::new(all)
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownLevel {
            given: given.to_owned(),
        };
        for directive in given.split(',') {
            let level = directive
                .rsplit_once('=')
                .map_or(directive, |(_, level)| level);
            let known = ["trace", "debug", "info", "warn", "error", "off"];
            if !known
                .iter()
                .any(|known| known.eq_ignore_ascii_case(level.trim()))
            {
                return Err(unknown());
            }
        }
        EnvFilter::try_new(given).map_err(|_| unknown())?;
        Ok(Self {
            text: given.to_owned(),
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// Changes the level of the running process.
#[derive(Clone, Debug)]
pub struct LevelHandle {
    filter: reload::Handle<EnvFilter, Registry>,
    current: Arc<Mutex<Level>>,
}

impl LevelHandle {
    pub(super) fn new(filter: reload::Handle<EnvFilter, Registry>, level: &Level) -> Self {
        Self {
            filter,
            current: Arc::new(Mutex::new(level.clone())),
        }
    }

    /// The level now.
    #[must_use]
    pub fn level(&self) -> Level {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sets the level, from the next line on.
    pub fn set(&self, level: &Level) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // It fails only when the logs of the process are gone, and then nobody reads them.
        if self.filter.reload(level.filter()).is_ok() {
            *current = level.clone();
        }
    }
}
