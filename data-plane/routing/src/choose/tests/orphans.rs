//! Orphans are chosen after all that somebody vouches for.

use super::*;
use crate::Closing;
use crate::testing::closing;

const KNOWN: &str = "10.0.0.1:80";
const ORPHAN: &str = "10.0.0.2:80";

/// Its new control plane knows only the first of two endpoints, as `known` says it.
fn with_an_orphan(known: EndpointThing) -> Worker {
    let mut worker = Worker::with(0);
    worker.upsert(endpoint("app", KNOWN));
    worker.upsert(endpoint("app", ORPHAN));
    worker.writer.begin(2);
    worker.writer.set_authoritative(true);
    worker.writer.upsert(Thing::Route(route("app", 1)));
    worker.upsert(known);
    let step = Closing {
        complete: true,
        ..closing(5, vec![], worker.writer.held())
    };
    assert!(worker.writer.close(step, at(0)).unwrap().agrees);
    worker
}

#[test]
fn an_orphan_comes_after_the_others_and_before_failed_ones() {
    let heard = endpoint("app", KNOWN);
    let silent = EndpointThing {
        silent: true,
        ..heard.clone()
    };
    for known in [heard, silent] {
        for least in [false, true] {
            let mut worker = with_an_orphan(known.clone());
            if least {
                worker = worker.least_connection();
            }
            assert!((0..10).all(|_| worker.once(0) == Ok(0)));
            worker.endpoints()[0].mark_failed(at(0));
            assert!((0..10).all(|_| worker.once(1) == Ok(1)));
        }
    }
}

#[test]
fn an_orphan_serves_where_there_is_nobody_else() {
    let mut worker = with_an_orphan(endpoint("app", KNOWN));
    let mut selection = Selection::new();
    let first = worker.next(&mut selection, 0).unwrap();
    assert_eq!(first.endpoint().address().as_str(), KNOWN);
    let second = worker.next(&mut selection, 0).unwrap();
    assert_eq!(second.endpoint().address().as_str(), ORPHAN);
}
