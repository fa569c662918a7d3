//! A route as `/v1/routes` shows it.

use pointsman_registry::{
    Ageing, Algorithm, Balancing, Description, Endpoint, EndpointListing, Options, Policy, Route,
    RouteListing,
};
use pointsman_route_key::RouteKey;
use serde_json::{Map, Value, json};

/// Everything that is known of a route.
pub(in crate::admin) fn route(key: &RouteKey, route: &RouteListing) -> Value {
    json!({
        "route": key.to_string(),
        "segments": route.attributes.iter().map(attributes).collect::<Vec<_>>(),
        "endpoints": route.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
    })
}

/// The attributes of a route as one segment holds them.
pub(in crate::admin) fn attributes(route: &Route) -> Value {
    let options = route.options();
    json!({
        "segment": &*route.segment,
        "revision": route.revision,
        "birth": route.birth,
        "generation": format!("{:016x}", route.generation),
        "host": route.host_as_registered(),
        "path": route.path_as_registered(),
        "route_service_url": options.map_or("", |options: &Options| &options.route_service_url),
        "balancing": options.and_then(|options| options.balancing.as_ref()).map(balancing),
        "policy": options.and_then(|options| options.policy.as_ref()).map(policy),
    })
}

fn balancing(balancing: &Balancing) -> Value {
    let algorithm = match balancing.algorithm {
        Algorithm::RoundRobin => "round-robin",
        Algorithm::LeastConnection => "least-connection",
        Algorithm::Hash => "hash",
    };
    json!({
        "algorithm": algorithm,
        "hash_header": &*balancing.hash_header,
        "hash_balance": balancing.hash_balance,
    })
}

fn policy(policy: &Policy) -> Value {
    json!({ "scope": &*policy.scope, "sources": policy.sources })
}

/// An endpoint with what is known of it.
pub(in crate::admin) fn endpoint(listed: &EndpointListing) -> Map<String, Value> {
    let mut shown = registered(&listed.endpoint);
    let known = [
        ("revision", json!(listed.revision)),
        ("held", json!(listed.held)),
        ("ageing", json!(ageing(listed.ageing))),
        ("source", json!(&*listed.source)),
        ("last_heard_seconds", json!(listed.last_heard.as_secs_f64())),
    ];
    shown.extend(known.map(|(name, value)| (name.to_owned(), value)));
    shown
}

fn ageing(ageing: Ageing) -> &'static str {
    match ageing {
        Ageing::Goes => "goes",
        Ageing::Suspended => "suspended",
        Ageing::Never => "never",
    }
}

/// An endpoint as it was registered.
pub(in crate::admin) fn registered(endpoint: &Endpoint) -> Map<String, Value> {
    let description = &endpoint.description;
    let shown = json!({
        "address": &*endpoint.address,
        "segment": &*endpoint.segment,
        "generation": format!("{:016x}", endpoint.generation),
        "protocol": description.protocol(),
        "tls": description.is_tls(),
        "server_cert_domain_san": description.server_cert_domain_san(),
        "app_id": description.app_id(),
        "instance_id": description.instance_id(),
        "instance_index": description.instance_index(),
        "availability_zone": description.availability_zone(),
        "tags": tags(description),
        "updated_at_ns": description.updated_at_ns(),
        "route_service_url": description.route_service_url(),
        "load_balancing_algorithm": description.algorithm(),
        "hash_header": description.hash_header(),
        "hash_balance": description.hash_balance(),
        "policy": description.policy().map(policy),
        "stale_threshold_seconds": endpoint.stale_threshold_seconds,
        "silent": endpoint.silent,
        "ejected": endpoint.ejected,
    });
    match shown {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn tags(description: &Description) -> Option<Map<String, Value>> {
    let pairs = description
        .tags()
        .map(|(name, value)| (name.to_owned(), value.into()));
    description.has_tags().then(|| pairs.collect())
}
