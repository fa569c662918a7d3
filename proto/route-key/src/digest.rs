//! The digest by which two planes compare what they hold.
//!
//! A table's digest is the wrapping sum of the digests of its things, so adding, changing or removing one thing
//! costs one addition, and the order of arrival does not matter. It detects divergence between peers that trust each
//! other; it is no defence against somebody who searches for collisions.

/// FNV-1a, 64 bit, with a final mixing step: stable across processes, builds and machines, which the hashers of the
/// standard library do not promise.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
/// What eight bytes multiply by.
const PRIME_8: u64 = PRIME.wrapping_pow(8);

impl Digest {
    /// An empty digest.
    #[must_use]
    pub const fn new() -> Self {
        Self(OFFSET_BASIS)
    }

    /// Adds one field. Its length is part of the digest, so `("ab", "c")` and `("a", "bc")` differ.
    #[must_use]
    pub fn field(self, bytes: &[u8]) -> Self {
        self.number(bytes.len() as u64).absorb(bytes)
    }

    /// Adds one number, or a flag as 0 or 1: its eight bytes, the lowest first.
    ///
    /// Most numbers are lengths and kinds, whose upper bytes are 0, and a byte that is 0 only multiplies: all of those
    /// at once.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        if number < 0x100 {
            return Self((self.0 ^ number).wrapping_mul(PRIME_8));
        }
        self.absorb(&number.to_le_bytes())
    }

    /// The finished value. The multiplications spread the last bytes over all bits, which plain FNV does not, and
    /// which a sum of digests needs.
    #[must_use]
    pub const fn finish(self) -> u64 {
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn absorb(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
        }))
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

/// A digest for what is long: eight bytes at a time, where [`Digest`] goes byte by byte.
///
/// As stable, and of another value.
#[derive(Clone, Copy, Debug)]
pub struct LongDigest(u64);

/// Odd, with as many ones as zeros in no order.
const MULTIPLIER: u64 = 0xa076_1d64_78bd_642f;

impl LongDigest {
    /// An empty digest.
    #[must_use]
    pub const fn new() -> Self {
        Self(OFFSET_BASIS)
    }

    /// Adds one field. Its length is part of the digest, so `("ab", "c")` and `("a", "bc")` differ.
    #[must_use]
    pub fn field(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut digest = self.number(bytes.len() as u64);
        for word in words {
            digest = digest.number(u64::from_le_bytes(*word));
        }
        if rest.is_empty() {
            return digest;
        }
        // What is left is filled up with zeros, which the length tells from those that are there.
        let word = match bytes.last_chunk() {
            Some(last) => u64::from_le_bytes(*last) >> (8 * (8 - rest.len())),
            None => rest
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        digest.number(word)
    }

    /// Adds one number, or a flag as 0 or 1. Both halves of the product count, so that every bit reaches every other.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "each half is taken by itself"
    )]
    pub const fn number(self, number: u64) -> Self {
        let product = (self.0 ^ number) as u128 * MULTIPLIER as u128;
        Self((product >> 64) as u64 ^ product as u64 ^ OFFSET_BASIS)
    }

    /// The finished value.
    #[must_use]
    pub const fn finish(self) -> u64 {
        Digest(self.0).finish()
    }
}

impl Default for LongDigest {
    fn default() -> Self {
        Self::new()
    }
}

/// The digest of a route's attributes as one segment holds them.
///
/// `attributes` is the digest that the control plane sends with them.
#[must_use]
pub fn of_route(segment: &str, key: &crate::RouteKey, attributes: u64) -> u64 {
    key.digest_into(Digest::new().number(1).field(segment.as_bytes()))
        .number(attributes)
        .finish()
}

/// The digest of one endpoint of one route.
///
/// `generation` is the digest of the endpoint's compared fields; `silent` is not one of them, because it is what one
/// control plane has heard and not what was registered.
#[must_use]
pub fn of_endpoint(
    segment: &str,
    key: &crate::RouteKey,
    address: &str,
    generation: u64,
    silent: bool,
) -> u64 {
    key.digest_into(Digest::new().number(2).field(segment.as_bytes()))
        .field(address.as_bytes())
        .number(generation)
        .number(u64::from(silent))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RouteKey;

    #[test]
    fn field_boundaries_count() {
        let split = |a: &str, b: &str| {
            Digest::new()
                .field(a.as_bytes())
                .field(b.as_bytes())
                .finish()
        };
        assert_ne!(split("ab", "c"), split("a", "bc"));
        assert_ne!(split("", "abc"), split("abc", ""));
    }

    #[test]
    fn the_value_is_stable_across_builds() {
        // A change of this value breaks the comparison between planes of different releases.
        assert_eq!(
            Digest::new().field(b"pointsman").number(7).finish(),
            0xc71a_6672_afd9_2992
        );
    }

    #[test]
    fn the_value_of_long_texts_is_stable_across_builds() {
        let text: Vec<u8> = (0..40).map(|byte| 0xf0 - 3 * byte).collect();
        let every_length = (0..=text.len()).map(|length| &text[..length]);
        let digest = every_length.fold(LongDigest::new(), LongDigest::field);
        assert_eq!(digest.number(7).finish(), 0x49eb_7173_49bd_7aeb);
    }

    #[test]
    fn a_number_is_its_eight_bytes() {
        let numbers = (0..300).chain([0x1234, 0xff00, 1 << 32, u64::MAX]);
        for number in numbers {
            let bytes = Digest::new().number(5).absorb(&number.to_le_bytes());
            let digest = Digest::new().number(5).number(number);
            assert_eq!(digest.finish(), bytes.finish(), "{number}");
        }
    }

    #[test]
    fn every_byte_of_a_long_text_counts() {
        let text: Vec<u8> = (0..40).map(|byte| b'a' + byte % 7).collect();
        let digest = |bytes: &[u8]| LongDigest::new().field(bytes).finish();
        let mut seen = std::collections::HashSet::new();
        for length in 0..=text.len() {
            assert!(seen.insert(digest(&text[..length])), "{length}");
        }
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                assert!(seen.insert(digest(&changed)), "bit {bit} of byte {at}");
                // What differs by the same bit in two words is not taken for the same.
                changed[(at + 8) % 40] ^= 1 << bit;
                seen.insert(digest(&changed));
            }
        }
        assert_eq!(seen.len(), 41 + 320 + 320);
        assert_ne!(digest(b"ab"), digest(b"ab\0"));
        let split = |a: &[u8], b: &[u8]| LongDigest::new().field(a).field(b).finish();
        assert_ne!(split(b"ab", b"c"), split(b"a", b"bc"));
    }

    #[test]
    fn every_part_of_a_thing_counts() {
        let key = RouteKey::from_uri("a.example.com/x").unwrap();
        let other = RouteKey::from_uri("a.example.com").unwrap();
        let base = of_endpoint("s", &key, "10.0.0.1:80", 1, false);
        assert_ne!(base, of_endpoint("t", &key, "10.0.0.1:80", 1, false));
        assert_ne!(base, of_endpoint("s", &other, "10.0.0.1:80", 1, false));
        assert_ne!(base, of_endpoint("s", &key, "10.0.0.2:80", 1, false));
        assert_ne!(base, of_endpoint("s", &key, "10.0.0.1:80", 2, false));
        assert_ne!(base, of_endpoint("s", &key, "10.0.0.1:80", 1, true));
        assert_ne!(of_route("s", &key, 1), of_route("s", &key, 2));
    }
}
