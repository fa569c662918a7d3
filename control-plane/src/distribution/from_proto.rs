//! The contract's words in the registry's.

use std::sync::Arc;
use std::time::Duration;

use pointsman_proto::v1::{self, answer, route_key, thing};
use pointsman_registry::{Capabilities, Removal, SegmentFilter, Sum};
use pointsman_route_key::{Host, Path, RouteKey};

use crate::registry_task::{Answer, Counts, HeldEndpoint, HeldRoute, Holding, Rejected};

/// A route's key; `None` where one of its two parts is missing.
pub(super) fn key(key: v1::RouteKey) -> Option<RouteKey> {
    let host = match key.host? {
        route_key::Host::ExactHost(host) => Host::Exact(host.into()),
        route_key::Host::HostSuffix(suffix) => Host::Suffix(suffix.into()),
        route_key::Host::AnyHost(v1::AnyHost {}) => Host::Any,
    };
    let path = match key.path? {
        route_key::Path::PathPrefix(path) => Path::Prefix(path.into()),
        route_key::Path::ExactPath(path) => Path::Exact(path.into()),
        route_key::Path::PathTemplate(path) => Path::Template(path.into()),
    };
    Some(RouteKey { host, path })
}

/// The name of a rejected thing; `None` where it names no route.
pub(super) fn rejected(thing: v1::RejectedThing) -> Option<Removal> {
    Some(Removal {
        route: Arc::new(key(thing.route?)?),
        address: thing.address.into(),
        segment: thing.segment.into(),
    })
}

/// A rejected thing as it is shown to people: what is wrong with it may not be longer than that takes.
pub(super) fn shown(thing: &v1::RejectedThing) -> Rejected {
    let route = thing.route.clone().and_then(key);
    Rejected {
        route: route.map(|key| key.to_string()).unwrap_or_default(),
        address: thing.address.as_str().into(),
        segment: thing.segment.as_str().into(),
        reason: cut(&thing.reason, REASON).into(),
    }
}

/// The longest reason that is shown, in bytes.
const REASON: usize = 256;

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// An answer; things that are neither routes nor endpoints are left out.
pub(super) fn answer(answer: v1::Answer) -> Answer {
    match answer.kind {
        Some(answer::Kind::Holding(holding)) => Answer::Holding(held(holding)),
        Some(answer::Kind::Digest(beat)) => Answer::Digest {
            revision: beat.revision,
            sum: sum(beat.things, beat.digest),
        },
        Some(answer::Kind::Refused(reason)) => Answer::Refused(reason),
        None => Answer::Refused("the answer is of a kind that is not known here".to_owned()),
    }
}

/// The most things of an answer that are shown.
const HELD: usize = 512;

/// The most steps of an explanation that are shown.
const STEPS: usize = 64;

fn held(holding: v1::Holding) -> Holding {
    let mut shown = Holding {
        truncated: holding.truncated || holding.things.len() > HELD,
        steps: holding.steps.into_iter().take(STEPS).collect(),
        sum: holding.sum.map(|it| sum(it.things, it.digest)),
        ..Holding::default()
    };
    for thing in holding.things.into_iter().take(HELD) {
        match thing.kind {
            Some(thing::Kind::Route(route)) => shown.routes.push(held_route(route)),
            Some(thing::Kind::Endpoint(endpoint)) => shown.endpoints.push(held_endpoint(endpoint)),
            None => {}
        }
    }
    shown
}

fn held_route(route: v1::Route) -> HeldRoute {
    let pool = route.groups.into_iter().next().and_then(|group| group.pool);
    let pool = pool.unwrap_or_default();
    let algorithm = match pool.balancing.unwrap_or_default().algorithm() {
        v1::Algorithm::Unspecified => "",
        v1::Algorithm::RoundRobin => "round-robin",
        v1::Algorithm::LeastConnection => "least-connection",
        v1::Algorithm::Hash => "hash",
    };
    HeldRoute {
        route: spelled(route.key),
        segment: route.segment,
        revision: route.revision,
        birth: route.birth,
        generation: route.generation,
        route_service_url: pool.route_service_url,
        algorithm,
    }
}

fn held_endpoint(endpoint: v1::Endpoint) -> HeldEndpoint {
    HeldEndpoint {
        route: spelled(endpoint.route),
        address: endpoint.address,
        segment: endpoint.segment,
        generation: endpoint.generation,
        protocol: endpoint.protocol,
        server_cert_domain_san: endpoint.tls.map(|tls| tls.server_cert_domain_san),
        app_id: endpoint.app_id,
        instance_id: endpoint.instance_id,
        instance_index: endpoint.instance_index,
        availability_zone: endpoint.availability_zone,
        silent: endpoint.silent,
    }
}

fn spelled(route: Option<v1::RouteKey>) -> String {
    route
        .and_then(key)
        .map(|key| key.to_string())
        .unwrap_or_default()
}

/// What a data plane has counted.
pub(super) fn counts(counts: v1::Counts) -> Counts {
    Counts {
        attempts: counts.attempts,
        rejected_requests: counts.rejected_requests,
        bad_gateways: counts.bad_gateways,
        responses: [
            counts.responses_2xx,
            counts.responses_3xx,
            counts.responses_4xx,
            counts.responses_5xx,
            counts.responses_xxx,
        ],
    }
}

/// A length of time; `None` for one that is negative, or out of bounds.
pub(super) fn duration(given: prost_types::Duration) -> Option<Duration> {
    given.try_into().ok()
}

/// Which segments are meant; `None` for a mode that is not said or not known.
pub(super) fn filter(filter: v1::SegmentFilter) -> Option<SegmentFilter> {
    let mode = filter.mode();
    let segments = filter
        .segments
        .into_iter()
        .map(String::into_boxed_str)
        .collect();
    match mode {
        v1::SegmentMode::Unspecified => None,
        v1::SegmentMode::All => Some(SegmentFilter::All),
        v1::SegmentMode::SharedAndSegments => Some(SegmentFilter::SharedAnd(segments)),
        v1::SegmentMode::Segments => Some(SegmentFilter::Only(segments)),
    }
}

/// What a data plane can honour, as far as the registry has anything that needs it.
pub(super) fn capabilities(claimed: impl Iterator<Item = v1::Capability>) -> Capabilities {
    claimed
        .filter_map(capability)
        .fold(Capabilities::NONE, |all, one| all | one)
}

/// The registry's name of a capability; `None` where nothing that it holds needs that.
fn capability(capability: v1::Capability) -> Option<Capabilities> {
    match capability {
        v1::Capability::TlsEndpoint => Some(Capabilities::TLS_ENDPOINT),
        v1::Capability::Http2Endpoint => Some(Capabilities::HTTP2_ENDPOINT),
        v1::Capability::LeastConnection => Some(Capabilities::LEAST_CONNECTION),
        v1::Capability::HashBalancing => Some(Capabilities::HASH_BALANCING),
        v1::Capability::RouteService => Some(Capabilities::ROUTE_SERVICE),
        v1::Capability::AnyHost => Some(Capabilities::ANY_HOST),
        v1::Capability::ExactPath => Some(Capabilities::EXACT_PATH),
        v1::Capability::PathTemplate => Some(Capabilities::PATH_TEMPLATE),
        v1::Capability::Policy => Some(Capabilities::POLICY),
        v1::Capability::HeaderFilter => Some(Capabilities::HEADER_FILTER),
        v1::Capability::Rewrite => Some(Capabilities::REWRITE),
        v1::Capability::RouteTimeouts => Some(Capabilities::ROUTE_TIMEOUTS),
        v1::Capability::Repeatable => Some(Capabilities::REPEATABLE),
        v1::Capability::RouteEmptyPool => Some(Capabilities::ROUTE_EMPTY_POOL),
        v1::Capability::Unspecified
        | v1::Capability::MatchMethod
        | v1::Capability::MatchHeader
        | v1::Capability::MatchQuery
        | v1::Capability::Cors
        | v1::Capability::Redirect
        | v1::Capability::RetryPolicy
        | v1::Capability::WeightedGroups
        | v1::Capability::GroupHeaders
        | v1::Capability::Activation
        | v1::Capability::EndpointLimits => None,
    }
}

/// What things add up to.
pub(super) fn sum(things: u64, digest: u64) -> Sum {
    Sum { things, digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_of_the_registry_has_a_name_in_the_contract() {
        let all = (0..=255).filter_map(|number| v1::Capability::try_from(number).ok());
        let named: Vec<_> = all.filter_map(capability).collect();
        for needed in Capabilities::EACH {
            assert_eq!(
                named.iter().filter(|it| **it == needed).count(),
                1,
                "{needed:?}"
            );
        }
    }
}
