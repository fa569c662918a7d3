mod asked;
mod hashed;
mod near;
mod orphans;
mod workers;

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::testing::{at, endpoint, key, route, writer};
use crate::{Attributes, Table, Thing, Writer};

const MARK_TIME: Duration = Duration::from_secs(30);

/// One worker with its cursors, and the table that it sees.
struct Worker {
    writer: Writer,
    table: Arc<Table>,
    cursors: Cursors,
    settings: Settings,
    random: u64,
    max_connections: u32,
    near: Option<Near<'static>>,
}

impl Worker {
    fn with(endpoints: usize) -> Self {
        Self::of(writer(&[("app", endpoints)]))
    }

    fn of(mut writer: Writer) -> Self {
        Self {
            table: writer.publish(),
            writer,
            cursors: Cursors::new(),
            settings: Settings {
                mark_time: MARK_TIME,
                ..Settings::default()
            },
            random: 0,
            max_connections: 0,
            near: None,
        }
    }

    fn least_connection(mut self) -> Self {
        self.settings.default_algorithm = Algorithm::LeastConnection;
        self
    }

    fn limit(mut self, max_connections: u32) -> Self {
        self.max_connections = max_connections;
        self
    }

    fn upsert(&mut self, thing: EndpointThing) {
        self.writer.upsert(Thing::Endpoint(Box::new(thing)));
        self.table = self.writer.publish();
    }

    fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.table.get(&key("app")).unwrap().endpoints().to_vec()
    }

    fn next(&mut self, selection: &mut Selection, millis: u64) -> Result<Lease, Unavailable> {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(0x9e37_79b9_7f4a_7c15);
        let route = Arc::clone(self.table.get(&key("app")).unwrap());
        selection.next(
            &route,
            &mut Context {
                settings: &self.settings,
                cursors: &mut self.cursors,
                now: at(millis),
                random: self.random,
                max_connections: self.max_connections,
                near: self.near,
            },
        )
    }

    /// One request with one attempt, at once over.
    fn once(&mut self, millis: u64) -> Result<usize, Unavailable> {
        let lease = self.next(&mut Selection::new(), millis)?;
        Ok(self.number(&lease))
    }

    fn number(&self, lease: &Lease) -> usize {
        self.endpoints()
            .iter()
            .position(|endpoint| endpoint.address() == lease.endpoint().address())
            .unwrap()
    }
}

use crate::EndpointThing;

/// D-355: round robin: each endpoint is returned in turn, from any start
/// D-358: round robin: later indices are consecutive
#[test]
fn round_robin_takes_each_endpoint_in_turn() {
    for size in 1..5 {
        let mut worker = Worker::with(size);
        let first = worker.once(0).unwrap();
        for turn in 1..3 * size {
            assert_eq!(worker.once(0), Ok((first + turn) % size));
        }
    }
}

/// D-358: round robin: the first index of a pool is random
#[test]
fn round_robin_starts_anywhere() {
    let mut starts = BTreeSet::new();
    let mut worker = Worker::with(4);
    for _ in 0..200 {
        worker.cursors = Cursors::new();
        starts.insert(worker.once(0).unwrap());
    }
    assert_eq!(starts.len(), 4);
}

/// D-356: round robin: given an empty pool, then none
/// D-385: least connection: given an empty pool, then none
/// D-420: an empty pool is not overloaded, even with a limit
#[test]
fn an_empty_pool_gives_none() {
    for mut worker in [Worker::with(0), Worker::with(0).least_connection()] {
        assert_eq!(worker.once(0), Err(Unavailable::Empty));
        worker.max_connections = 1;
        assert_eq!(worker.once(0), Err(Unavailable::Empty));
    }
}

/// D-357: round robin: two parallel requests take consecutive endpoints, and a retry takes no turn
/// from others
#[test]
fn parallel_requests_take_turns_of_the_pool_and_retries_do_not() {
    let mut worker = Worker::with(4);
    let (mut one, mut other) = (Selection::new(), Selection::new());
    let a = worker.next(&mut one, 0).unwrap();
    let first = worker.number(&a);
    let b = worker.next(&mut other, 0).unwrap();
    assert_eq!(worker.number(&b), (first + 1) % 4);
    let retry = worker.next(&mut one, 0).unwrap();
    assert_eq!(worker.number(&retry), (first + 1) % 4);
    assert_eq!(worker.once(0), Ok((first + 2) % 4));
}

/// D-366: round robin: given some overloaded endpoints, then one that is not
/// D-367: round robin: given all overloaded, then none
/// D-200: given unlimited connections, then all endpoints are in the pool
/// D-201: given one endpoint at its limit, then the request goes on
/// D-202: given all endpoints at their limit, then it is told so
/// D-389: least connection: given all overloaded, then none
/// D-390: least connection: given a single overloaded endpoint, then none
/// D-419: without a limit a pool is never overloaded
/// D-421: a pool is overloaded where all its endpoints are
#[test]
fn a_limit_holds_and_frees_again() {
    for size in [1, 3] {
        for mut worker in [
            Worker::with(size).limit(2),
            Worker::with(size).limit(2).least_connection(),
        ] {
            let mut leases: Vec<Lease> = (0..2 * size)
                .map(|_| worker.next(&mut Selection::new(), 0).unwrap())
                .collect();
            for endpoint in worker.endpoints() {
                assert_eq!(endpoint.state().in_flight(), 2);
            }
            assert_eq!(worker.once(0), Err(Unavailable::Overloaded));
            let freed = leases.pop().unwrap();
            let number = worker.number(&freed);
            drop(freed);
            assert_eq!(worker.once(0), Ok(number));
            worker.max_connections = 0;
            assert!(worker.once(0).is_ok());
        }
    }
}

#[test]
fn an_endpoint_s_own_limit_comes_first() {
    let mut worker = Worker::with(0).limit(1);
    worker.upsert(EndpointThing {
        max_connections: 3,
        ..endpoint("app", "10.0.0.1:80")
    });
    let leases: Vec<_> = (0..4)
        .map(|_| worker.next(&mut Selection::new(), 0))
        .collect();
    assert_eq!(leases.iter().filter(|lease| lease.is_ok()).count(), 3);
}

/// D-372: round robin: given a failed endpoint, then it is skipped
/// D-374: round robin: a mark older than the mark time does not count
#[test]
fn a_marked_endpoint_is_passed_over_until_its_time_is_over() {
    for mut worker in [Worker::with(3), Worker::with(3).least_connection()] {
        worker.endpoints()[1].mark_failed(at(1_000));
        let chosen: BTreeSet<_> = (0..30).map(|_| worker.once(31_000).unwrap()).collect();
        assert_eq!(chosen, BTreeSet::from([0, 2]));
        let chosen: BTreeSet<_> = (0..30).map(|_| worker.once(31_001).unwrap()).collect();
        assert_eq!(chosen, BTreeSet::from([0, 1, 2]));
    }
}

/// D-373: round robin: given all failed, then all marks are cleared and the choice goes on
/// D-368: round robin: given the only endpoint without a mark overloaded, then marks are cleared
#[test]
fn marks_go_where_nobody_else_is_usable() {
    let mut worker = Worker::with(3);
    for endpoint in worker.endpoints() {
        endpoint.mark_failed(at(0));
    }
    let chosen: BTreeSet<_> = (0..3).map(|_| worker.once(1).unwrap()).collect();
    assert_eq!(chosen.len(), 3);
    for endpoint in worker.endpoints() {
        assert!(!endpoint.state().is_marked(at(1), MARK_TIME));
    }

    let mut worker = Worker::with(2).limit(1);
    let lease = worker.next(&mut Selection::new(), 0).unwrap();
    let other = 1 - worker.number(&lease);
    worker.endpoints()[other].mark_failed(at(0));
    assert_eq!(worker.once(1), Ok(other));
    assert!(
        !worker.endpoints()[other]
            .state()
            .is_marked(at(1), MARK_TIME)
    );
}

/// D-372: a request does not go again where it failed while there is another
#[test]
fn what_was_tried_is_tried_again_last() {
    for mut worker in [Worker::with(3), Worker::with(3).least_connection()] {
        let mut selection = Selection::new();
        let mut tried = BTreeSet::new();
        for _ in 0..3 {
            let lease = worker.next(&mut selection, 0).unwrap();
            lease.endpoint().mark_failed(at(0));
            assert!(tried.insert(worker.number(&lease)));
        }
        assert!(
            worker.next(&mut selection, 0).is_ok(),
            "the fourth attempt begins anew"
        );
    }
    let mut single = Worker::with(1);
    let mut selection = Selection::new();
    assert!((0..3).all(|_| single.next(&mut selection, 0).is_ok()));
}

#[test]
fn a_request_that_saw_a_failure_leaves_the_mark_to_others() {
    let mut worker = Worker::with(2);
    let mut selection = Selection::new();
    let lease = worker.next(&mut selection, 0).unwrap();
    let first = worker.number(&lease);
    for endpoint in worker.endpoints() {
        endpoint.mark_failed(at(0));
    }
    let retry = worker.next(&mut selection, 0).unwrap();
    assert_eq!(worker.number(&retry), 1 - first);
    let marked = |n: usize| worker.endpoints()[n].state().is_marked(at(0), MARK_TIME);
    assert!(marked(first));
    assert!(!marked(1 - first));
}

#[test]
fn silent_endpoints_come_after_the_others_and_before_failed_ones() {
    for least in [false, true] {
        let mut worker = Worker::with(0);
        if least {
            worker = worker.least_connection();
        }
        let silent = EndpointThing {
            silent: true,
            tls: Some("san".to_owned()),
            ..endpoint("app", "10.0.0.2:443")
        };
        worker.upsert(endpoint("app", "10.0.0.1:80"));
        worker.upsert(silent);
        assert!((0..10).all(|_| worker.once(0) == Ok(0)));
        worker.endpoints()[0].mark_failed(at(0));
        assert!((0..10).all(|_| worker.once(1) == Ok(1)));
        worker.endpoints()[1].mark_failed(at(0));
        assert_eq!(
            worker.once(1),
            Ok(0),
            "marks are cleared, and silence still counts"
        );
    }
}

#[test]
fn an_endpoint_set_aside_comes_back_after_one_registration_interval() {
    let mut worker = Worker::with(1);
    let interval = worker.settings.registration_interval.as_millis();
    let interval = u64::try_from(interval).unwrap();
    worker.endpoints()[0].set_aside(at(0));
    assert_eq!(worker.once(interval - 1), Err(Unavailable::Empty));
    assert_eq!(worker.once(interval), Ok(0));
}

#[test]
fn an_endpoint_set_aside_comes_back_at_a_new_generation() {
    let mut worker = Worker::with(0);
    worker.upsert(endpoint("app", "10.0.0.1:80"));
    worker.endpoints()[0].set_aside(at(0));
    let moved = EndpointThing {
        segment: "s".to_owned(),
        ..endpoint("app", "10.0.0.1:80")
    };
    worker.upsert(moved.clone());
    assert_eq!(
        worker.once(1),
        Err(Unavailable::Empty),
        "the segment says nothing about identity"
    );
    worker.upsert(EndpointThing {
        generation: 2,
        ..moved
    });
    assert_eq!(worker.once(1), Ok(0));
}

#[test]
fn a_silent_endpoint_set_aside_comes_back_with_the_end_of_its_silence() {
    let mut worker = Worker::with(0);
    let heard = endpoint("app", "10.0.0.1:80");
    let silent = EndpointThing {
        silent: true,
        ..heard.clone()
    };
    worker.upsert(heard.clone());
    worker.endpoints()[0].set_aside(at(0));
    worker.upsert(silent);
    assert_eq!(
        worker.once(1 << 40),
        Err(Unavailable::Empty),
        "no interval readmits a silent one"
    );
    worker.upsert(heard);
    assert_eq!(worker.once(1), Ok(0));
}

/// D-375: round robin: a request's start and end move the counter
/// D-402: least connection: a request's start and end move the counter
/// D-429: counters go up and down atomically
#[test]
fn a_lease_counts_until_it_is_dropped() {
    let mut worker = Worker::with(1);
    let leases: Vec<_> = (0..5)
        .map(|_| worker.next(&mut Selection::new(), 0).unwrap())
        .collect();
    assert_eq!(worker.endpoints()[0].state().in_flight(), 5);
    drop(leases);
    assert_eq!(worker.endpoints()[0].state().in_flight(), 0);
}

/// D-405: a new registration with the same identity keeps counters and connections
/// D-406: another identity is another endpoint to the process
/// D-422: the same registration is one endpoint
#[test]
fn what_an_endpoint_lived_through_survives_a_change() {
    let mut worker = Worker::with(0);
    let first = endpoint("app", "10.0.0.1:80");
    worker.upsert(first.clone());
    let lease = worker.next(&mut Selection::new(), 0).unwrap();
    let index = lease.endpoint().state().index();
    worker.upsert(EndpointThing {
        generation: 2,
        app_id: "other".to_owned(),
        ..first.clone()
    });
    assert_eq!(worker.endpoints().len(), 1);
    assert_eq!(worker.endpoints()[0].app_id(), "other");
    assert_eq!(worker.endpoints()[0].state().in_flight(), 1);
    assert_eq!(worker.endpoints()[0].state().index(), index);
    worker.upsert(EndpointThing {
        generation: 3,
        tls: Some("san".to_owned()),
        ..first
    });
    assert_eq!(worker.endpoints()[0].state().in_flight(), 0);
    assert_ne!(worker.endpoints()[0].state().index(), index);
}

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

proptest! {
    /// Whatever was marked, set aside, silenced or filled: a choice is the best there is.
    #[test]
    fn the_choice_is_never_worse_than_another(
        pool in vec((any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()), 1..7),
        least in any::<bool>(),
        random in any::<u64>(),
        attempts in 1_usize..9,
    ) {
        let mut worker = Worker::with(0).limit(1);
        worker.random = random;
        if least {
            worker = worker.least_connection();
        }
        for (n, (_, silent, ..)) in pool.iter().enumerate() {
            worker.upsert(EndpointThing {
                silent: *silent,
                ..endpoint("app", &format!("10.0.0.{n}:80"))
            });
        }
        let mut held = Vec::new();
        for (endpoint, (marked, _, aside, full)) in worker.endpoints().iter().zip(&pool) {
            if *marked {
                endpoint.mark_failed(at(0));
            }
            if *aside {
                endpoint.set_aside(at(0));
            }
            if *full {
                held.extend(Lease::reserve(endpoint, 0));
            }
        }
        let mut selection = Selection::new();
        let mut tried = BTreeSet::new();
        for _ in 0..attempts {
            let quality = |n: usize, endpoint: &Endpoint| {
                let marked = endpoint.state().is_marked(at(1), MARK_TIME);
                (tried.contains(&n), marked, endpoint.is_silent())
            };
            let endpoints = worker.endpoints();
            let best = endpoints
                .iter()
                .enumerate()
                .filter(|(n, _)| !pool[*n].2 && !pool[*n].3)
                .map(|(n, endpoint)| {
                    let (tried, marked, silent) = quality(n, endpoint);
                    if tried { (true, false, false) } else { (tried, marked, silent) }
                })
                .min();
            let before: Vec<_> =
                endpoints.iter().enumerate().map(|(n, each)| quality(n, each)).collect();
            match worker.next(&mut selection, 1) {
                Ok(lease) => {
                    let n = worker.number(&lease);
                    let (tried_before, marked, silent) = before[n];
                    let got = if tried_before { (true, false, false) } else { (false, marked, silent) };
                    prop_assert_eq!(Some(got), best);
                    tried.insert(n);
                }
                Err(reason) => {
                    prop_assert!(best.is_none());
                    let all_aside = pool.iter().all(|(.., aside, _)| *aside);
                    prop_assert_eq!(reason == Unavailable::Empty, all_aside);
                }
            }
        }
        drop(held);
    }
}
