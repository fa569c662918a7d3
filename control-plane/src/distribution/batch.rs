//! Things on the wire, written straight from the registry's words.
//!
//! Nearly everything that a control plane sends are batches, to each data plane its own. The generated types would copy
//! every word of a thing into a tree of strings, measure it and throw it away; here each word is copied once. The numbers
//! are those of the contract, and the tests read what is written back with the generated types.

mod number;
mod rules;
mod writing;

use bytes::Bytes;
use pointsman_registry::{Algorithm, Endpoint, Options, Policy, Route, Thing};
use pointsman_route_key::{Host, Path, RouteKey};

use number::{
    balancing, batch, endpoint, group, policy, pool, registered_balancing, response, route,
    route_key, tag, thing, tls_identity,
};
use writing::Writing;

use super::to_proto::algorithm;

/// A little more than a reader gives in one step.
const ROOM: usize = 40 * 1024;

/// A `FollowResponse` with a `Batch` of these things.
#[must_use]
pub fn encode(things: &[Thing]) -> Bytes {
    let mut bytes = Vec::with_capacity(ROOM);
    Writing(&mut bytes).message(response::BATCH, |mut written| {
        for thing in things {
            written.message(batch::THINGS, |mut written| match thing {
                Thing::Route(it) => {
                    written.message(thing::ROUTE, |to| write_route(it, to));
                }
                Thing::Endpoint(it) => {
                    written.message(thing::ENDPOINT, |to| write_endpoint(it, to));
                }
            });
        }
    });
    bytes.into()
}

fn write_key(key: &RouteKey, mut to: Writing<'_>) {
    match &key.host {
        Host::Exact(host) => to.chosen_text(route_key::EXACT_HOST, host),
        Host::Suffix(suffix) => to.chosen_text(route_key::HOST_SUFFIX, suffix),
        Host::Any => to.message(route_key::ANY_HOST, |_| {}),
    }
    match &key.path {
        Path::Prefix(path) => to.chosen_text(route_key::PATH_PREFIX, path),
        Path::Exact(path) => to.chosen_text(route_key::EXACT_PATH, path),
        Path::Template(path) => to.chosen_text(route_key::PATH_TEMPLATE, path),
    }
}

fn write_route(said: &Route, mut to: Writing<'_>) {
    let options = said.options();
    to.message(route::KEY, |key| write_key(&said.key, key));
    to.text(route::SEGMENT, &said.segment);
    to.number(route::REVISION, said.revision);
    to.number(route::BIRTH, said.birth);
    to.fixed(route::GENERATION, said.generation);
    to.text(route::HOST_AS_REGISTERED, &said.host_as_registered());
    to.text(route::PATH_AS_REGISTERED, said.path_as_registered());
    if let Some(said) = options.and_then(|options| options.rules.as_deref()) {
        rules::write(said, &mut to);
    }
    if let Some(said) = options.and_then(|options| options.policy.as_ref()) {
        to.message(route::POLICY, |to| write_policy(said, to));
    }
    to.message(route::GROUPS, |mut to| {
        to.number(group::WEIGHT, 1);
        to.message(group::POOL, |to| {
            if let Some(options) = options {
                write_pool(options, to);
            }
        });
    });
}

fn write_policy(said: &Policy, mut to: Writing<'_>) {
    to.text(policy::SCOPE, &said.scope);
    for source in &said.sources {
        to.chosen_text(policy::SOURCES, source);
    }
}

fn write_pool(options: &Options, mut to: Writing<'_>) {
    if let Some(said) = &options.balancing {
        to.message(pool::BALANCING, |mut to| {
            to.number(balancing::ALGORITHM, number_of(said.algorithm));
            to.text(balancing::HASH_HEADER, &said.hash_header);
            to.real(balancing::HASH_BALANCE, said.hash_balance);
        });
    }
    to.text(pool::ROUTE_SERVICE_URL, &options.route_service_url);
}

fn number_of(said: Algorithm) -> u64 {
    u64::try_from(i32::from(algorithm(said))).unwrap_or_default()
}

fn write_endpoint(it: &Endpoint, mut to: Writing<'_>) {
    let said = &*it.description;
    to.message(endpoint::ROUTE, |key| write_key(&it.route, key));
    to.text(endpoint::ADDRESS, &it.address);
    to.text(endpoint::SEGMENT, &it.segment);
    to.fixed(endpoint::GENERATION, it.generation);
    to.text(endpoint::PROTOCOL, said.protocol());
    if said.is_tls() {
        to.message(endpoint::TLS, |mut to| {
            to.text(
                tls_identity::SERVER_CERT_DOMAIN_SAN,
                said.server_cert_domain_san(),
            );
        });
    }
    to.text(endpoint::APP_ID, said.app_id());
    to.text(endpoint::INSTANCE_ID, said.instance_id());
    to.text(endpoint::INSTANCE_INDEX, said.instance_index());
    for (name, value) in said.tags() {
        to.message(endpoint::TAGS, |mut to| {
            to.text(tag::KEY, name);
            to.text(tag::VALUE, value);
        });
    }
    to.flag(endpoint::HAS_TAGS, said.has_tags());
    to.text(endpoint::AVAILABILITY_ZONE, said.availability_zone());
    to.text(endpoint::ROUTE_SERVICE_URL, said.route_service_url());
    if !said.algorithm().is_empty() || !said.hash_header().is_empty() {
        to.message(endpoint::BALANCING, |mut to| {
            to.text(registered_balancing::ALGORITHM, said.algorithm());
            to.text(registered_balancing::HASH_HEADER, said.hash_header());
            to.real(registered_balancing::HASH_BALANCE, said.hash_balance());
        });
    }
    to.number(
        endpoint::UPDATED_AT_NS,
        said.updated_at_ns().cast_unsigned(),
    );
    to.number(
        endpoint::STALE_THRESHOLD_SECONDS,
        it.stale_threshold_seconds.cast_unsigned(),
    );
    to.flag(endpoint::SILENT, it.silent);
}

#[cfg(test)]
mod tests;
