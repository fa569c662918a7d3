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

impl Log {
    /// The form of the lines of the data plane.
    #[must_use]
    pub fn form(&self) -> telemetry::Form {
        match self.form {
            Form::Json => telemetry::Form::Json {
                source: "data-plane".to_owned(),
                timestamps: self.timestamps,
            },
            Form::Human => telemetry::Form::Human,
        }
    }
}
