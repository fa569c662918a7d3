//! The section `segments`.

use pointsman_process::configuration::{Check, Validate};
use pointsman_proto::v1;
use serde::Deserialize;

/// Which isolation segments are served: Gorouter's `routing_table_sharding_mode`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Segments {
    /// How the list is meant.
    pub mode: Mode,
    /// The segments; the empty name is the shared one.
    pub list: Vec<String>,
}

/// How the list of segments is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Every segment.
    #[default]
    All,
    /// The shared one and the listed ones.
    SharedAndSegments,
    /// The listed ones only.
    Segments,
}

impl Validate for Segments {
    fn validate(&self, check: &mut Check<'_>) {
        match self.mode {
            Mode::All if !self.list.is_empty() => check.refuse(
                "list",
                "narrows nothing while the mode is `all`",
                "write `mode: segments` or `mode: shared-and-segments`, or leave it out",
            ),
            Mode::Segments | Mode::SharedAndSegments if self.list.is_empty() => check.refuse(
                "list",
                "is empty, though the mode asks for one",
                "name at least one segment",
            ),
            Mode::All | Mode::Segments | Mode::SharedAndSegments => {}
        }
    }
}

impl Segments {
    pub(super) fn filter(&self) -> v1::SegmentFilter {
        let mode = match self.mode {
            Mode::All => v1::SegmentMode::All,
            Mode::SharedAndSegments => v1::SegmentMode::SharedAndSegments,
            Mode::Segments => v1::SegmentMode::Segments,
        };
        v1::SegmentFilter {
            mode: mode.into(),
            segments: self.list.clone(),
        }
    }
}
