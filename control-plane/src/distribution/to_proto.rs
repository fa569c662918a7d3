//! The registry's words in the contract's.

use std::time::Duration;

use pointsman_proto::v1::{self, follow_response, route_key};
use pointsman_registry::{Algorithm, Closing, Removal, SegmentFilter, Standing, Sum, Transfer};
use pointsman_route_key::{Host, Path, RouteKey};

use super::Effective;

/// A message of a control plane.
#[must_use]
pub fn response(message: follow_response::Message) -> v1::FollowResponse {
    v1::FollowResponse {
        message: Some(message),
    }
}

/// A key.
pub(super) fn key(key: &RouteKey) -> v1::RouteKey {
    let host = match &key.host {
        Host::Exact(host) => route_key::Host::ExactHost(host.to_string()),
        Host::Suffix(suffix) => route_key::Host::HostSuffix(suffix.to_string()),
        Host::Any => route_key::Host::AnyHost(v1::AnyHost {}),
    };
    let path = match &key.path {
        Path::Prefix(path) => route_key::Path::PathPrefix(path.to_string()),
        Path::Exact(path) => route_key::Path::ExactPath(path.to_string()),
        Path::Template(path) => route_key::Path::PathTemplate(path.to_string()),
    };
    v1::RouteKey {
        host: Some(host),
        path: Some(path),
    }
}

/// An algorithm.
pub(super) fn algorithm(algorithm: Algorithm) -> v1::Algorithm {
    match algorithm {
        Algorithm::RoundRobin => v1::Algorithm::RoundRobin,
        Algorithm::LeastConnection => v1::Algorithm::LeastConnection,
        Algorithm::Hash => v1::Algorithm::Hash,
    }
}

/// The end of what was sent since the last one.
#[must_use]
pub fn closing(closing: &Closing) -> v1::FollowResponse {
    response(follow_response::Message::ClosingStep(v1::ClosingStep {
        removals: closing.removals.iter().map(removal).collect(),
        continues: closing.continues,
        revision: closing.revision,
        complete: closing.complete,
        things: closing.sum.things,
        digest: closing.sum.digest,
    }))
}

fn removal(removal: &Removal) -> v1::Removal {
    v1::Removal {
        route: Some(key(&removal.route)),
        address: removal.address.to_string(),
        segment: removal.segment.to_string(),
    }
}

/// A sign of life.
#[must_use]
pub fn heartbeat(revision: u64, sum: Sum) -> v1::FollowResponse {
    let Sum { things, digest } = sum;
    response(follow_response::Message::Heartbeat(v1::Heartbeat {
        revision,
        things,
        digest,
    }))
}

/// An operator lets go what is held back.
#[must_use]
pub fn release(epoch: u64, up_to_revision: u64) -> v1::FollowResponse {
    response(follow_response::Message::Release(v1::Release {
        epoch,
        up_to_revision,
    }))
}

/// What a control plane's word is worth.
#[must_use]
pub fn standing(standing: &Standing) -> v1::Standing {
    v1::Standing {
        open: standing.open,
        authoritative: standing.authoritative,
        reason: standing.reason.clone(),
    }
}

/// How the first closing step is reached.
#[must_use]
pub fn transfer(transfer: Transfer) -> v1::Transfer {
    match transfer {
        Transfer::Delta => v1::Transfer::Delta,
        Transfer::Snapshot => v1::Transfer::Snapshot,
    }
}

/// Which segments are granted.
#[must_use]
pub fn filter(filter: &SegmentFilter) -> v1::SegmentFilter {
    let (mode, segments) = match filter {
        SegmentFilter::All => (v1::SegmentMode::All, &[][..]),
        SegmentFilter::SharedAnd(listed) => (v1::SegmentMode::SharedAndSegments, &listed[..]),
        SegmentFilter::Only(listed) => (v1::SegmentMode::Segments, &listed[..]),
    };
    v1::SegmentFilter {
        mode: mode.into(),
        segments: segments.iter().map(ToString::to_string).collect(),
    }
}

/// What every data plane uses alike; `default` in the place of the configured algorithm.
#[must_use]
pub fn settings(effective: &Effective, default: Algorithm) -> v1::Settings {
    v1::Settings {
        mark_time: duration(effective.mark_time),
        empty_pool: Some(v1::EmptyPool {
            status: effective.empty_pool_status.into(),
            timeout: duration(effective.empty_pool_timeout),
        }),
        default_algorithm: algorithm(default).into(),
        registration_interval: duration(effective.registration_interval),
    }
}

/// `None` for what no duration of the contract can hold: 10,000 years.
pub(super) fn duration(duration: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(duration).ok()
}

#[cfg(test)]
mod tests;
