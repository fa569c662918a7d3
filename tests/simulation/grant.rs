//! Which isolation segments a data plane may see.

use pointsman_proto::v1;
use pointsman_registry::SegmentFilter;

/// What a data plane may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    All,
    Shared,
    SharedAnd(&'static str),
    Only(&'static str),
}

pub(crate) const GRANTS: [Grant; 6] = [
    Grant::All,
    Grant::SharedAnd("east"),
    Grant::SharedAnd("west"),
    Grant::Shared,
    Grant::Only("west"),
    Grant::Only(""),
];

impl Grant {
    pub(crate) fn sees(self, segment: &str) -> bool {
        match self {
            Self::All => true,
            Self::Shared => segment.is_empty(),
            Self::SharedAnd(listed) => segment.is_empty() || segment == listed,
            Self::Only(listed) => segment == listed,
        }
    }

    /// As a control plane has it.
    pub(crate) fn filter(self) -> SegmentFilter {
        match self {
            Self::All => SegmentFilter::All,
            Self::Shared => SegmentFilter::SharedAnd(vec![]),
            Self::SharedAnd(listed) => SegmentFilter::SharedAnd(vec![listed.into()]),
            Self::Only(listed) => SegmentFilter::Only(vec![listed.into()]),
        }
    }

    /// As a data plane asks for it, which is granted less or more.
    pub(crate) fn wish() -> v1::SegmentFilter {
        v1::SegmentFilter {
            mode: v1::SegmentMode::All.into(),
            segments: vec![],
        }
    }
}
