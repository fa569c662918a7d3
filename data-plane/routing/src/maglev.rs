//! Keys spread over endpoints so that few of them move when endpoints come or go (Maglev: a fast
//! and reliable software network load balancer, section 3.4).
//!
//! The table depends on the ids of the endpoints alone, and both hash and size are Gorouter's (D-631 to D-637): every router sends a key to the same endpoint.

use smallvec::SmallVec;

/// Slots of a table: a prime, so that every step through it comes by all of them.
const SLOTS: usize = 3001;

/// Nobody's yet.
const VACANT: u16 = u16::MAX;

/// FNV-1a of 64 bits.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The remainder of a hash by a number that is small.
fn remainder(hash: u64, by: usize) -> usize {
    usize::try_from(hash % by as u64).unwrap_or_default()
}

/// Which endpoint each slot belongs to, by its place among them.
#[derive(Clone, Debug)]
pub(crate) struct Slots(Box<[u16]>);

/// The slots in the order in which one endpoint wants them.
struct Wishes {
    place: u16,
    at: usize,
    skip: usize,
}

impl Wishes {
    fn new(id: &str, place: u16) -> Self {
        let hash = hash(id.as_bytes());
        Self {
            place,
            at: remainder(hash, SLOTS),
            skip: remainder(hash, SLOTS - 1) + 1,
        }
    }

    /// Takes the next slot that is nobody's yet.
    fn take(&mut self, slots: &mut [u16]) {
        for _ in 0..SLOTS {
            let slot = slots.get_mut(self.at);
            self.at = (self.at + self.skip) % SLOTS;
            if let Some(slot) = slot
                && *slot == VACANT
            {
                *slot = self.place;
                return;
            }
        }
    }
}

impl Slots {
    /// The table of endpoints with these ids.
    pub(crate) fn new<'a>(ids: impl Iterator<Item = &'a str>) -> Self {
        let mut ordered: Vec<(&str, u16)> = ids.zip(0..VACANT).collect();
        ordered.sort_unstable();
        let mut wishes: Vec<Wishes> = ordered
            .into_iter()
            .map(|(id, place)| Wishes::new(id, place))
            .collect();
        let mut slots = vec![VACANT; SLOTS];
        let mut taken = 0;
        while taken < SLOTS && !wishes.is_empty() {
            for wishes in wishes.iter_mut().take(SLOTS - taken) {
                wishes.take(&mut slots);
                taken += 1;
            }
        }
        Self(slots.into_boxed_slice())
    }

    /// The places of the endpoints, each once, in the order in which a key comes by them: the
    /// first is where it belongs.
    pub(crate) fn order(&self, hash: u64, endpoints: usize) -> impl Iterator<Item = usize> {
        let (before, after) = self
            .0
            .split_at_checked(remainder(hash, SLOTS))
            .unwrap_or_default();
        let mut seen: SmallVec<[u64; 4]> = SmallVec::from_elem(0, endpoints.div_ceil(64));
        let mut is_new = move |place: usize| {
            let Some(word) = seen.get_mut(place / 64) else {
                return false;
            };
            let known = *word & (1 << (place % 64)) != 0;
            *word |= 1 << (place % 64);
            !known
        };
        after
            .iter()
            .chain(before)
            .map(|place| usize::from(*place))
            .filter(move |place| is_new(*place))
            .take(endpoints)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("instance-{n}")).collect()
    }

    fn table(ids: &[String]) -> Slots {
        Slots::new(ids.iter().map(String::as_str))
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }

    /// D-637: all endpoints get nearly equal shares, and where one goes or comes few slots move.
    #[test]
    fn shares_are_alike_and_few_slots_move() {
        for count in [1, 2, 3, 10, 30] {
            let all = ids(count);
            let slots = table(&all);
            let mut shares = vec![0_usize; count];
            for place in &slots.0 {
                shares[usize::from(*place)] += 1;
            }
            let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
            assert!(most - least <= 1, "{shares:?}");
            if count == 1 {
                continue;
            }
            let fewer = table(&all[..count - 1]);
            let pairs = slots.0.iter().zip(&fewer.0);
            let moved = pairs
                .filter(|(before, after)| before != after && usize::from(**before) != count - 1)
                .count();
            assert!(moved < SLOTS / 8, "{moved} of {count}");
        }
    }

    /// The order in which endpoints are held does not matter, only their ids do.
    #[test]
    fn tables_agree_whatever_the_order() {
        let all = ids(7);
        let reversed: Vec<String> = all.iter().rev().cloned().collect();
        let (one, other) = (table(&all), table(&reversed));
        let same = |(a, b): (&u16, &u16)| all[usize::from(*a)] == reversed[usize::from(*b)];
        assert!(one.0.iter().zip(&other.0).all(same));
    }

    #[test]
    fn the_order_of_a_key_has_every_endpoint_once() {
        for count in [0, 1, 5, 70, 200] {
            let slots = table(&ids(count));
            for key in ["", "a", "b", "tenant-7"] {
                let mut order: Vec<_> = slots.order(hash(key.as_bytes()), count).collect();
                order.sort_unstable();
                assert_eq!(order, (0..count).collect::<Vec<_>>());
            }
        }
        let many = table(&ids(5_000));
        let order: Vec<_> = many.order(7, 5_000).collect();
        assert_eq!(order.len(), SLOTS, "who has no slot is out of the order");
    }
}
