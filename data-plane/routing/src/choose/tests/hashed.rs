//! Requests that are led to an endpoint by a key.

use super::*;
use crate::HashedBy;

/// A worker before this many endpoints of a route that leads by `X-Key`.
fn worker(endpoints: usize, balance: f64) -> Worker {
    let mut worker = Worker::with(0);
    let mut thing = route("app", 2);
    thing.generation = 2;
    thing.attributes = Attributes {
        hashed_by: HashedBy::new("X-Key", balance),
        ..Attributes::default()
    };
    worker.writer.upsert(Thing::Route(thing));
    for n in 0..endpoints {
        worker.upsert(EndpointThing {
            instance_id: format!("instance-{n}"),
            ..endpoint("app", &format!("10.0.0.{n}:80"))
        });
    }
    worker
}

fn asking(key: &str) -> Selection {
    let by = HashedBy::new("X-Key", 0.0).unwrap();
    let asked = Asked {
        key: Some(by.key(key.as_bytes())),
        ..Asked::default()
    };
    Selection::asking(Some(Box::new(asked)))
}

fn led(worker: &mut Worker, key: &str) -> usize {
    let lease = worker.next(&mut asking(key), 1).unwrap();
    worker.number(&lease)
}

fn load(worker: &Worker, n: usize, requests: usize) -> Vec<Lease> {
    let endpoint = &worker.endpoints()[n];
    (0..requests)
        .map(|_| Lease::reserve(endpoint, 0).unwrap())
        .collect()
}

/// D-631: the same key always leads to the same endpoint.
/// D-633: without a balance factor whatever its load.
#[test]
fn a_key_always_leads_to_the_same_endpoint() {
    let mut worker = worker(5, 0.0);
    let mut seen = BTreeSet::new();
    for n in 0..40 {
        let key = format!("tenant-{n}");
        let first = led(&mut worker, &key);
        seen.insert(first);
        let held = load(&worker, first, 1_000);
        assert!((0..5).all(|_| led(&mut worker, &key) == first));
        drop(held);
    }
    assert_eq!(seen.len(), 5, "all endpoints have keys");
}

/// Every router builds the same table, and keys stay where they are when others come or go.
#[test]
fn few_keys_move_when_an_endpoint_goes() {
    let (mut six, mut five) = (worker(6, 0.0), worker(5, 0.0));
    let keys: Vec<String> = (0..300).map(|n| format!("tenant-{n}")).collect();
    let moved = keys
        .iter()
        .filter(|key| {
            let before = led(&mut six, key);
            before != 5 && led(&mut five, key) != before
        })
        .count();
    assert!(moved < 40, "{moved} of 300");
}

/// D-632: with a balance factor a key goes on to the next endpoint where its own has more.
/// D-636: of loads 300, 200 and 200 only the first is above a factor of 1.2.
#[test]
fn a_key_goes_on_where_its_endpoint_has_more_than_its_share() {
    let mut worker = worker(3, 1.2);
    let key = (0..)
        .map(|n| format!("tenant-{n}"))
        .find(|key| led(&mut worker, key) == 0)
        .unwrap();
    let held = [
        load(&worker, 0, 300),
        load(&worker, 1, 200),
        load(&worker, 2, 200),
    ];
    let next = led(&mut worker, &key);
    assert_ne!(next, 0);
    assert!((0..5).all(|_| led(&mut worker, &key) == next));
    for n in 0..30 {
        assert_ne!(led(&mut worker, &format!("other-{n}")), 0);
    }
    drop(held);
    assert_eq!(led(&mut worker, &key), 0);
    let _even = [
        load(&worker, 0, 220),
        load(&worker, 1, 200),
        load(&worker, 2, 200),
    ];
    assert_eq!(led(&mut worker, &key), 0);
}

/// A factor that nobody can keep to refuses nobody.
#[test]
fn a_balance_that_cannot_be_is_none() {
    let mut worker = worker(3, 0.5);
    let _held = [
        load(&worker, 0, 2),
        load(&worker, 1, 2),
        load(&worker, 2, 2),
    ];
    let first = led(&mut worker, "a");
    assert!((0..5).all(|_| led(&mut worker, "a") == first));
}

/// D-634: a retry goes on along the way of the key, past those that were tried.
#[test]
fn a_retry_goes_on_along_the_way() {
    let mut worker = worker(4, 0.0);
    let way = |worker: &mut Worker| {
        let mut selection = asking("tenant");
        let mut next = || {
            let lease = worker.next(&mut selection, 1).unwrap();
            worker.number(&lease)
        };
        [next(), next(), next(), next()]
    };
    let first = way(&mut worker);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 4);
    assert_eq!(way(&mut worker), first, "the way is always the same");
    worker.endpoints()[first[0]].mark_failed(at(0));
    assert_eq!(
        led(&mut worker, "tenant"),
        first[1],
        "past a failed one too"
    );
}

/// The way ends, however full the endpoints are (it did not, once, in Gorouter).
#[test]
fn the_way_ends_where_nobody_has_room() {
    let mut worker = worker(3, 1.2).limit(1);
    let held: Vec<_> = (0..3)
        .map(|n| worker.next(&mut asking(&format!("k{n}")), 1).unwrap())
        .collect();
    for key in ["a", "b", "c"] {
        let refused = worker.next(&mut asking(key), 1).unwrap_err();
        assert_eq!(refused, Unavailable::Overloaded);
    }
    let mut selection = asking("a");
    drop(held);
    let _one = worker.next(&mut selection, 1).unwrap();
    let _others = [
        worker.next(&mut Selection::new(), 1).unwrap(),
        worker.next(&mut Selection::new(), 1).unwrap(),
    ];
    let refused = worker.next(&mut selection, 1).unwrap_err();
    assert_eq!(refused, Unavailable::Overloaded);
}

/// D-635: a session comes before the key; one that must stay and cannot has no endpoint.
#[test]
fn a_session_comes_before_the_key() {
    let mut worker = worker(4, 0.0).limit(1);
    let with_session = |endpoint: &str, must| {
        let asked = asking("tenant").asked().cloned().unwrap();
        let session = Session {
            endpoint: endpoint.into(),
            must,
        };
        Selection::asking(Some(Box::new(Asked {
            session: Some(session),
            ..asked
        })))
    };
    let by_key = led(&mut worker, "tenant");
    for n in 0..4 {
        let mut selection = with_session(&format!("instance-{n}"), false);
        let lease = worker.next(&mut selection, 1).unwrap();
        assert_eq!(worker.number(&lease), n);
    }
    let gone = worker.next(&mut with_session("gone", false), 1).unwrap();
    assert_eq!(worker.number(&gone), by_key);
    for (id, _held) in [
        ("gone".to_owned(), None),
        (format!("instance-{by_key}"), Some(&gone)),
    ] {
        let refused = worker.next(&mut with_session(&id, true), 1).unwrap_err();
        assert_eq!(refused, Unavailable::Missing);
    }
}

/// Without a key the default algorithm chooses, and zones have no say with one.
#[test]
fn without_a_key_the_default_chooses() {
    let mut worker = worker(3, 0.0);
    worker.near = Some(Near {
        zone: "nowhere",
        always: true,
    });
    let first = worker.once(1).unwrap();
    assert_eq!(worker.once(1), Ok((first + 1) % 3));
    let by_key = led(&mut worker, "a");
    assert!((0..5).all(|_| led(&mut worker, "a") == by_key));
    assert_eq!(worker.once(1), Ok((first + 2) % 3), "a key takes no turn");
}

#[test]
fn a_hash_has_a_name_and_a_factor() {
    assert!(HashedBy::new("", 0.0).is_none());
    for balance in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(HashedBy::new("X-Key", balance).is_none());
    }
    let by = HashedBy::new("X-Key", 1.25).unwrap();
    assert_eq!(
        (by.header(), by.balance().to_bits()),
        ("X-Key", 1.25_f64.to_bits())
    );
}
