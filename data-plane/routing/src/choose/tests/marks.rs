//! Endpoints that have failed, or were not heard for long.

use super::*;

/// D-372: round robin: given a failed endpoint, then it is skipped
/// D-374: round robin: a mark older than the mark time does not count
/// F-067: a failed endpoint is offered again once its mark time is over
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
/// F-071: where all endpoints have failed, that keeps nobody from being asked
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
