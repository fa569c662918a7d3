//! The contract's words in the registry's.

use std::sync::Arc;

use pointsman_proto::v1::{self, route_key};
use pointsman_registry::{Capabilities, Removal, SegmentFilter, Sum};
use pointsman_route_key::{Host, Path, RouteKey};

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
        v1::Capability::Unspecified
        | v1::Capability::MatchMethod
        | v1::Capability::MatchHeader
        | v1::Capability::MatchQuery
        | v1::Capability::HeaderFilter
        | v1::Capability::Rewrite
        | v1::Capability::Cors
        | v1::Capability::Redirect
        | v1::Capability::RouteTimeouts
        | v1::Capability::RetryPolicy
        | v1::Capability::WeightedGroups
        | v1::Capability::GroupHeaders
        | v1::Capability::Activation
        | v1::Capability::EndpointLimits
        | v1::Capability::RouteEmptyPool => None,
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
