//! What a table holds per route, as its allocator is asked for it: the same on every machine and in every build.

#[path = "../testing/things.rs"]
mod things;

use std::alloc::System;

use pointsman_routing::Writer;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use things::{endpoint, route};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Shards and hash tables are about as full with so many as with four times as many.
const ROUTES: usize = 25_000;

/// A route with one endpoint as it comes from route-emitter: one URI, all tags, TLS.
const LIMIT: usize = 650;

/// Changes between two publications.
const BATCH: usize = 500;

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
