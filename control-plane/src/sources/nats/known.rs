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
/// by the owner of the registry.
///
/// It has room for all that are repeated, and forgets what is not: where it gets full, it grows, or what was not seen
/// again since that happened last goes, if that is long enough ago for everything to have been repeated.
pub(super) struct Known {
    /// A power of two of them.
    buckets: Vec<Bucket>,
    /// How many fingerprints there are.
    length: usize,
    /// How often it was asked since the last sweep.
    asked: usize,
}

/// The words of fingerprints, one cache line of them; 0 for none.
type Bucket = [u64; WAYS];

const WAYS: usize = 8;

/// Room for 8,192 fingerprints in 128 KiB: half of the places, so that hardly any bucket overflows.
const LEAST: usize = 1 << 11;

/// Room for 4,194,304 fingerprints in 64 MiB.
const MOST: usize = 1 << 20;

/// It was seen again since the last sweep.
const SEEN: u64 = 1;

impl Known {
    pub(super) fn new() -> Self {
        Self {
            buckets: vec![[0; WAYS]; LEAST],
            length: 0,
            asked: 0,
        }
    }

    /// Whether it was probably seen before, which it is now.
    pub(super) fn contains(&mut self, fingerprint: Fingerprint) -> bool {
        self.asked += 1;
        let place = self.place(word(fingerprint));
        place.map(|place| *place |= SEEN).is_some()
    }

    fn place(&mut self, word: u64) -> Option<&mut u64> {
        let at = self.bucket(word);
        let mut places = self.buckets[at].iter_mut();
        places.find(|place| **place | SEEN == word | SEEN)
    }

    /// Adds one, if it is not there yet.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint) {
        let word = word(fingerprint);
        if self.place(word).is_some() {
            return;
        }
        let is_full = self.length >= self.buckets.len() * WAYS / 2;
        if is_full && (self.buckets.len() < MOST || self.all_had_a_turn()) {
            self.make_room();
        }
        self.put(word);
    }

    fn bucket(&self, word: u64) -> usize {
        // Some of its bits choose the bucket; all of them tell words apart.
        usize::try_from(word >> 2 & (self.buckets.len() as u64 - 1)).unwrap_or_default()
    }

    /// Of a full bucket the oldest gives way.
    fn put(&mut self, word: u64) {
        let at = self.bucket(word);
        let bucket = &mut self.buckets[at];
        self.length += usize::from(bucket[WAYS - 1] == 0);
        bucket.rotate_right(1);
        bucket[0] = word;
    }

    /// Whether everything that is repeated has come again since the last sweep, as far as that can be known.
    fn all_had_a_turn(&self) -> bool {
        self.asked >= 2 * self.length
    }

    fn make_room(&mut self) {
        let is_seen = |word: &&u64| **word & SEEN != 0;
        let seen = self.buckets.iter().flatten().filter(is_seen).count();
        let all_had_a_turn = self.all_had_a_turn();
        let buckets = self.buckets.len();
        let grows = buckets < MOST && !(all_had_a_turn && seen <= buckets * WAYS / 4);
        let grown = if grows { 2 * buckets } else { buckets };
        let old = std::mem::replace(&mut self.buckets, vec![[0; WAYS]; grown]);
        self.length = 0;
        self.asked = 0;
        // From the oldest on, so that it is the oldest again.
        let words = old.iter().flat_map(|bucket| bucket.iter().rev());
        for word in words.filter(|word| **word != 0 && (!all_had_a_turn || is_seen(word))) {
            self.put(word & !SEEN);
        }
    }
}

/// Half of a fingerprint, without the mark, and never that of an empty place.
#[expect(
    clippy::cast_possible_truncation,
    reason = "half of a digest tells nearly as much as all of it"
)]
const fn word(fingerprint: Fingerprint) -> u64 {
    fingerprint.0 as u64 & !SEEN | 2
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

    fn fingerprints(key: &Key, numbers: std::ops::Range<u32>) -> Vec<Fingerprint> {
        numbers
            .map(|number| key.fingerprint(&number.to_le_bytes()))
            .collect()
    }

    /// What a source does with each message.
    fn see(known: &mut Known, fingerprint: Fingerprint) -> bool {
        let seen = known.contains(fingerprint);
        if !seen {
            known.insert(fingerprint);
        }
        seen
    }

    #[test]
    fn what_is_repeated_is_known_and_nothing_else_is() {
        let key = Key::random();
        let mut known = Known::new();
        let mine = fingerprints(&key, 0..300_000);
        assert!(mine.iter().all(|one| !see(&mut known, *one)));
        for round in 0..3 {
            let seen = mine.iter().filter(|one| see(&mut known, **one)).count();
            assert!(seen > 290_000, "{seen} of 300,000 in round {round}");
        }
        let strangers = fingerprints(&key, 300_000..400_000);
        assert!(strangers.iter().all(|one| !known.contains(*one)));
    }

    /// As when it is read twice because both came before either was known.
    #[test]
    fn what_is_added_twice_is_there_once() {
        let mut known = Known::new();
        let fingerprint = Key::random().fingerprint(b"twice");
        known.insert(fingerprint);
        known.insert(fingerprint);
        assert_eq!(known.length, 1);
        assert!(known.contains(fingerprint));
    }

    #[test]
    fn what_is_not_repeated_is_forgotten() {
        let key = Key::random();
        let mut known = Known::new();
        let lasting = fingerprints(&key, 0..3_000);
        for turn in 0..100_u32 {
            for one in &lasting {
                see(&mut known, *one);
            }
            // Twice what there is room for, all in all.
            for passing in fingerprints(&key, 3_000 + turn * 400..3_400 + turn * 400) {
                see(&mut known, passing);
            }
        }
        assert_eq!(known.buckets.len(), LEAST, "it did not grow");
        let seen = lasting.iter().filter(|one| known.contains(**one)).count();
        assert!(seen > 2_980, "{seen} of 3,000");
        let passed = fingerprints(&key, 3_000..4_000);
        assert!(passed.iter().all(|one| !known.contains(*one)));
    }
}
