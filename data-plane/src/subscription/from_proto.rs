//! What a control plane says, in the words of the table.
//!
//! Whatever this data plane cannot honour, or what makes no sense, becomes a rejection that says
//! so; nothing is ignored. A thing without a name that could be repeated in an acknowledgement is
//! handed back as it came.

mod endpoint;
mod key;
mod route;
mod rules;
mod settings;

use std::time::Duration;

use pointsman_proto::v1;
use pointsman_routing::{Closing, Removal, Segments, Thing, View};

pub(super) use key::key;
pub(super) use settings::settings;

/// A thing whose name makes no sense, as an acknowledgement names it.
pub(super) type Unnamed = v1::RejectedThing;

/// A thing that was sent.
///
/// # Errors
///
/// Where it has no name under which it could be held or rejected.
pub(super) fn thing(thing: v1::Thing) -> Result<Thing, Box<Unnamed>> {
    match thing.kind {
        Some(v1::thing::Kind::Route(route)) => route::thing(route),
        Some(v1::thing::Kind::Endpoint(endpoint)) => endpoint::thing(endpoint),
        None => Err(unnamed(
            (None, ""),
            "",
            "it is neither a route nor an endpoint that this data plane knows",
        )),
    }
}

/// A part of a closing step. Removals whose name makes no sense are left out: nothing can be held
/// under such a name.
#[must_use]
pub(super) fn closing(step: v1::ClosingStep) -> Closing {
    Closing {
        removals: step.removals.into_iter().filter_map(removal).collect(),
        continues: step.continues,
        revision: step.revision,
        complete: step.complete,
        expected: View {
            things: step.things,
            digest: step.digest,
        },
    }
}

/// The segments that were granted; all of them where the control plane does not say.
#[must_use]
pub(super) fn granted(filter: v1::SegmentFilter) -> Segments {
    match filter.mode() {
        v1::SegmentMode::Unspecified | v1::SegmentMode::All => Segments::All,
        v1::SegmentMode::SharedAndSegments => Segments::SharedAnd(filter.segments),
        v1::SegmentMode::Segments => Segments::Only(filter.segments),
    }
}

/// A length of time.
///
/// # Errors
///
/// Where it is negative, or longer than any is.
pub(super) fn duration(
    given: prost_types::Duration,
) -> Result<Duration, prost_types::DurationError> {
    given.try_into()
}

fn removal(removal: v1::Removal) -> Option<Removal> {
    Some(Removal {
        key: key(removal.route.as_ref()).ok()?,
        address: removal.address,
        segment: removal.segment,
    })
}

fn unnamed(
    (route, address): (Option<v1::RouteKey>, &str),
    segment: &str,
    reason: impl Into<String>,
) -> Box<Unnamed> {
    Box::new(v1::RejectedThing {
        route,
        address: address.to_owned(),
        segment: segment.to_owned(),
        reason: reason.into(),
    })
}

#[cfg(test)]
mod tests;
