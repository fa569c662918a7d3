//! What a registry holds per route, as its allocator is asked for it: the same on every machine and in every build.

use std::alloc::System;
use std::sync::Arc;
use std::time::Duration;

use pointsman_registry::{
    Description, Fields, Fingerprint, ModificationTag, Registration, Registry, Settings, SourceId,
    Time, Uri, WhileAway,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Hash tables are as full with so many as with four times as many.
const ROUTES: u32 = 25_000;

/// A route with one endpoint as route-emitter registers it: one URI, all tags, TLS.
const LIMIT: usize = 1_000;

/// A route with one endpoint that is gone, and remembered to be.
const LIMIT_OF_GRAVES: usize = 1_000;

/// The registration of a route, by the instance that it has in this turn.
fn registration(number: u32, turn: u32) -> Registration {
    let app = format!("{number:08x}-2222-4333-8444-555555555555");
    let instance = format!("{number:08x}-5a5a-4b4b-6666-{turn:08x}");
    // A hundred apps in a space, ten spaces in an organization.
    let (space, organization) = (number / 100, number / 1_000);
    let space_id = format!("{space:08x}-bbbb-4333-8444-555555555555");
    let space_name = format!("some-space-{space}");
    let organization_id = format!("{organization:08x}-aaaa-4333-8444-555555555555");
    let organization_name = format!("some-organization-{organization}");
    let name = format!("some-app-{number}");
    let tags = [
        ("app_id", app.as_str()),
        ("app_name", &name),
        ("component", "route-emitter"),
        ("instance_id", "0"),
        ("organization_id", &organization_id),
        ("organization_name", &organization_name),
        ("process_id", &app),
        ("process_instance_id", &instance),
        ("process_type", "web"),
        ("source_id", &app),
        ("space_id", &space_id),
        ("space_name", &space_name),
    ];
    let description = Description::new(Fields {
        tls: Some(&instance),
        app_id: &app,
        instance_id: &instance,
        instance_index: "0",
        availability_zone: "z1",
        tags: Some(tags.into()),
        updated_at_ns: 1 + i64::from(turn),
        ..Fields::default()
    });
    let cell = number % 500;
    Registration {
        uris: vec![Uri::parse(&format!("app-{number}.apps.example.com")).expect("a URI")],
        address: format!(
            "10.1.{}.{}:{}",
            cell / 256,
            cell % 256,
            61_001 + number / 500
        )
        .into(),
        segment: Arc::from(""),
        description: Arc::new(description.expect("within the limits")),
        stale_threshold_seconds: 120,
        tag: ModificationTag::default(),
        fingerprint: Some(Fingerprint(
            (u128::from(number) << 64) + (u128::from(turn) << 32) + u128::from(number),
        )),
    }
}

fn register_all(registry: &mut Registry, source: SourceId, turn: u32) {
    let now = Time::since_origin(Duration::from_secs(1 + u64::from(turn) * 20));
    for number in 0..ROUTES {
        let outcome = registry.register(source, &registration(number, turn), now);
        assert_eq!(outcome.len(), 1);
    }
}

/// What is asked for and not given back since then, for each route.
fn held_since(region: &Region<'_, System>) -> usize {
    let change = region.change();
    (change.bytes_allocated - change.bytes_deallocated) / ROUTES as usize
}

#[test]
fn a_route_costs_no_more_than_its_share() {
    let region = Region::new(ALLOCATOR);
    let mut registry = Registry::new(Settings::default(), 7);
    let source = registry.add_source("nats", WhileAway::Wait);
    registry.source_returned(source, Time::ZERO);
    let now = Time::since_origin(Duration::from_secs(100));
    let mut turns = Vec::new();
    for turn in 0..3 {
        register_all(&mut registry, source, turn);
        turns.push(held_since(&region));
    }
    let counts = registry.counts(now);
    assert_eq!((counts.routes, counts.endpoints), (25_000, 25_000));
    assert!(
        turns.iter().all(|held| *held <= LIMIT),
        "{turns:?} bytes per route when filled and after each full re-registration; expected at most {LIMIT}"
    );
    // What is left behind is not more with every turn.
    assert!(
        turns[2] <= turns[0] + turns[0] / 20,
        "{turns:?} bytes per route"
    );

    for number in 0..ROUTES {
        registry.unregister(&registration(number, 2), now);
    }
    assert_eq!(registry.counts(now).removals, 50_000);
    let graves = held_since(&region);
    assert!(
        graves <= LIMIT_OF_GRAVES,
        "{graves} bytes per route that is gone; expected at most {LIMIT_OF_GRAVES}"
    );
}
