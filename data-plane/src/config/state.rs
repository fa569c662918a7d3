//! The section `state`.

use std::path::PathBuf;
use std::time::Duration;

use pointsman_process::configuration::{Check, Interval, Validate};
use serde::Deserialize;

use crate::app;
use crate::subscription::Lifetimes;

/// Where the table is kept for a start without a control plane, and how long a table that no control plane confirms
/// may be served, be it from there or lent by another data plane.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct State {
    /// The folder, which is this data plane's own. Absent: nothing is kept.
    pub folder: Option<PathBuf>,
    /// How long two writes of a table that changes lie apart at least.
    pub write_interval: Interval,
    /// How long a start waits for a control plane before it takes over what was kept.
    pub wait: Interval,
    /// How long endpoints that are reached in clear text may be served after a control plane last
    /// confirmed them. Nothing proves who answers at such an address.
    pub plain_endpoints: Interval,
    /// The same for endpoints that prove who they are by TLS.
    pub tls_endpoints: Interval,
}

impl Default for State {
    fn default() -> Self {
        Self {
            folder: None,
            write_interval: Interval(Duration::from_secs(60)),
            wait: Interval(Duration::from_secs(2)),
            plain_endpoints: Interval(Lifetimes::default().plain),
            tls_endpoints: Interval(Lifetimes::default().tls),
        }
    }
}

impl Validate for State {
    fn validate(&self, check: &mut Check<'_>) {
        if self
            .folder
            .as_ref()
            .is_some_and(|folder| folder.as_os_str().is_empty())
        {
            check.refuse("folder", "is empty", "name a folder, or leave it out");
        }
        if self.write_interval.0 < Duration::from_secs(1) {
            check.refuse(
                "write_interval",
                "is shorter than a second, and would wear the disk",
                "write 60s, or leave it out",
            );
        }
    }
}

impl State {
    /// How long endpoints may be served, wherever a table comes from that no control plane confirms.
    pub(super) fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            plain: self.plain_endpoints.0,
            tls: self.tls_endpoints.0,
        }
    }

    pub(super) fn settings(&self) -> Option<app::State> {
        Some(app::State {
            folder: self.folder.clone()?,
            write_interval: self.write_interval.0,
            wait: self.wait.0,
            plain_endpoints: self.plain_endpoints.0,
            tls_endpoints: self.tls_endpoints.0,
        })
    }
}
