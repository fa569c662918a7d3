//! Requests that name the endpoint that they want.

use super::*;

const APP: &str = "app-guid";

fn instance(n: usize) -> EndpointThing {
    EndpointThing {
        app_id: APP.to_owned(),
        instance_id: format!("instance-{n}"),
        instance_index: n.to_string(),
        tags: Some(vec![(
            "process_id".to_owned(),
            format!("process-{}", n / 2),
        )]),
        ..endpoint("app", &format!("10.0.0.{n}:80"))
    }
}

/// Workers of both algorithms, with this many instances.
fn workers(instances: usize) -> [Worker; 2] {
    [Worker::with(0), Worker::with(0).least_connection()].map(|mut worker| {
        for n in 0..instances {
            worker.upsert(instance(n));
        }
        worker
    })
}

fn sticking(endpoint: &str, must: bool) -> Selection {
    let asked = Asked {
        session: Some(Session {
            endpoint: endpoint.into(),
            must,
        }),
        ..Asked::default()
    };
    Selection::asking(Some(Box::new(asked)))
}

fn only(only: Selector) -> Selection {
    let asked = Asked {
        only: Some(only),
        ..Asked::default()
    };
    Selection::asking(Some(Box::new(asked)))
}

fn by_index(app: &str, index: &str) -> Selector {
    Selector::Instance {
        app: app.into(),
        index: index.into(),
    }
}

fn of_process(process: &str, index: Option<&str>) -> Selector {
    Selector::Process {
        process: process.into(),
        index: index.map(Into::into),
    }
}

/// D-359: round robin: a session id that is an instance's id leads to that instance.
/// D-360: round robin: so does one that is its address.
/// D-361: round robin: among several instances the right one is found.
#[test]
fn a_session_leads_to_its_instance() {
    for mut worker in workers(4) {
        for n in 0..4 {
            for id in [format!("instance-{n}"), format!("10.0.0.{n}:80")] {
                for must in [false, true] {
                    let mut selection = sticking(&id, must);
                    let lease = worker.next(&mut selection, 0).unwrap();
                    assert_eq!(worker.number(&lease), n);
                    assert!(selection.is_bound());
                }
            }
        }
    }
}

/// D-362: round robin: without the instance of an optional session another one is next.
/// D-393: least connection: the same.
/// D-363: round robin: without the instance of a mandatory session there is none.
/// D-394: least connection: the same.
#[test]
fn without_the_instance_of_its_session_a_request_goes_elsewhere_or_nowhere() {
    for mut worker in workers(2) {
        let mut selection = sticking("gone", false);
        assert!(worker.next(&mut selection, 0).is_ok());
        assert!(!selection.is_bound());
        let refused = worker.next(&mut sticking("gone", true), 0).unwrap_err();
        assert_eq!(refused, Unavailable::Missing);
    }
    for mut worker in workers(0) {
        for must in [false, true] {
            let refused = worker.next(&mut sticking("gone", must), 0).unwrap_err();
            assert_eq!(refused, Unavailable::Empty);
        }
    }
}

/// D-364: round robin: an endpoint that is registered with another instance id is found under it.
#[test]
fn an_endpoint_is_found_under_its_latest_instance_id() {
    for mut worker in workers(2) {
        worker.upsert(EndpointThing {
            instance_id: "renamed".to_owned(),
            generation: 2,
            ..instance(1)
        });
        let lease = worker.next(&mut sticking("renamed", true), 0).unwrap();
        assert_eq!(worker.number(&lease), 1);
        let refused = worker.next(&mut sticking("instance-1", true), 0);
        assert_eq!(refused.unwrap_err(), Unavailable::Missing);
    }
}

/// D-369: round robin: with the instance of an optional session full it is another, or none where
/// all are.
/// D-391: least connection: the same.
/// D-370: round robin: with that of a mandatory session full there is none.
/// D-392: least connection: the same.
/// D-371: round robin: being full does not mark it as failed.
#[test]
fn a_full_instance_gives_its_sessions_away_unless_they_must_stay() {
    for worker in workers(2) {
        let mut worker = worker.limit(1);
        let held = worker.next(&mut sticking("instance-0", false), 0).unwrap();
        let refused = worker.next(&mut sticking("instance-0", true), 0);
        assert_eq!(refused.unwrap_err(), Unavailable::Missing);
        let other = worker.next(&mut sticking("instance-0", false), 0).unwrap();
        assert_eq!(worker.number(&other), 1);
        assert!(!held.endpoint().state().is_marked(at(0), MARK_TIME));
        for must in [false, true] {
            let refused = worker.next(&mut sticking("instance-0", must), 0);
            assert_eq!(refused.unwrap_err(), Unavailable::Overloaded);
        }
    }
}

/// A mark does not end a session; a retry goes elsewhere, unless it must stay.
#[test]
fn a_session_stays_at_a_marked_instance_for_one_attempt() {
    for mut worker in workers(3) {
        worker.endpoints()[1].mark_failed(at(0));
        let mut selection = sticking("instance-1", false);
        let first = worker.next(&mut selection, 1).unwrap();
        assert_eq!(worker.number(&first), 1);
        let second = worker.next(&mut selection, 1).unwrap();
        assert_ne!(worker.number(&second), 1);
        assert!(!selection.is_bound());
        let mut selection = sticking("instance-1", true);
        for _ in 0..3 {
            let lease = worker.next(&mut selection, 1).unwrap();
            assert_eq!(worker.number(&lease), 1);
        }
    }
}

#[test]
fn a_session_does_not_stay_with_who_cannot_prove_its_identity() {
    for mut worker in workers(2) {
        worker.endpoints()[0].set_aside(at(0));
        let lease = worker.next(&mut sticking("instance-0", false), 1).unwrap();
        assert_eq!(worker.number(&lease), 1);
        let refused = worker.next(&mut sticking("instance-0", true), 1);
        assert_eq!(refused.unwrap_err(), Unavailable::Missing);
    }
}

/// D-203: an app-instance selector leads to that index of that app only.
/// D-205: a process-instance selector with an index leads to that instance of that process only.
/// C-302: an instance of a process is exactly that one.
/// C-305: an index that the process does not have is nobody.
/// C-306: so is an unknown process.
#[test]
fn a_selector_leads_to_what_it_names_and_nowhere_else() {
    for mut worker in workers(4) {
        for n in 0..4 {
            for selector in [
                by_index(APP, &n.to_string()),
                of_process(&format!("process-{}", n / 2), Some(&n.to_string())),
            ] {
                for _ in 0..5 {
                    let lease = worker.next(&mut only(selector.clone()), 0).unwrap();
                    assert_eq!(worker.number(&lease), n);
                }
            }
        }
        for selector in [
            by_index(APP, "4"),
            by_index("other", "0"),
            of_process("process-0", Some("2")),
            of_process("process-2", None),
            of_process("", None),
        ] {
            let mut selection = only(selector.clone());
            let route = Arc::clone(worker.table.get(&key("app")).unwrap());
            assert_eq!(selection.candidates(&route), 0, "{selector:?}");
            let refused = worker.next(&mut selection, 0).unwrap_err();
            assert_eq!(refused, Unavailable::Empty);
        }
    }
}

/// D-206: a process-instance selector without an index leads to any instance of that process.
/// C-300: without an index, those of the route that carry the process take turns, and no other.
#[test]
fn a_process_has_any_of_its_instances() {
    for mut worker in workers(6) {
        let chosen: BTreeSet<_> = (0..60)
            .map(|_| {
                let lease = worker.next(&mut only(of_process("process-1", None)), 0);
                worker.number(&lease.unwrap())
            })
            .collect();
        assert_eq!(chosen, BTreeSet::from([2, 3]));
        let mut selection = only(of_process("process-1", None));
        let first = worker.next(&mut selection, 0).unwrap();
        let second = worker.next(&mut selection, 0).unwrap();
        assert_ne!(worker.number(&first), worker.number(&second));
        let route = Arc::clone(worker.table.get(&key("app")).unwrap());
        assert_eq!(selection.candidates(&route), 2);
        assert!(selection.is_partial());
    }
}

/// D-430: the process of an endpoint is what its tag says, and without one it has none
#[test]
fn an_endpoint_without_the_tag_is_of_no_process() {
    let mut worker = Worker::with(0);
    for (n, tags) in [
        None,
        Some(Vec::new()),
        Some(vec![("process_id".to_owned(), "p".to_owned())]),
    ]
    .into_iter()
    .enumerate()
    {
        worker.upsert(EndpointThing {
            tags,
            ..endpoint("app", &format!("10.0.0.{n}:80"))
        });
    }
    let route = Arc::clone(worker.table.get(&key("app")).unwrap());
    for (process, candidates) in [("p", 1), ("q", 0)] {
        let selection = only(of_process(process, None));
        assert_eq!(selection.candidates(&route), candidates, "{process}");
    }
    let lease = worker.next(&mut only(of_process("p", None)), 0).unwrap();
    assert_eq!(worker.number(&lease), 2);
}

/// D-228: choices for a part of a pool leave the marks and the turns of the pool alone.
#[test]
fn a_selector_leaves_the_pool_alone() {
    let [mut worker, _] = workers(3);
    let turn = worker.once(0).unwrap();
    worker.endpoints()[0].mark_failed(at(0));
    for _ in 0..4 {
        let lease = worker.next(&mut only(by_index(APP, "0")), 1).unwrap();
        assert_eq!(
            worker.number(&lease),
            0,
            "a mark of the pool does not count"
        );
    }
    assert!(worker.endpoints()[0].state().is_marked(at(1), MARK_TIME));
    worker.endpoints()[0].state().clear_mark();
    assert_eq!(worker.once(1), Ok((turn + 1) % 3), "no turn was taken");
}

#[test]
fn bounds_hold_for_selectors_too() {
    for worker in workers(2) {
        let mut worker = worker.limit(1);
        let held = worker.next(&mut only(by_index(APP, "0")), 0).unwrap();
        let refused = worker.next(&mut only(by_index(APP, "0")), 0);
        assert_eq!(refused.unwrap_err(), Unavailable::Overloaded);
        drop(held);
        assert!(worker.next(&mut only(by_index(APP, "0")), 0).is_ok());
    }
}

/// a session is at the instance with exactly its id, or at exactly its address.
#[test]
fn a_part_of_an_id_names_nobody() {
    for mut worker in workers(3) {
        let mut chosen = |endpoint: &str| -> BTreeSet<usize> {
            let choices = (0..40).map(|_| {
                let lease = worker.next(&mut sticking(endpoint, false), 0).unwrap();
                worker.number(&lease)
            });
            choices.collect()
        };
        for named in ["instance-1", "10.0.0.1:80"] {
            assert_eq!(chosen(named), BTreeSet::from([1]), "{named:?}");
        }
        for other in ["instance-", "instance-10", "Instance-1", "10.0.0.1", "1"] {
            assert_eq!(chosen(other), BTreeSet::from([0, 1, 2]), "{other:?}");
        }
    }
}

/// C-292: for an instance of an app the algorithm of its route decides, and without one the default.
/// C-293: also where the option is empty.
/// C-294: `least-connection` counts.
/// C-295: so does `round-robin`.
/// C-299: the same for the instances of a process.
/// C-301: nothing about the route changes for them.
/// C-303: nor for one of them.
/// C-296: of two apps on one route only the instance of the one that is asked for is found.
/// C-297: and the route is the one of any other request.
#[test]
fn a_selector_chooses_by_the_algorithm_of_its_route() {
    let least = Some(Algorithm::LeastConnection);
    let round = Some(Algorithm::RoundRobin);
    for (default, own, expected) in [
        (Algorithm::RoundRobin, None, Algorithm::RoundRobin),
        (Algorithm::LeastConnection, None, Algorithm::LeastConnection),
        (Algorithm::RoundRobin, least, Algorithm::LeastConnection),
        (Algorithm::LeastConnection, round, Algorithm::RoundRobin),
    ] {
        let mut worker = Worker::with(0);
        worker.settings.default_algorithm = default;
        let mut thing = route("app", 2);
        thing.generation = 2;
        thing.attributes.algorithm = own;
        worker.writer.upsert(Thing::Route(thing));
        for n in 0..4 {
            worker.upsert(instance(n));
        }
        let other = EndpointThing {
            app_id: "other".to_owned(),
            tags: None,
            ..instance(9)
        };
        worker.upsert(EndpointThing {
            instance_index: "0".to_owned(),
            ..other
        });
        // Of the two instances of the process, the first has a request already.
        let busy = Lease::reserve(&worker.endpoints()[2], 0).unwrap();
        let chosen: BTreeSet<_> = (0..40)
            .map(|_| {
                let lease = worker.next(&mut only(of_process("process-1", None)), 0);
                worker.number(&lease.unwrap())
            })
            .collect();
        let idle_only = expected == Algorithm::LeastConnection;
        assert_eq!(
            chosen,
            if idle_only {
                BTreeSet::from([3])
            } else {
                BTreeSet::from([2, 3])
            }
        );
        drop(busy);
        let before = Arc::clone(worker.table.get(&key("app")).unwrap());
        for (app, number) in [(APP, 0), ("other", 4)] {
            let lease = worker.next(&mut only(by_index(app, "0")), 0).unwrap();
            assert_eq!(worker.number(&lease), number, "{app}");
        }
        let after = worker.table.get(&key("app")).unwrap();
        assert!(Arc::ptr_eq(&before, after), "the table is as it was");
        assert_eq!(after.endpoints().len(), 5);
    }
}
