//! Which values many endpoints have in common.

use std::sync::Arc;

use super::shared::Shared;
use crate::hash;

/// Finds the values that come again and again in a stream of values, in a fixed amount of memory.
///
/// What an instance has to itself is cheapest beside what else it has to itself; what thousands
/// have in common, as the name of their organization, is cheapest kept once. Only counting tells
/// which is which. A place counts one value, and another value that falls on it counts it down:
/// what comes often stays, whatever else passes by.
#[derive(Debug)]
pub(super) struct Common {
    seed: u64,
    values: Shared<str>,
    sightings: Box<[Sighting]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sighting {
    fingerprint: u32,
    times: u32,
}

/// How many values are counted at a time.
const COUNTED: usize = 1 << 14;

/// How often a value is seen before it is taken for common: the apps of most platforms have fewer
/// instances than that, and an app whose id is common makes a family of its own.
const OFTEN: u32 = 12;

impl Common {
    /// Knows no value yet. `seed` keys the hash: draw it at random.
    pub(super) fn with_seed(seed: u64) -> Self {
        Self {
            seed,
            values: Shared::with_seed(seed),
            sightings: vec![Sighting::default(); COUNTED].into_boxed_slice(),
        }
    }

    /// Sees a value once more, and returns it where it is common.
    pub(super) fn see(&mut self, value: &str) -> Option<Arc<str>> {
        if let Some(known) = self.values.find(value) {
            return Some(known);
        }
        self.is_seen_often(value)
            .then(|| self.values.keep(Arc::from(value)))
    }

    /// Lets go of the values that nobody uses.
    pub(super) fn tidy(&mut self) {
        self.values.tidy();
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the place and the fingerprint are different bits of one hash"
    )]
    fn is_seen_often(&mut self, value: &str) -> bool {
        let hash = hash::hash(self.seed, 0, value.as_bytes());
        let Some(place) = self.sightings.get_mut(hash as usize % COUNTED) else {
            return false;
        };
        let fingerprint = (hash >> 32) as u32;
        if place.times == 0 {
            *place = Sighting {
                fingerprint,
                times: 1,
            };
        } else if place.fingerprint == fingerprint {
            place.times += 1;
        } else {
            place.times -= 1;
        }
        place.fingerprint == fingerprint && place.times >= OFTEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_often_is_common_and_what_passes_by_is_not() {
        let mut common = Common::with_seed(7);
        let mut found = 0;
        for n in 0..100_000 {
            let own = format!("instance-{n}");
            assert!(common.see(&own).is_none(), "{own}");
            let space = format!("space-{}", n % 500);
            found += usize::from(common.see(&space).is_some());
        }
        assert!(
            found > 80_000,
            "{found} of 100,000 sightings were of a common value"
        );
    }
}
