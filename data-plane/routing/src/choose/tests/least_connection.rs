//! The one with the fewest requests in flight.

use super::*;

/// D-386: least connection: given equal counts, then a random endpoint
/// D-388: least connection: given several smallest, then a random one of them
#[test]
fn least_connection_draws_among_the_least() {
    let mut worker = Worker::with(5).least_connection();
    let held: Vec<Lease> = [1, 3]
        .iter()
        .map(|&n: &usize| Lease::reserve(&worker.endpoints()[n], 0).unwrap())
        .collect();
    let mut counts = [0; 5];
    for _ in 0..3_000 {
        counts[worker.once(0).unwrap()] += 1;
    }
    drop(held);
    assert_eq!((counts[1], counts[3]), (0, 0));
    for n in [0, 2, 4] {
        assert!((850..1_150).contains(&counts[n]), "{counts:?}");
    }
}

/// D-387: least connection: given different counts, then the smallest
/// C-217: in a pool with `least-connection` the least busy endpoint is chosen
#[test]
fn least_connection_takes_the_least() {
    let mut worker = Worker::with(3).least_connection();
    let held: Vec<Lease> = [0, 0, 0, 1, 2, 2]
        .iter()
        .map(|&n: &usize| Lease::reserve(&worker.endpoints()[n], 0).unwrap())
        .collect();
    assert_eq!(worker.once(0), Ok(1));
    drop(held);
}

/// D-407: a route's own algorithm counts, and without one the default
/// D-408: it applies to endpoints that come later
#[test]
fn a_route_s_own_algorithm_overrides_the_default() {
    let mut worker = Worker::with(2);
    let mut attributes = route("app", 2);
    attributes.generation = 2;
    attributes.attributes = Attributes {
        algorithm: Some(Algorithm::LeastConnection),
        ..Attributes::default()
    };
    worker.writer.upsert(Thing::Route(attributes));
    worker.table = worker.writer.publish();
    let held = Lease::reserve(&worker.endpoints()[0], 0).unwrap();
    assert!((0..10).all(|_| worker.once(0) == Ok(1)));
    drop(held);
}
