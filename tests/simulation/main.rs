//! Both pure cores joined by the real batch format, under a seed.
//!
//! Publishers register and leave; control planes hear them, each in its own order and not always;
//! data planes follow one control plane at a time over streams that are cut, stand still and are
//! read slowly; control planes are killed and begin anew. Everything that travels is encoded and
//! decoded as on a wire. What must hold is checked whenever a table is published, at every closing
//! step, and after quiet.
//!
//! `POINTSMAN_SIMULATION_SEEDS` says how many seeds are run (500), `POINTSMAN_SIMULATION_SEED`
//! names the only one; it stands in every failure.

mod control_plane;
mod data_plane;
mod draw;
mod fleet;
mod publishers;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use fleet::Fleet;

const SEEDS: u64 = 500;

/// How much happens under one seed before quiet.
const STEPS: usize = 400;

fn number(name: &str) -> Option<u64> {
    let text = pointsman_tests::environment(name)?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is {text:?}; expected a number")),
    )
}

fn run(seed: u64) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut fleet = Fleet::new(seed);
        for _ in 0..STEPS {
            fleet.step();
        }
        fleet.quiet();
    }));
    if let Err(failure) = outcome {
        let what = failure
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| failure.downcast_ref::<&str>().copied())
            .unwrap_or("it panicked");
        panic!("under POINTSMAN_SIMULATION_SEED={seed}: {what}");
    }
}

#[test]
fn data_planes_hold_what_is_registered() {
    if let Some(seed) = number("POINTSMAN_SIMULATION_SEED") {
        return run(seed);
    }
    let seeds = number("POINTSMAN_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for first in 0..threads {
            scope.spawn(move || (0..seeds).skip(first).step_by(threads).for_each(run));
        }
    });
}
