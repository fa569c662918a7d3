//! The section `access_log`.

use std::io;
use std::path::PathBuf;

use pointsman_process::configuration::{Check, Validate};
use serde::Deserialize;

/// Where requests are logged, in Gorouter's format.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AccessLog {
    /// Where the lines go.
    pub to: To,
    /// The file, where they go to one. It may be renamed away: another one is begun.
    pub file: Option<PathBuf>,
    /// Shows `-` for the client's address.
    pub hide_source_ip: bool,
    /// Shows `-` for `X-Forwarded-For`.
    pub hide_forwarded_for: bool,
    /// Fields of requests that are shown behind a line's own. Those of traces that are kept going follow by themselves.
    pub extra_fields: Vec<String>,
}

/// Where the lines go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum To {
    /// Nowhere.
    #[default]
    Off,
    /// To the standard output, between the lines of the log.
    Stdout,
    /// To the file.
    File,
}

impl Validate for AccessLog {
    fn validate(&self, check: &mut Check<'_>) {
        match (self.to, &self.file) {
            (To::File, None) => check.refuse("to", "has no file", "add access_log.file"),
            (To::Off | To::Stdout, Some(_)) => check.refuse(
                "file",
                "is not written to",
                "write `to: file`, or leave it out",
            ),
            (To::File, Some(_)) | (To::Off | To::Stdout, None) => {}
        }
    }
}

impl AccessLog {
    /// The settings of the access log, if there is one.
    pub(super) fn settings(&self, tracing: Option<&crate::Tracing>) -> Option<crate::AccessLog> {
        let sink = match (self.to, &self.file) {
            (To::Stdout, _) => crate::Sink::Writer(Box::new(io::stdout())),
            (To::File, Some(file)) => crate::Sink::File(file.clone()),
            (To::Off, _) | (To::File, None) => return None,
        };
        Some(crate::AccessLog {
            sink,
            hide_source_ip: self.hide_source_ip,
            hide_forwarded_for: self.hide_forwarded_for,
            extra_fields: crate::extra_fields(&self.extra_fields, tracing),
        })
    }
}
