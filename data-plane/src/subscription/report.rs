//! What a control plane wants to know of a data plane.

use std::time::Duration;

use pointsman_proto::v1::{self, follow_request};

use super::to_proto;
use crate::counters::{Totals, Traffic};
use crate::failing::Failures;

/// Apps that one report names; further ones follow with the next.
const ACTIVE_APPS: usize = 4096;

/// How busy this data plane is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// What it has counted since it started, and what there is now.
    pub totals: Totals,
    /// Apps that had requests since the last report, each with the seconds since its last one.
    pub active_apps: Vec<(Box<str>, u64)>,
}

impl Load {
    /// What a proxy has counted. Apps are named once.
    #[must_use]
    pub fn of(traffic: &Traffic) -> Self {
        let now = jiff::Timestamp::now().as_second();
        let now = u64::try_from(now).unwrap_or_default();
        let apps = traffic.take_active_apps(ACTIVE_APPS).into_iter();
        Self {
            totals: traffic.totals(),
            active_apps: apps
                .map(|(app, second)| (app, now.saturating_sub(second)))
                .collect(),
        }
    }
}

/// What an operator has switched at this data plane.
#[derive(Clone, Debug, Default)]
pub(super) struct Switched {
    /// The kinds of the overrides that stand.
    pub(super) overrides: Vec<String>,
    /// Something else is served than what is received.
    pub(super) frozen: bool,
    /// The revision that is received.
    pub(super) received_revision: u64,
}

/// A report, with the failures since the last one.
pub(super) fn report(
    failures: &mut Failures,
    load: Load,
    (orphans, held_removals): (u64, u64),
    (table_age, draining): (Option<Duration>, bool),
    switched: Switched,
) -> v1::FollowRequest {
    let totals = load.totals;
    let active_apps = load.active_apps.into_iter();
    let active_apps = active_apps.map(|(app_id, seconds_ago)| v1::ActiveApp {
        app_id: app_id.into(),
        seconds_ago,
    });
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
            requests: totals.requests,
            in_flight: totals.requests_in_flight,
            connections: totals.connections_open,
        }),
        counts: Some(v1::Counts {
            attempts: totals.attempts,
            rejected_requests: totals.rejected_requests,
            bad_gateways: totals.bad_gateways,
            responses_2xx: totals.responses_2xx,
            responses_3xx: totals.responses_3xx,
            responses_4xx: totals.responses_4xx,
            responses_5xx: totals.responses_5xx,
            responses_xxx: totals.responses_xxx,
        }),
        active_apps: active_apps.collect(),
        held_removals,
        orphans,
        table_age: table_age.and_then(to_proto::duration),
        draining,
        overrides: switched.overrides,
        frozen: switched.frozen,
        received_revision: switched.received_revision,
    }))
}
