//! One after the other.

use super::*;

/// D-355: round robin: each endpoint is returned in turn, from any start
/// D-358: round robin: later indices are consecutive
/// C-218: in a pool with `round-robin` each endpoint has its turn
/// C-277: of two endpoints one is chosen
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
