//! Routes and endpoints as a foundation of Cloud Foundry registers them, for what is measured in large tables.

use pointsman_route_key::RouteKey;
use pointsman_routing::{Address, Attributes, EndpointThing, Protocol, RouteThing, Thing};

/// The URI of a route.
pub(crate) fn uri(number: usize) -> String {
    format!("app-{number}.apps.example.com")
}

/// A route without anything special.
pub(crate) fn route(number: usize) -> Thing {
    Thing::Route(RouteThing {
        key: RouteKey::from_uri(&uri(number)).expect("a URI"),
        segment: String::new(),
        revision: 1,
        birth: 1,
        generation: 1,
        host_as_registered: uri(number),
        path_as_registered: "/".to_owned(),
        attributes: Attributes::default(),
    })
}

/// The endpoint of a route as it comes from route-emitter, with TLS and all its tags, by the instance that it has in
/// this turn: a hundred apps in a space, ten spaces in an organization.
pub(crate) fn endpoint(number: usize, turn: u64) -> Thing {
    let app = format!("{number:08x}-2222-4333-8444-555555555555");
    let instance = format!("{number:08x}-5a5a-4b4b-6666-{turn:08x}");
    let (space, organization) = (number / 100, number / 1_000);
    let tags = [
        ("app_id", app.clone()),
        ("app_name", format!("some-app-{number}")),
        ("component", "route-emitter".to_owned()),
        ("instance_id", "0".to_owned()),
        (
            "organization_id",
            format!("{organization:08x}-aaaa-4333-8444-555555555555"),
        ),
        (
            "organization_name",
            format!("some-organization-{organization}"),
        ),
        ("process_id", app.clone()),
        ("process_instance_id", instance.clone()),
        ("process_type", "web".to_owned()),
        ("source_id", app.clone()),
        (
            "space_id",
            format!("{space:08x}-bbbb-4333-8444-555555555555"),
        ),
        ("space_name", format!("some-space-{space}")),
    ];
    Thing::Endpoint(Box::new(EndpointThing {
        key: RouteKey::from_uri(&uri(number)).expect("a URI"),
        address: address(number),
        segment: String::new(),
        group: String::new(),
        generation: turn,
        protocol: Protocol::Http1,
        protocol_text: "http1".to_owned(),
        tls: Some(instance.clone()),
        app_id: app,
        instance_id: instance,
        instance_index: "0".to_owned(),
        tags: Some(tags.map(|(name, value)| (name.to_owned(), value)).into()),
        availability_zone: "z1".to_owned(),
        route_service_url: String::new(),
        balancing: None,
        max_connections: 0,
        updated_at_ns: 1,
        stale_threshold_seconds: 120,
        silent: false,
    }))
}

/// One port of one of five hundred cells.
fn address(number: usize) -> Address {
    let (cell, container) = (number % 500, number / 500);
    let address = format!("10.1.{}.{}:{}", cell / 256, cell % 256, 61_001 + container);
    Address::parse(&address).expect("an address")
}
