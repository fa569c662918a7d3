//! Whatever state a pool is in.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::*;

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
