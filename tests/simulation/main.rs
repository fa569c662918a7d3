//! Both pure cores joined by the real batch format, under a seed.
//!
//! Publishers register and leave; control planes hear them, each in its own order, not always, and
//! not while they stand still; data planes follow one control plane at a time over streams that are
//! cut, stand still and are read slowly; what a data plane is granted changes; changes are rolled
//! out from one to the other, in parts, to their end or not; processes are killed and begin anew,
//! with and without what they had written down. Everything that travels is encoded and decoded as
//! on a wire. What must hold is checked whenever a data plane has read something, at every closing
//! step, and after quiet.
//!
//! `POINTSMAN_SIMULATION_SEEDS` says how many seeds are run (500), `POINTSMAN_SIMULATION_SEED`
//! names the only one; it stands in every failure.

mod control_plane;
mod data_plane;
mod draw;
mod fleet;
mod grant;
mod holdings;
mod limits;
mod must_hold;
mod publishers;
mod quiet;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use fleet::Fleet;

const SEEDS: u64 = 500;

/// How much happens under one seed before quiet.
const STEPS: usize = 400;

/// After so many failures of a thread the rest tells nothing new.
const FAILURES: usize = 3;

fn number(name: &str) -> Option<u64> {
    let text = pointsman_tests::environment(name)?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is {text:?}; expected a number")),
    )
}

/// What is wrong under a seed.
fn run(seed: u64) -> Option<String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut fleet = Fleet::new(seed);
        for _ in 0..STEPS {
            fleet.step();
        }
        fleet.quiet();
    }));
    let failure = outcome.err()?;
    let what = failure
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| failure.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked");
    Some(format!("under POINTSMAN_SIMULATION_SEED={seed}: {what}"))
}

/// Runs seeds until there are no more, or enough has failed.
fn work(next: &AtomicU64, seeds: u64) -> Vec<String> {
    let mut failures = Vec::new();
    while failures.len() < FAILURES {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds {
            break;
        }
        failures.extend(run(seed));
    }
    failures
}

/// what a control plane's table lacks beyond the guard's share stays until somebody decides
/// a young control plane adds, changes, and removes what it heard to be gone, and nothing else
/// data planes that move between control planes hold what the one they follow has
/// what cannot be honoured is named and parked, and the rest applies
/// what is rolled out is at those who were admitted, and its sums agree with everybody at any time
/// a process that stood still, or whose clock leapt, takes nothing for gone because of that
#[test]
fn data_planes_hold_what_is_registered() {
    if let Some(seed) = number("POINTSMAN_SIMULATION_SEED") {
        if let Some(failure) = run(seed) {
            panic!("{failure}");
        }
        return;
    }
    let seeds = number("POINTSMAN_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(0);
    let failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| work(&next, seeds)))
            .collect();
        let failures = workers.into_iter().map(|worker| worker.join());
        failures
            .flat_map(|failures| failures.expect("a worker catches panics"))
            .collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
