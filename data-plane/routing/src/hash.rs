//! The hash of hosts: fast on short texts, and keyed, so that nobody can choose hosts that collide.

/// Odd constants without structure: the fractional parts of the square roots of 2, 3 and 5.
const MULTIPLIERS: [u64; 3] = [
    0x6a09_e667_f3bc_c909,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
];

/// The hash of a text, given by its bytes, of one `kind` under `seed`. Its upper and its lower bits are equally good.
pub(crate) fn hash(seed: u64, kind: u64, text: &[u8]) -> u64 {
    let [first, second, third] = MULTIPLIERS;
    let (words, rest) = text.as_chunks::<8>();
    let mut state = fold(seed ^ first, kind ^ text.len() as u64 ^ second);
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), second);
    }
    let rest = rest
        .iter()
        .rev()
        .fold(0, |word, byte| (word << 8) | u64::from(*byte));
    fold(state ^ rest, third)
}

/// Multiplies to 128 bits and adds the halves: each bit of the product depends on many of both.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the halves are wanted")]
    let (high, low) = ((product >> 64) as u64, product as u64);
    high ^ low
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn seed_kind_and_every_byte_count() {
        let base = hash(1, 1, b"app.example.com");
        assert_ne!(base, hash(2, 1, b"app.example.com"));
        assert_ne!(base, hash(1, 2, b"app.example.com"));
        assert_ne!(base, hash(1, 1, b"app.example.con"));
        assert_ne!(base, hash(1, 1, b"bpp.example.com"));
        assert_ne!(hash(1, 1, b"a"), hash(1, 1, b"a\0"));
    }

    #[test]
    fn hosts_spread_over_shards_and_buckets() {
        let hashes: Vec<u64> = (0..40_960)
            .map(|n| hash(7, 1, format!("app-{n}.example.com").as_bytes()))
            .collect();
        let mut shards = vec![0_u32; 4096];
        for hash in &hashes {
            shards[usize::try_from(hash >> 52).unwrap()] += 1;
        }
        // Ten each in the mean; a Poisson tail beyond 40 does not happen by chance.
        assert!(*shards.iter().max().unwrap() <= 40);
        let low: HashSet<u64> = hashes.iter().map(|hash| hash & 0xffff_ffff).collect();
        assert!(low.len() > 40_950);
    }
}
