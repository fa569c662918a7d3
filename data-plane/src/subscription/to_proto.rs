//! What a data plane says, in the words of the contract.

mod rules;

use std::time::Duration;

use pointsman_proto::v1;
use pointsman_proto::v1::{follow_request, route_key};
use pointsman_route_key::{Host, Path, RouteKey};
use pointsman_routing::{
    Algorithm, EmptyPool, Endpoint, RejectedThing, Route, RouteTimeouts, View, Writer,
};

/// A message of a data plane.
pub(super) fn request(message: follow_request::Message) -> v1::FollowRequest {
    v1::FollowRequest {
        message: Some(message),
    }
}

/// A length of time; `None` for what no duration of the contract can hold: 10,000 years.
pub(super) fn duration(time: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(time).ok()
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

/// What is not held because it was rejected.
pub(super) fn rejected(rejected: RejectedThing<'_>) -> v1::RejectedThing {
    v1::RejectedThing {
        route: Some(key(rejected.key)),
        address: rejected.address.to_owned(),
        segment: rejected.segment.to_owned(),
        reason: rejected.reason.to_owned(),
    }
}

/// What is held, as a heartbeat says it.
pub(super) fn heartbeat(writer: &Writer) -> v1::Heartbeat {
    let View { things, digest } = writer.held();
    v1::Heartbeat {
        revision: writer.revision(),
        things,
        digest,
    }
}

/// A route as it is served, its attributes first.
pub(super) fn things(route: &Route) -> impl Iterator<Item = v1::Thing> {
    let endpoints = route.endpoints().iter();
    std::iter::once(attributes_of(route)).chain(endpoints.map(|each| endpoint_of(route, each)))
}

/// The attributes of a route as it is served.
pub(super) fn attributes_of(route: &Route) -> v1::Thing {
    v1::Thing {
        kind: Some(v1::thing::Kind::Route(attributes(route))),
    }
}

/// An endpoint of a route.
pub(super) fn endpoint_of(route: &Route, each: &Endpoint) -> v1::Thing {
    v1::Thing {
        kind: Some(v1::thing::Kind::Endpoint(endpoint(route, each))),
    }
}

fn attributes(route: &Route) -> v1::Route {
    let held = route.origin();
    let balancing = balancing(route);
    let mut said = v1::Route {
        key: Some(key(route.key())),
        segment: held.segment.to_owned(),
        revision: held.revision,
        birth: held.birth,
        generation: held.generation,
        host_as_registered: route.host_as_registered().into_owned(),
        path_as_registered: route.path_as_registered().to_owned(),
        empty_pool: route.empty_pool().map(|rule| v1::EmptyPool {
            status: match rule {
                EmptyPool::NotFound => 404,
                EmptyPool::Unavailable => 503,
            },
            timeout: None,
        }),
        policy: route.policy().map(|policy| v1::Policy {
            scope: policy.scope().to_owned(),
            sources: policy.sources().map(str::to_owned).collect(),
        }),
        timeouts: route.timeouts().map(timeouts),
        groups: vec![v1::Group {
            id: route.group().to_owned(),
            weight: 1,
            request_headers: None,
            pool: Some(v1::Pool {
                balancing,
                route_service_url: route.route_service().unwrap_or_default().to_owned(),
                ..v1::Pool::default()
            }),
        }],
        ..v1::Route::default()
    };
    if let Some(held) = route.rules() {
        rules::put(held, &mut said);
    }
    said
}

fn timeouts(timeouts: &RouteTimeouts) -> v1::Timeouts {
    // Zero is no bound.
    let bound = |bound: Duration| prost_types::Duration::try_from(bound).unwrap_or_default();
    v1::Timeouts {
        request: timeouts.request.map(bound),
        attempt: timeouts.attempt.map(bound),
        idle: timeouts.idle.map(bound),
    }
}

fn balancing(route: &Route) -> Option<v1::Balancing> {
    if let Some(by) = route.hashed_by() {
        return Some(v1::Balancing {
            algorithm: v1::Algorithm::Hash.into(),
            hash_header: by.header().to_owned(),
            hash_balance: by.balance(),
        });
    }
    let algorithm = match route.algorithm()? {
        Algorithm::RoundRobin => v1::Algorithm::RoundRobin,
        Algorithm::LeastConnection => v1::Algorithm::LeastConnection,
    };
    Some(v1::Balancing {
        algorithm: algorithm.into(),
        ..v1::Balancing::default()
    })
}

fn endpoint(route: &Route, endpoint: &Endpoint) -> v1::Endpoint {
    let balancing = endpoint.registered_balancing();
    v1::Endpoint {
        route: Some(key(route.key())),
        group: endpoint.group().to_owned(),
        address: endpoint.address().to_string(),
        segment: endpoint.segment().to_owned(),
        generation: endpoint.generation(),
        protocol: endpoint.protocol_text().to_owned(),
        tls: endpoint.tls().map(|name| v1::TlsIdentity {
            server_cert_domain_san: name.to_owned(),
        }),
        app_id: endpoint.app_id().to_owned(),
        instance_id: endpoint.instance_id().to_owned(),
        instance_index: endpoint.instance_index().to_owned(),
        tags: endpoint.tags().map_or_else(Default::default, |tags| {
            tags.iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        }),
        has_tags: endpoint.tags().is_some(),
        availability_zone: endpoint.availability_zone().to_owned(),
        route_service_url: endpoint.route_service_url().to_owned(),
        balancing: balancing.map(|balancing| v1::RegisteredBalancing {
            algorithm: balancing.algorithm.clone(),
            hash_header: balancing.hash_header.clone(),
            hash_balance: balancing.hash_balance,
        }),
        limits: (endpoint.max_connections() != 0).then(|| v1::Limits {
            max_connections: endpoint.max_connections(),
        }),
        updated_at_ns: endpoint.updated_at_ns(),
        stale_threshold_seconds: endpoint.stale_threshold_seconds(),
        silent: endpoint.is_silent(),
    }
}
