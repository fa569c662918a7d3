//! The section `log`.

use pointsman_process::telemetry::{self, Level, Timestamps};
use serde::Deserialize;

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Log {
    /// What is logged: a level, optionally followed by directives for single modules.
    pub level: Level,
    /// The form of the lines.
    pub form: Form,
    /// How the time of a line is written, as JSON.
    pub timestamps: Timestamps,
}

/// The form of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Human,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: Level::info(),
            form: Form::default(),
            timestamps: Timestamps::default(),
        }
    }
}

/// The client library tells every failed attempt at the level of errors; what there is to know of it we tell ourselves.
const QUIETED: &str = "async_nats";

impl Log {
    /// What is logged, without the lines that say again what we say.
    #[must_use]
    pub fn level(&self) -> Level {
        let given = self.level.to_string();
        if given.contains(QUIETED) {
            return self.level.clone();
        }
        // A level with one more directive is a level; if it were not, the given one is.
        let quieter = format!("{given},{QUIETED}=off").parse();
        quieter.unwrap_or_else(|_| self.level.clone())
    }

    /// The form of the lines of the control plane.
    #[must_use]
    pub fn form(&self) -> telemetry::Form {
        match self.form {
            Form::Json => telemetry::Form::Json {
                source: "control-plane".to_owned(),
                timestamps: self.timestamps,
            },
            Form::Human => telemetry::Form::Human,
        }
    }
}
