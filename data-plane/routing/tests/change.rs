//! What one change costs, in tables of very different sizes, as the allocator sees it: the same on every machine and in
//! every build.

use std::alloc::System;

use pointsman_route_key::RouteKey;
use pointsman_routing::{Address, Attributes, EndpointThing, Protocol, RouteThing, Thing, Writer};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What one change may ask the allocator for, its publication included.
const LIMIT: usize = 128 * 1024;

/// Changes that are looked at, spread over the table.
const CHANGES: u64 = 50;

fn key(number: usize) -> RouteKey {
    RouteKey::from_uri(&format!("app-{number}.apps.example.com")).expect("a URI")
}

fn route(number: usize) -> Thing {
    Thing::Route(RouteThing {
        key: key(number),
        segment: String::new(),
        revision: 1,
        birth: 1,
        generation: 1,
        host_as_registered: format!("app-{number}.apps.example.com"),
        path_as_registered: "/".to_owned(),
        attributes: Attributes::default(),
    })
}

fn endpoint(number: usize, generation: u64) -> Thing {
    Thing::Endpoint(Box::new(EndpointThing {
        key: key(number),
        address: Address::parse("10.1.0.1:61001").expect("an address"),
        segment: String::new(),
        group: String::new(),
        generation,
        protocol: Protocol::Http1,
        protocol_text: "http1".to_owned(),
        tls: None,
        app_id: format!("app-{number}"),
        instance_id: format!("instance-{generation}"),
        instance_index: "0".to_owned(),
        tags: None,
        availability_zone: "z1".to_owned(),
        route_service_url: String::new(),
        balancing: None,
        max_connections: 0,
        updated_at_ns: 1,
        stale_threshold_seconds: 120,
        silent: false,
    }))
}

/// Bytes and allocations of one change and its publication, on average, and the most bytes of any, in a table of so many
/// routes.
fn cost(routes: usize) -> (usize, usize, usize) {
    let mut writer = Writer::new(7);
    writer.begin(1);
    (0..routes).for_each(|number| writer.upsert(route(number)));
    let mut published = writer.publish();
    let whole = Region::new(ALLOCATOR);
    let mut most = 0;
    for change in 1..=CHANGES {
        let number = usize::try_from(change).expect("small") * 7_919 % routes;
        let region = Region::new(ALLOCATOR);
        writer.upsert(endpoint(number, change));
        drop(std::mem::replace(&mut published, writer.publish()));
        most = most.max(region.change().bytes_allocated);
    }
    assert_eq!(published.endpoints(), CHANGES);
    let (all, changes) = (whole.change(), usize::try_from(CHANGES).expect("small"));
    (
        all.bytes_allocated / changes,
        all.allocations / changes,
        most,
    )
}

/// A change in a table of a million routes asks for less than 128 KiB, and for less than twice what it does in one of a
/// hundred thousand.
#[test]
fn one_change_costs_the_same_in_any_table() {
    let (small, large) = (cost(100_000), cost(1_000_000));
    assert!(
        large.2 < LIMIT,
        "{} bytes for one change; expected less than {LIMIT}",
        large.2
    );
    assert!(
        large.0 < 2 * small.0 && large.1 < 2 * small.1,
        "bytes, allocations, most bytes: {large:?} in the large table, {small:?} in the small one"
    );
}
