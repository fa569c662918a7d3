//! The section `route_files`.

use std::path::PathBuf;
use std::time::Duration;

use pointsman_process::configuration::{Check, Interval, Validate};
use serde::Deserialize;

use crate::sources::file::{DEFAULT_POLL, Settings};

/// Where routes and services are declared, beside what publishers register.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct RouteFiles {
    /// A file, or a folder of files that end in `.yml` or `.yaml`. Absent: there are none.
    pub path: Option<PathBuf>,
    /// How often they are looked at. A change counts when two looks see the same.
    pub poll: Interval,
}

impl Default for RouteFiles {
    fn default() -> Self {
        Self {
            path: None,
            poll: Interval(DEFAULT_POLL),
        }
    }
}

impl Validate for RouteFiles {
    fn validate(&self, check: &mut Check<'_>) {
        if self
            .path
            .as_ref()
            .is_some_and(|path| path.as_os_str().is_empty())
        {
            check.refuse(
                "path",
                "is empty",
                "name a file or a folder, or leave it out",
            );
        }
        if self.poll.0 < Duration::from_millis(10) {
            check.refuse("poll", "is too short", "write 10ms or more, such as 500ms");
        }
    }
}

impl RouteFiles {
    /// The settings of the source, if there are files.
    pub(super) fn settings(&self) -> Option<Settings> {
        Some(Settings {
            path: self.path.clone()?,
            poll: self.poll.0,
        })
    }
}
