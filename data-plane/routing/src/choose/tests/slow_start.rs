//! New endpoints get their share little by little.

use super::*;
use crate::HashedBy;

const WINDOW: Duration = Duration::from_secs(60);
const MINUTE: u64 = 60_000;

/// A worker that has long known three endpoints.
fn warm(slow_start: Duration) -> Worker {
    let mut worker = Worker::with(0);
    worker.slow_start = slow_start;
    for n in 0..3 {
        worker.upsert(endpoint("app", &format!("10.0.0.{n}:80")));
    }
    for _ in 0..300 {
        worker.once(0).unwrap();
    }
    worker
}

/// The share of the fourth of four endpoints in many requests at a time, in thousandths.
fn share_of_the_new_one(worker: &mut Worker, millis: u64) -> usize {
    let chosen = (0..10_000).filter(|_| worker.once(millis) == Ok(3));
    chosen.count() / 10
}

fn add_a_new_one(worker: &mut Worker) {
    worker.upsert(endpoint("app", "10.0.0.3:80"));
}

#[test]
fn shares_grow_with_the_time() {
    let mut worker = warm(WINDOW);
    add_a_new_one(&mut worker);
    for (millis, expected) in [
        (0, 0.1 / 3.1),
        (MINUTE / 4, 0.25 / 3.25),
        (MINUTE / 2, 0.5 / 3.5),
        (MINUTE - 1, 0.25),
    ] {
        let share = share_of_the_new_one(&mut worker, 10 * MINUTE + millis) as f64 / 1e3;
        assert!(
            (share - expected).abs() < 0.012,
            "{share} after {millis} ms, {expected} is its share"
        );
    }
    let first = worker.once(11 * MINUTE).unwrap();
    for turn in 1..12 {
        assert_eq!(
            worker.once(11 * MINUTE),
            Ok((first + turn) % 4),
            "in turn, when it is new no more"
        );
    }
}

#[test]
fn what_a_new_one_does_not_take_is_spread_over_the_others() {
    let mut worker = warm(WINDOW);
    add_a_new_one(&mut worker);
    let mut counts = [0_usize; 4];
    for _ in 0..9_000 {
        counts[worker.once(10 * MINUTE).unwrap()] += 1;
    }
    for n in 0..3 {
        assert!((2_750..3_050).contains(&counts[n]), "{counts:?}");
    }
}

#[test]
fn endpoints_that_are_all_new_share_alike() {
    let mut worker = Worker::with(4);
    worker.slow_start = WINDOW;
    let share = share_of_the_new_one(&mut worker, 0);
    assert!((235..265).contains(&share), "{share}");
}

#[test]
fn a_new_endpoint_alone_gets_everything() {
    let mut worker = Worker::with(1);
    worker.slow_start = WINDOW;
    assert!((0..50).all(|_| worker.once(0) == Ok(0)));
}

#[test]
fn without_a_slow_start_a_new_one_has_its_turn_at_once() {
    let mut worker = warm(Duration::ZERO);
    add_a_new_one(&mut worker);
    assert_eq!(share_of_the_new_one(&mut worker, 10 * MINUTE), 250);
}

#[test]
fn an_update_is_no_new_endpoint() {
    let mut worker = warm(WINDOW);
    add_a_new_one(&mut worker);
    share_of_the_new_one(&mut worker, 10 * MINUTE);
    worker.upsert(EndpointThing {
        generation: 2,
        app_id: "other".to_owned(),
        ..endpoint("app", "10.0.0.3:80")
    });
    let share = share_of_the_new_one(&mut worker, 10 * MINUTE + MINUTE / 2);
    assert!((130..156).contains(&share), "{share}");
}

#[test]
fn least_connection_leaves_a_new_one_as_many_as_its_weight() {
    let mut worker = warm(WINDOW).least_connection();
    worker.once(0).unwrap();
    add_a_new_one(&mut worker);
    // Seen for the first time.
    worker.once(10 * MINUTE).unwrap();
    let _busy: Vec<Lease> = (0..3)
        .flat_map(|n| (0..9).map(move |_| n))
        .map(|n: usize| Lease::reserve(&worker.endpoints()[n], 0).unwrap())
        .collect();
    let mut taken = |millis| {
        let mut leases = Vec::new();
        while let Ok(lease) = worker.next(&mut Selection::new(), 10 * MINUTE + millis) {
            if worker.number(&lease) != 3 {
                break;
            }
            leases.push(lease);
        }
        leases.len()
    };
    // The others have ten each with the next one.
    assert!(taken(0) <= 1, "a tenth of ten");
    let half = taken(MINUTE / 2);
    assert!((4..=5).contains(&half), "half of ten, not {half}");
    let whole = taken(MINUTE);
    assert!((9..=10).contains(&whole), "all of ten, not {whole}");
}

#[test]
fn a_key_leads_to_a_new_endpoint_at_once() {
    let mut worker = warm(WINDOW);
    let mut thing = route("app", 2);
    thing.generation = 2;
    thing.attributes = Attributes {
        hashed_by: HashedBy::new("X-Key", 0.0),
        ..Attributes::default()
    };
    worker.writer.upsert(Thing::Route(thing));
    add_a_new_one(&mut worker);
    let mut led = |key: u64| {
        let asked = Asked {
            key: Some(key),
            ..Asked::default()
        };
        let mut selection = Selection::asking(Some(Box::new(asked)));
        let lease = worker.next(&mut selection, 10 * MINUTE).unwrap();
        worker.number(&lease)
    };
    let to_the_new_one = (0..400).filter(|key| led(*key * 7) == 3).count();
    assert!((60..140).contains(&to_the_new_one), "{to_the_new_one}");
}
