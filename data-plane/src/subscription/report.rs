//! What a control plane wants to know of a data plane.

use std::time::Duration;

use pointsman_proto::v1::{self, follow_request};

use super::to_proto;
use crate::failing::Failures;

/// How busy this data plane is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests since the process started.
    pub requests: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Client connections that are open.
    pub connections: u64,
}

/// A report, with the failures since the last one.
pub(super) fn report(
    failures: &mut Failures,
    load: Load,
    (orphans, held_removals): (u64, u64),
    (table_age, draining): (Option<Duration>, bool),
) -> v1::FollowRequest {
    let failing = failures
        .take()
        .into_iter()
        .map(|(kind, count)| v1::FailingEndpoint {
            route: Some(to_proto::key(&kind.route)),
            address: kind.address,
            reason: kind.reason.to_owned(),
            count,
        });
    to_proto::request(follow_request::Message::Report(v1::Report {
        failing: failing.collect(),
        load: Some(v1::Load {
            requests: load.requests,
            in_flight: load.in_flight,
            connections: load.connections,
        }),
        held_removals,
        orphans,
        table_age: table_age.and_then(|age| prost_types::Duration::try_from(age).ok()),
        draining,
    }))
}
