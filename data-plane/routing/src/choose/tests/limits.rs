//! How many requests there are at an endpoint, and how many there may be.

use super::*;

/// D-356: round robin: given an empty pool, then none
/// D-385: least connection: given an empty pool, then none
/// D-420: an empty pool is not overloaded, even with a limit
/// C-242: an empty pool is not overloaded
#[test]
fn an_empty_pool_gives_none() {
    for mut worker in [Worker::with(0), Worker::with(0).least_connection()] {
        assert_eq!(worker.once(0), Err(Unavailable::Empty));
        worker.max_connections = 1;
        assert_eq!(worker.once(0), Err(Unavailable::Empty));
    }
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
/// C-240: without a limit a pool is not overloaded, however busy all its endpoints are
/// C-241: nor where some are
/// C-243: with one it is, where all its endpoints are at it
/// C-244: and is not, where one is below it
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

/// D-375: round robin: a request's start and end move the counter
/// D-402: least connection: a request's start and end move the counter
/// D-429: counters go up and down atomically
/// C-209: requests in flight are counted up and down for each endpoint
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
/// C-197: an endpoint that is put again keeps its connections
/// C-198: with another name in its certificate it does not
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

/// What the limit does not count any more is a request of the endpoint until it ends, and is not taken off twice then.
#[test]
fn what_has_its_head_is_a_request_beside_the_limit() {
    let mut worker = Worker::with(1);
    let [mut answered, held] = [(); 2].map(|()| worker.next(&mut Selection::new(), 0).unwrap());
    let count = |worker: &Worker| {
        let endpoints = worker.endpoints();
        let state = endpoints[0].state();
        (state.in_flight(), state.requests())
    };
    assert_eq!(count(&worker), (2, 2));
    answered.pass_head();
    assert_eq!(count(&worker), (1, 2));
    answered.pass_head();
    assert_eq!(count(&worker), (1, 2));
    drop(answered);
    assert_eq!(count(&worker), (1, 1));
    drop(held);
    assert_eq!(count(&worker), (0, 0));
}
