//! Attributes of routes.

use std::sync::Arc;
use std::time::Duration;

use pointsman_proto::v1::{self, Capability};
use pointsman_route_key::{Path, RouteKey};
use pointsman_routing::{
    Algorithm, Attributes, EmptyPool, HashedBy, Policy, Rejection, RouteThing, RouteTimeouts,
    Thing, ThingKind,
};

use super::{Unnamed, key, rules, unnamed};
use crate::subscription::capabilities::lacks;

pub(super) fn thing(route: v1::Route) -> Result<Thing, Box<Unnamed>> {
    let key = match key(route.key.as_ref()) {
        Ok(key) => key,
        Err(reason) => return Err(unnamed((route.key, ""), &route.segment, reason)),
    };
    Ok(match attributes(&key, &route) {
        Ok(attributes) => Thing::Route(RouteThing {
            key,
            segment: route.segment,
            revision: route.revision,
            birth: route.birth,
            generation: route.generation,
            host_as_registered: route.host_as_registered,
            path_as_registered: route.path_as_registered,
            attributes,
        }),
        Err(reason) => Thing::Rejected(Rejection {
            key,
            segment: route.segment,
            kind: ThingKind::Route {
                revision: route.revision,
                birth: route.birth,
                generation: route.generation,
            },
            reason,
        }),
    })
}

/// What the route asks for, if all of it can be honoured.
fn attributes(key: &RouteKey, route: &v1::Route) -> Result<Attributes, String> {
    if let Some(capability) = missing(key, route) {
        return Err(lacks(capability));
    }
    let [group] = route.groups.as_slice() else {
        return Err(match route.groups.len() {
            0 => "it has no group".to_owned(),
            _ => lacks(Capability::WeightedGroups),
        });
    };
    if group.weight == 0 {
        return Err(lacks(Capability::WeightedGroups));
    }
    if group.request_headers.is_some() {
        return Err(lacks(Capability::GroupHeaders));
    }
    let pool = group.pool.as_ref();
    let (algorithm, hashed_by) = pool.map_or(Ok((None, None)), balancing)?;
    Ok(Attributes {
        empty_pool: route.empty_pool.as_ref().map(empty_pool).transpose()?,
        algorithm,
        hashed_by,
        policy: route.policy.as_ref().map(policy),
        timeouts: route.timeouts.as_ref().map(timeouts).transpose()?.flatten(),
        route_service: pool
            .map(|pool| pool.route_service_url.as_str())
            .filter(|url| !url.is_empty())
            .map(Into::into),
        group: group.id.as_str().into(),
        rules: rules::rules(route)?.map(Arc::new),
    })
}

/// The first capability that the route needs and that is not claimed, of those that a field says.
fn missing(key: &RouteKey, route: &v1::Route) -> Option<Capability> {
    let matched = route.r#match.as_ref();
    [
        (Capability::ExactPath, matches!(key.path, Path::Exact(_))),
        (
            Capability::PathTemplate,
            matches!(key.path, Path::Template(_)),
        ),
        (
            Capability::MatchMethod,
            matched.is_some_and(|rule| !rule.methods.is_empty()),
        ),
        (
            Capability::MatchHeader,
            matched.is_some_and(|rule| !rule.headers.is_empty()),
        ),
        (
            Capability::MatchQuery,
            matched.is_some_and(|rule| !rule.query.is_empty()),
        ),
    ]
    .into_iter()
    .find_map(|(capability, needed)| needed.then_some(capability))
}

fn policy(policy: &v1::Policy) -> Box<Policy> {
    let sources = policy.sources.iter().map(String::as_str);
    Box::new(Policy::new(&policy.scope, sources))
}

/// How the endpoints of a pool are chosen, if the pool says so.
fn balancing(pool: &v1::Pool) -> Result<(Option<Algorithm>, Option<HashedBy>), String> {
    if pool.activation.is_some() {
        return Err(lacks(Capability::Activation));
    }
    let Some(balancing) = &pool.balancing else {
        return Ok((None, None));
    };
    if balancing.algorithm() != v1::Algorithm::Hash {
        let algorithm = known_algorithm(balancing.algorithm)?;
        return Ok((Some(algorithm), None));
    }
    let by = HashedBy::new(&balancing.hash_header, balancing.hash_balance);
    by.map(|by| (None, Some(by))).ok_or_else(|| {
        format!(
            "its hash is of the header field {:?} with the balance {}; expected a name, and a \
             balance of 0 or more",
            balancing.hash_header, balancing.hash_balance
        )
    })
}

/// How long requests of the route may take, if it says anything about that. Zero is no bound, as in the routes of
/// Kubernetes (GEP-1742).
fn timeouts(given: &v1::Timeouts) -> Result<Option<Box<RouteTimeouts>>, String> {
    let bound = |name: &str, given: Option<prost_types::Duration>| {
        let Some(given) = given else { return Ok(None) };
        match Duration::try_from(given) {
            Ok(Duration::ZERO) => Ok(Some(Duration::MAX)),
            Ok(bound) => Ok(Some(bound)),
            Err(_) => Err(format!("its timeout {name} is below zero")),
        }
    };
    let timeouts = RouteTimeouts {
        request: bound("request", given.request)?,
        attempt: bound("attempt", given.attempt)?,
        idle: bound("idle", given.idle)?,
    };
    Ok((timeouts != RouteTimeouts::default()).then(|| Box::new(timeouts)))
}

/// An algorithm by its number, of those that choose for any request.
pub(super) fn known_algorithm(number: i32) -> Result<Algorithm, String> {
    match v1::Algorithm::try_from(number) {
        Ok(v1::Algorithm::RoundRobin) => Ok(Algorithm::RoundRobin),
        Ok(v1::Algorithm::LeastConnection) => Ok(Algorithm::LeastConnection),
        Ok(algorithm @ v1::Algorithm::Hash) => Err(format!(
            "the algorithm {} is for single routes only",
            algorithm.as_str_name()
        )),
        Ok(v1::Algorithm::Unspecified) | Err(_) => {
            Err(format!("the algorithm {number} is not known"))
        }
    }
}

/// What a request gets while there is no endpoint.
pub(super) fn empty_pool(rule: &v1::EmptyPool) -> Result<EmptyPool, String> {
    match rule.status {
        404 => Ok(EmptyPool::NotFound),
        503 => Ok(EmptyPool::Unavailable),
        other => Err(format!(
            "the status {other} of its empty-pool rule is neither 404 nor 503"
        )),
    }
}
