//! The convention around `prometheus-client`: one registry per process, what every process shows, and the text that a
//! scraper asked for.
//!
//! Each part defines its own metrics struct and registers it; nothing is global.

mod classic;
mod exposition;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use exposition::{Exposition, Format};

/// What a build says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// Name of the program, such as `control-plane`.
    pub program: &'static str,
    /// Its version, from Cargo.
    pub version: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BuildLabels {
    program: &'static str,
    version: &'static str,
}

/// A registry that holds what every process shows: `pointsman_build_info` and `process_start_time_seconds`.
#[must_use]
pub fn registry(build: Build) -> Registry {
    let mut registry = Registry::default();
    let labels = BuildLabels {
        program: build.program,
        version: build.version,
    };
    registry.register(
        "pointsman_build",
        "The program and its version",
        Info::new(labels),
    );
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of the epoch are far below 2^53"
    )]
    let started = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
    registry.register(
        "process_start_time_seconds",
        "When the process started, in seconds of the Unix epoch",
        ConstGauge::new(started),
    );
    registry
}

#[cfg(test)]
mod tests;
