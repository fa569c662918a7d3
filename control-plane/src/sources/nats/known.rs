//! Recognising payloads that came before, without keeping them.

use pointsman_registry::Fingerprint;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128_with_secret;

/// The least that the hash wants is 136 bytes; this is its own default.
const SECRET_BYTES: usize = 192;

/// Fingerprints of payloads, under a key that nobody else knows: publishers cannot choose payloads that collide.
pub(super) struct Key([u8; SECRET_BYTES]);

impl Key {
    /// A random key.
    pub(super) fn random() -> Self {
        let mut secret = [0; SECRET_BYTES];
        for part in secret.chunks_mut(16) {
            part.copy_from_slice(Uuid::new_v4().as_bytes());
        }
        Self(secret)
    }

    pub(super) fn fingerprint(&self, payload: &[u8]) -> Fingerprint {
        Fingerprint(xxh3_128_with_secret(payload, &self.0))
    }
}

/// Fingerprints that were probably registered before: a guess, so that what is new is parsed by its source instead of
/// by the owner of the registry. Of fixed size; the oldest of a bucket gives way.
pub(super) struct Known {
    buckets: Box<[[u64; WAYS]]>,
}

const WAYS: usize = 4;

/// One for each value of the two bytes that choose it: with [`WAYS`], room for 262,144 fingerprints in 2 MiB.
const BUCKETS: usize = 1 << 16;

impl Known {
    pub(super) fn new() -> Self {
        Self {
            buckets: vec![[0; WAYS]; BUCKETS].into_boxed_slice(),
        }
    }

    /// Whether it was probably seen before.
    pub(super) fn contains(&self, fingerprint: Fingerprint) -> bool {
        let (bucket, tag) = place(fingerprint);
        self.buckets[bucket].contains(&tag)
    }

    pub(super) fn insert(&mut self, fingerprint: Fingerprint) {
        let (bucket, tag) = place(fingerprint);
        let bucket = &mut self.buckets[bucket];
        if !bucket.contains(&tag) {
            bucket.rotate_right(1);
            bucket[0] = tag;
        }
    }
}

/// The bucket, by the first bytes, and the tag within it, by the last ones; never the tag of an empty place.
fn place(fingerprint: Fingerprint) -> (usize, u64) {
    let [first, second, .., h7, h6, h5, h4, h3, h2, h1, h0] = fingerprint.0.to_le_bytes();
    let bucket = u16::from_le_bytes([first, second]);
    let tag = u64::from_le_bytes([h7, h6, h5, h4, h3, h2, h1, h0]);
    (bucket.into(), tag | 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_depend_on_the_key_and_on_every_byte() {
        let (one, other) = (Key::random(), Key::random());
        let payload = vec![7_u8; 700];
        assert_eq!(one.fingerprint(&payload), one.fingerprint(&payload));
        assert_ne!(one.fingerprint(&payload), other.fingerprint(&payload));
        for at in 0..payload.len() {
            let mut changed = payload.clone();
            changed[at] ^= 1;
            assert_ne!(
                one.fingerprint(&payload),
                one.fingerprint(&changed),
                "byte {at}"
            );
        }
    }

    #[test]
    fn what_was_seen_is_known_until_its_bucket_is_full() {
        let key = Key::random();
        let mut known = Known::new();
        let fingerprints: Vec<_> = (0..100_000_u32)
            .map(|number| key.fingerprint(&number.to_le_bytes()))
            .collect();
        assert!(!known.contains(fingerprints[0]));
        for fingerprint in &fingerprints {
            known.insert(*fingerprint);
        }
        let kept = fingerprints
            .iter()
            .filter(|fingerprint| known.contains(**fingerprint))
            .count();
        assert!(kept > 98_000, "{kept} of 100,000 at a load of 38 %");
        let strangers = (100_000..200_000_u32)
            .filter(|number| known.contains(key.fingerprint(&number.to_le_bytes())))
            .count();
        assert_eq!(strangers, 0);
    }
}
