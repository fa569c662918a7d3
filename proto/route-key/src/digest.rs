//! The digest by which two planes compare what they hold.
//!
//! A table's digest is the wrapping sum of the digests of its things, so adding, changing or removing one thing
//! costs one addition, and the order of arrival does not matter. It detects divergence between peers that trust each
//! other; it is no defence against somebody who searches for collisions.

/// A digest of fields, sixteen bytes at a time: stable across processes, builds and machines, which the hashers of the
/// standard library do not promise.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

/// Where an empty digest stands.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// Odd, with as many ones as zeros in no order, as the one for lengths.
const MULTIPLIER: u64 = 0xa076_1d64_78bd_642f;
const LENGTHS: u64 = 0xe703_7ed1_a0b4_28db;

impl Digest {
    /// An empty digest.
    #[must_use]
    pub const fn new() -> Self {
        Self(BASIS)
    }

    /// Adds one field. Its length is part of the digest, so `("ab", "c")` and `("a", "bc")` differ.
    #[must_use]
    #[inline]
    pub fn field(self, bytes: &[u8]) -> Self {
        let length = (bytes.len() as u64).wrapping_mul(LENGTHS);
        let digest = Self(self.0.wrapping_add(length));
        if bytes.len() > 16 {
            return digest.long(bytes);
        }
        // The two words overlap where they need not both be whole.
        let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => short(bytes),
        };
        digest.mix(first, last)
    }

    fn long(self, bytes: &[u8]) -> Self {
        let (chunks, rest) = bytes.as_chunks();
        let digest = chunks.iter().fold(self, Self::chunk);
        match bytes.last_chunk() {
            Some(last) if !rest.is_empty() => digest.chunk(last),
            _ => digest,
        }
    }

    fn chunk(self, chunk: &[u8; 16]) -> Self {
        let (words, _) = chunk.as_chunks();
        self.mix(u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]))
    }

    /// Adds one number, or a flag as 0 or 1.
    #[must_use]
    #[inline]
    pub const fn number(self, number: u64) -> Self {
        self.mix(number, 0)
    }

    /// Both halves of the product count, so that every bit reaches every other; and what was there before counts once
    /// more, whatever it was multiplied by.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "each half is taken by itself"
    )]
    const fn mix(self, first: u64, second: u64) -> Self {
        let product = (self.0 ^ first) as u128 * (second ^ MULTIPLIER) as u128;
        Self((product >> 64) as u64 ^ product as u64 ^ self.0.rotate_left(29))
    }

    /// The finished value: each bit of it depends on all of them, which a sum of digests needs.
    #[must_use]
    pub const fn finish(self) -> u64 {
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

/// The words of less than eight bytes.
fn short(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (
            u32::from_le_bytes(*first).into(),
            u32::from_le_bytes(*last).into(),
        );
    }
    let word = bytes
        .iter()
        .fold(0, |word, byte| word << 8 | u64::from(*byte));
    (word, 0)
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
        let text: Vec<u8> = (0..40).map(|byte| 0xf0 - 3 * byte).collect();
        let every_length = (0..=text.len()).map(|length| &text[..length]);
        let digest = every_length.fold(Digest::new(), Digest::field);
        assert_eq!(digest.number(7).finish(), 0xc1e6_2cd7_2f5a_21c7);
    }

    #[test]
    fn every_byte_of_a_text_counts() {
        let text: Vec<u8> = (0..40).map(|byte| b'a' + byte % 7).collect();
        let digest = |bytes: &[u8]| Digest::new().field(bytes).finish();
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
        let split = |a: &[u8], b: &[u8]| Digest::new().field(a).field(b).finish();
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
