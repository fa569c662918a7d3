//! What a table holds per route, as its allocator is asked for it: the same on every machine and in every build.

use std::alloc::System;

use pointsman_route_key::RouteKey;
use pointsman_routing::{Address, Attributes, EndpointThing, Protocol, RouteThing, Thing, Writer};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Shards and hash tables are about as full with so many as with four times as many.
const ROUTES: usize = 25_000;

/// A route with one endpoint as it comes from route-emitter: one URI, all tags, TLS.
const LIMIT: usize = 650;

/// Changes between two publications.
const BATCH: usize = 500;

fn uri(number: usize) -> String {
    format!("app-{number}.apps.example.com")
}

fn route(number: usize) -> Thing {
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

/// The endpoint of a route, by the instance that it has in this turn.
fn endpoint(number: usize, turn: u64) -> Thing {
    let app = format!("{number:08x}-2222-4333-8444-555555555555");
    let instance = format!("{number:08x}-5a5a-4b4b-6666-{turn:08x}");
    // A hundred apps in a space, ten spaces in an organization.
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
    let cell = number % 500;
    let address = format!(
        "10.1.{}.{}:{}",
        cell / 256,
        cell % 256,
        61_001 + number / 500
    );
    Thing::Endpoint(Box::new(EndpointThing {
        key: RouteKey::from_uri(&uri(number)).expect("a URI"),
        address: Address::parse(&address).expect("an address"),
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

/// What is asked for and not given back since then, for each route.
fn held_since(region: &Region<'_, System>) -> usize {
    let change = region.change();
    (change.bytes_allocated - change.bytes_deallocated) / ROUTES
}

#[test]
fn a_route_costs_no_more_than_its_share() {
    let region = Region::new(ALLOCATOR);
    let mut writer = Writer::new(7);
    let mut published = writer.publish();
    writer.begin(1);
    let (mut turns, mut peak) = (Vec::new(), 0);
    for turn in 1..4 {
        for number in 0..ROUTES {
            if turn == 1 {
                writer.upsert(route(number));
            }
            writer.upsert(endpoint(number, turn));
            if number % BATCH == 0 {
                let before = std::mem::replace(&mut published, writer.publish());
                peak = peak.max(held_since(&region));
                drop(before);
            }
        }
        drop(std::mem::replace(&mut published, writer.publish()));
        // As the control thread does with every sign of life.
        writer.tidy();
        turns.push(held_since(&region));
    }
    assert_eq!(published.routes(), ROUTES as u64);
    assert!(
        turns.iter().all(|held| *held <= LIMIT),
        "{turns:?} bytes per route when filled and after each full re-registration; expected at most {LIMIT}"
    );
    assert!(
        peak <= 2 * LIMIT,
        "{peak} bytes per route at most on the way; expected at most {}",
        2 * LIMIT
    );
}
