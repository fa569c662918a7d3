//! How what a data plane holds of the route that answers differs from what is registered.
//!
//! Each thing carries a digest of all that decides about it, which counts; of what it is made of, as much is named as an
//! answer tells.

use std::collections::BTreeMap;

use pointsman_registry::{Algorithm, Endpoint, Route, RouteListing, SegmentFilter, Sum};
use pointsman_route_key::{RouteKey, digest};

use super::pool::given;
use crate::registry_task::{HeldEndpoint, HeldRoute, Holding};

/// Addresses that are named of one difference.
const NAMED: usize = 10;

/// What came of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// It would answer as the registry does.
    Same,
    /// It would not, for these reasons.
    Different(Vec<String>),
    /// It does not say enough.
    Unknown(String),
}

/// Compares what a data plane with this filter holds.
pub(super) fn compare(
    filter: &SegmentFilter,
    holding: &Holding,
    matched: Option<(&RouteKey, &RouteListing)>,
) -> Compared {
    let held = holding.routes.first();
    let theirs = held.map(|it| it.route.as_str());
    let ours = matched.map(|(key, _)| key.to_string());
    let wanted = matched.and_then(|(_, route)| attributes(filter, route));
    if theirs != ours.as_deref() {
        let route = |it: Option<&str>| it.map_or("no route".to_owned(), |it| format!("`{it}`"));
        let mut told = format!("{} answers, not {}", route(theirs), route(ours.as_deref()));
        if matched.is_some() && wanted.is_none() {
            told.push_str(", which is in no isolation segment that it sees");
        }
        return Compared::Different(vec![told]);
    }
    let (Some((key, route)), Some(held)) = (matched, held) else {
        return Compared::Same;
    };
    let mut told: Vec<_> = of_attributes(held, wanted).into_iter().collect();
    told.extend(of_endpoints(filter, holding, route));
    if told.is_empty() {
        of_sum(holding, sum(filter, key, route, wanted))
    } else {
        Compared::Different(told)
    }
}

/// The attributes that count for whoever sees these segments.
fn attributes<'a>(filter: &SegmentFilter, route: &'a RouteListing) -> Option<&'a Route> {
    let seen = route.attributes.iter();
    let seen = seen.filter(|it| filter.sees(&it.segment));
    seen.max_by_key(|it| it.revision)
}

fn of_attributes(held: &HeldRoute, wanted: Option<&Route>) -> Option<String> {
    let Some(wanted) = wanted else {
        return Some("still has the route, which is in no isolation segment that it sees".into());
    };
    if (held.generation, &*held.segment) == (wanted.generation, &*wanted.segment) {
        return None;
    }
    let options = wanted.options();
    let service = options.map_or("", |it| &it.route_service_url);
    let balancing = options.and_then(|it| it.balancing.as_ref());
    let algorithm = balancing.map_or("", |it| word(it.algorithm));
    let parts = [
        ("isolation segment", held.segment != *wanted.segment),
        ("route service", held.route_service_url != service),
        ("algorithm", held.algorithm != algorithm),
    ];
    Some(format!(
        "has the route with another {}",
        other(parts, "attribute")
    ))
}

fn word(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RoundRobin => "round-robin",
        Algorithm::LeastConnection => "least-connection",
        Algorithm::Hash => "hash",
    }
}

/// The parts that are different, or what stands for those that no answer tells.
fn other<const N: usize>(parts: [(&str, bool); N], untold: &str) -> String {
    let other = parts.iter().filter(|(_, is_other)| *is_other);
    let other: Vec<_> = other.map(|(name, _)| *name).collect();
    if other.is_empty() {
        untold.to_owned()
    } else {
        other.join(" and ")
    }
}

fn of_endpoints(filter: &SegmentFilter, holding: &Holding, route: &RouteListing) -> Vec<String> {
    let each = holding.endpoints.iter();
    let mut held: BTreeMap<_, _> = each.map(|it| (&*it.address, it)).collect();
    let mut told = BTreeMap::<_, Vec<_>>::new();
    for listed in given(route) {
        let endpoint = &listed.endpoint;
        let address = &*endpoint.address;
        let what = match held.remove(address) {
            Some(held) => of_endpoint(held, endpoint),
            None if !filter.sees(&endpoint.segment) => {
                Some("does not see the isolation segment of the endpoints".to_owned())
            }
            // What is missing may only not have been told.
            None if holding.truncated => None,
            None => Some("does not have the endpoints".to_owned()),
        };
        if let Some(what) = what {
            told.entry(what).or_default().push(address);
        }
    }
    if !held.is_empty() {
        let more = held.into_keys().collect();
        told.insert("still has the endpoints".to_owned(), more);
    }
    let each = told.into_iter();
    each.map(|(what, addresses)| format!("{what} {}", named(&addresses)))
        .collect()
}

fn of_endpoint(held: &HeldEndpoint, wanted: &Endpoint) -> Option<String> {
    let ours = (wanted.generation, &*wanted.segment);
    if (held.generation, &*held.segment) != ours {
        let it = &wanted.description;
        let identity = it.is_tls().then(|| it.server_cert_domain_san());
        let instance = (it.app_id(), it.instance_id(), it.instance_index());
        let parts = [
            ("isolation segment", held.segment != *wanted.segment),
            ("protocol", held.protocol != it.protocol()),
            (
                "TLS identity",
                held.server_cert_domain_san.as_deref() != identity,
            ),
            (
                "instance",
                (&*held.app_id, &*held.instance_id, &*held.instance_index) != instance,
            ),
            (
                "availability zone",
                held.availability_zone != it.availability_zone(),
            ),
        ];
        let other = other(parts, "attribute");
        return Some(format!("has with another {other} the endpoints"));
    }
    match (held.silent, wanted.silent) {
        (true, false) => Some("takes for silent the endpoints".to_owned()),
        (false, true) => Some("does not take for silent the endpoints".to_owned()),
        (true, true) | (false, false) => None,
    }
}

fn named(addresses: &[&str]) -> String {
    let some = addresses[..addresses.len().min(NAMED)].join(", ");
    match addresses.len().saturating_sub(NAMED) {
        0 => some,
        more => format!("{some} and {more} more"),
    }
}

/// What everything that a data plane with this filter should hold adds up to.
fn sum(
    filter: &SegmentFilter,
    key: &RouteKey,
    route: &RouteListing,
    wanted: Option<&Route>,
) -> Sum {
    let attributes = wanted.map(|it| digest::of_route(&it.segment, key, it.generation));
    let endpoints = given(route).map(|listed| &listed.endpoint);
    let endpoints = endpoints
        .filter(|it| filter.sees(&it.segment))
        .map(|it| digest::of_endpoint(&it.segment, key, &it.address, it.generation, it.silent));
    let all = attributes.into_iter().chain(endpoints);
    all.fold(Sum::default(), |sum, digest| Sum {
        things: sum.things.wrapping_add(1),
        digest: sum.digest.wrapping_add(digest),
    })
}

/// What was not told counts as well.
fn of_sum(holding: &Holding, wanted: Sum) -> Compared {
    match holding.sum {
        Some(sum) if sum == wanted => Compared::Same,
        Some(_) => Compared::Different(vec![
            "has something else among the endpoints that it does not tell".to_owned(),
        ]),
        None if holding.truncated => Compared::Unknown(format!(
            "it tells of {} endpoints, and not what the others are",
            holding.endpoints.len()
        )),
        None => Compared::Same,
    }
}

#[cfg(test)]
mod tests;
