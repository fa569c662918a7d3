//! Endpoints of the own zone come first.

use super::*;

const HERE: &str = "z1";
const OPTIMISTIC: Near<'static> = Near {
    zone: HERE,
    always: false,
};
const ALWAYS: Near<'static> = Near {
    zone: HERE,
    always: true,
};

/// Workers of both algorithms, with one endpoint per zone that is named.
fn workers(near: Near<'static>, zones: &[&str]) -> [Worker; 2] {
    [Worker::with(0), Worker::with(0).least_connection()].map(|mut worker| {
        for (n, zone) in zones.iter().enumerate() {
            worker.upsert(EndpointThing {
                availability_zone: (*zone).to_owned(),
                ..endpoint("app", &format!("10.0.0.{n}:80"))
            });
        }
        worker.near = Some(near);
        worker
    })
}

fn chosen(worker: &mut Worker) -> BTreeSet<usize> {
    (0..40).map(|_| worker.once(1).unwrap()).collect()
}

/// D-376: round robin with local preference: an empty pool gives none.
/// D-395: least connection with local preference: the same.
#[test]
fn an_empty_pool_gives_none() {
    for mut worker in workers(OPTIMISTIC, &[]) {
        assert_eq!(worker.once(0), Err(Unavailable::Empty));
    }
}

/// D-377: round robin: the one local endpoint is chosen.
/// D-396: least connection: the same.
/// D-383: round robin: with far endpoints only, one of them.
/// D-400: least connection: the same.
#[test]
fn local_endpoints_come_first_and_far_ones_before_none() {
    for near in [OPTIMISTIC, ALWAYS] {
        for mut worker in workers(near, &["z2", HERE, "z3", ""]) {
            assert_eq!(chosen(&mut worker), BTreeSet::from([1]));
        }
        for mut worker in workers(near, &["z2", "", "z10"]) {
            assert_eq!(chosen(&mut worker), BTreeSet::from([0, 1, 2]));
        }
    }
}

/// D-378: round robin: with the only local endpoint full, a far one in the same attempt.
/// D-397: least connection: the same.
/// D-380: round robin: with one of two local endpoints full, the other local one.
/// D-399: least connection: the least loaded local one that has room.
#[test]
fn a_full_local_endpoint_gives_way_to_a_local_one_and_then_to_a_far_one() {
    for worker in workers(OPTIMISTIC, &["z2", HERE, HERE]) {
        let mut worker = worker.limit(2);
        let mut leases: Vec<_> = (0..4)
            .map(|_| worker.next(&mut Selection::new(), 0).unwrap())
            .collect();
        assert!(leases.iter().all(|lease| worker.number(lease) != 0));
        let far = worker.next(&mut Selection::new(), 0).unwrap();
        assert_eq!(worker.number(&far), 0);
        let freed = leases.pop().unwrap();
        let number = worker.number(&freed);
        drop(freed);
        assert_eq!(worker.once(0), Ok(number));
    }
    let [_, mut worker] = workers(OPTIMISTIC, &["z2", HERE, HERE]);
    let _held = Lease::reserve(&worker.endpoints()[1], 0).unwrap();
    assert_eq!(chosen(&mut worker), BTreeSet::from([2]));
}

/// D-379: round robin: several local endpoints take turns, none more often than another.
/// D-398: least connection: among local endpoints with equal counts it is random.
#[test]
fn local_endpoints_take_turns() {
    let [mut worker, mut least] = workers(OPTIMISTIC, &[HERE, "z2", "z3", "z4", HERE]);
    let first = worker.once(0).unwrap();
    for turn in 1..20 {
        let expected = if turn % 2 == 0 { first } else { 4 - first };
        assert_eq!(worker.once(0), Ok(expected));
    }
    let mut counts = [0; 5];
    for _ in 0..1_000 {
        counts[least.once(0).unwrap()] += 1;
    }
    assert!((400..600).contains(&counts[0]), "{counts:?}");
    assert_eq!(counts[0] + counts[4], 1_000);
}

/// D-381: round robin: with one of two local endpoints failed, the other local one.
/// D-382: round robin: with all local endpoints failed, any zone is used.
#[test]
fn a_failed_local_endpoint_gives_way_too() {
    for mut worker in workers(OPTIMISTIC, &[HERE, "z2", HERE]) {
        worker.endpoints()[0].mark_failed(at(0));
        assert_eq!(chosen(&mut worker), BTreeSet::from([2]));
        worker.endpoints()[2].mark_failed(at(0));
        assert_eq!(chosen(&mut worker), BTreeSet::from([1]));
        let marked = |worker: &Worker, n: usize| {
            let endpoint = &worker.endpoints()[n];
            endpoint.state().is_marked(at(1), MARK_TIME)
        };
        assert!(marked(&worker, 0) && marked(&worker, 2));
        worker.endpoints()[1].mark_failed(at(0));
        assert!(chosen(&mut worker).is_subset(&BTreeSet::from([0, 2])));
        assert!(!marked(&worker, 0) && !marked(&worker, 2));
    }
}

/// D-384: round robin: a retry takes no account of zones.
/// D-401: least connection: the same, and the least loaded of all is next.
#[test]
fn a_retry_goes_anywhere_unless_the_preference_is_for_every_attempt() {
    let zones = [HERE, "z2", "z3", "z4", HERE];
    for mut worker in workers(OPTIMISTIC, &zones) {
        let mut retried = BTreeSet::new();
        for _ in 0..60 {
            let mut selection = Selection::new();
            let first = worker.next(&mut selection, 0).unwrap();
            assert!([0, 4].contains(&worker.number(&first)));
            let second = worker.next(&mut selection, 0).unwrap();
            retried.insert(worker.number(&second));
        }
        assert!(retried.len() > 2, "{retried:?}");
    }
    let [_, mut least] = workers(OPTIMISTIC, &zones);
    let endpoints = least.endpoints();
    let _held: Vec<_> = [0, 1, 3, 4]
        .iter()
        .map(|n: &usize| Lease::reserve(&endpoints[*n], 0).unwrap())
        .collect();
    let mut selection = Selection::new();
    let first = least.next(&mut selection, 0).unwrap();
    assert!([0, 4].contains(&least.number(&first)));
    let second = least.next(&mut selection, 0).unwrap();
    assert_eq!(least.number(&second), 2);
    for mut worker in workers(ALWAYS, &zones) {
        let mut selection = Selection::new();
        let tried: Vec<_> = (0..3)
            .map(|_| {
                let lease = worker.next(&mut selection, 0).unwrap();
                worker.number(&lease)
            })
            .collect();
        assert_eq!(
            BTreeSet::from([tried[0], tried[1]]),
            BTreeSet::from([0, 4]),
            "both local ones first"
        );
        assert!([1, 2, 3].contains(&tried[2]));
    }
}
