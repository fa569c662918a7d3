//! What one change costs, in tables of very different sizes, as the allocator sees it: the same on every machine and in
//! every build.

#[path = "../testing/things.rs"]
mod things;

use std::alloc::System;

use pointsman_routing::Writer;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use things::{endpoint, route};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What one change may ask the allocator for, its publication included.
const LIMIT: usize = 128 * 1024;

/// Changes that are looked at, spread over the table.
const CHANGES: u64 = 50;

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
