//! Workers choose at the same time, each with turns of its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;

const BOUND: u32 = 2;

/// D-365: round robin: at the same time, no endpoint has more than it may have, and nothing is left
/// behind.
#[test]
fn bounds_hold_among_workers() {
    let worker = Worker::with(3);
    let (route, settings) = (
        Arc::clone(worker.table.get(&key("app")).unwrap()),
        worker.settings,
    );
    let number = |lease: &Lease| {
        let mut endpoints = route.endpoints().iter();
        endpoints.position(|each| each.address() == lease.endpoint().address())
    };
    let held: [AtomicU32; 3] = Default::default();
    let served = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut cursors = Cursors::new();
                for random in 0..2_000 {
                    let mut context = Context {
                        settings: &settings,
                        cursors: &mut cursors,
                        now: at(0),
                        random,
                        max_connections: BOUND,
                        near: None,
                        slow_start: Duration::ZERO,
                    };
                    let Ok(lease) = Selection::new().next(&route, &mut context) else {
                        continue;
                    };
                    let count = &held[number(&lease).unwrap()];
                    assert!(count.fetch_add(1, Ordering::SeqCst) < BOUND);
                    thread::yield_now();
                    count.fetch_sub(1, Ordering::SeqCst);
                    served.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert!(served.into_inner() > 0);
    for endpoint in route.endpoints() {
        assert_eq!(endpoint.state().in_flight(), 0);
    }
}
