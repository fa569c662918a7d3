//! What is held, as the things that it came in.

use crate::evidence::Evidence;
use crate::route::{Content, Held};
use crate::{Endpoint, EndpointThing, Route, RouteThing, Table, Thing};

impl Table {
    /// Everything that is served, a route's attributes before its endpoints: what is written to
    /// be restored after a cold start.
    ///
    /// Orphans that a control plane turned out to lack are left out: a restart must not prolong
    /// their life.
    pub fn things(&self) -> impl Iterator<Item = Thing> {
        self.iter().flat_map(|route| things(route))
    }
}

fn things(route: &Route) -> impl Iterator<Item = Thing> {
    let endpoints = route.endpoints().iter().filter(|it| !is_given_up(it));
    // Those that count come last, as they did when they arrived.
    let held = route.all_held().iter().rev();
    let held = held.filter(|held| {
        let is_doubted = matches!(held.evidence.get(), Evidence::Doubted(_));
        !is_doubted || endpoints.clone().any(|it| it.segment() == held.segment())
    });
    let held: Vec<_> = held
        .filter_map(|held| Some(attributes(route, held, held.content()?)))
        .collect();
    let endpoints = endpoints
        .clone()
        .map(|it| Thing::Endpoint(Box::new(endpoint(route, it))));
    held.into_iter().chain(endpoints)
}

/// Whether an endpoint is an orphan of a control plane that lacked it.
fn is_given_up(endpoint: &Endpoint) -> bool {
    match endpoint.evidence.get() {
        Evidence::Sent(_) => false,
        Evidence::Doubted(doubt) => doubt.lacked && doubt.hold == 0,
    }
}

fn attributes(route: &Route, held: &Held, content: &Content) -> Thing {
    let registered = content.registered.as_ref();
    Thing::Route(RouteThing {
        key: route.key().clone(),
        segment: held.segment().to_owned(),
        revision: held.stamp().revision,
        birth: held.birth(),
        generation: held.generation,
        host_as_registered: registered.map_or_else(
            || route.key().host.to_string(),
            |registered| registered.host.to_string(),
        ),
        path_as_registered: registered.map_or_else(
            || route.canonical_path().to_owned(),
            |registered| registered.path.to_string(),
        ),
        attributes: content.attributes.clone(),
    })
}

fn endpoint(route: &Route, endpoint: &Endpoint) -> EndpointThing {
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    EndpointThing {
        key: route.key().clone(),
        address: endpoint.address().clone(),
        segment: endpoint.segment().to_owned(),
        group: endpoint.group().to_owned(),
        generation: endpoint.generation(),
        protocol: endpoint.protocol(),
        protocol_text: endpoint.protocol_text().to_owned(),
        tls: endpoint.tls().map(str::to_owned),
        app_id: endpoint.app_id().to_owned(),
        instance_id: endpoint.instance_id().to_owned(),
        instance_index: endpoint.instance_index().to_owned(),
        tags: endpoint.tags().map(|tags| tags.iter().map(pair).collect()),
        availability_zone: endpoint.availability_zone().to_owned(),
        route_service_url: endpoint.route_service_url().to_owned(),
        balancing: endpoint.registered_balancing().cloned(),
        max_connections: endpoint.max_connections(),
        updated_at_ns: endpoint.updated_at_ns(),
        stale_threshold_seconds: endpoint.stale_threshold_seconds(),
        silent: endpoint.is_silent(),
    }
}
