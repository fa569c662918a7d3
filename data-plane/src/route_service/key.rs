//! The cipher of signatures: AES-128-GCM under a key that is derived from a secret text.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::pbkdf2;

use super::envelope::NONCE;

/// Gorouter's parameters, which every router that shares the secret has to use.
const ROUNDS: NonZeroU32 = NonZeroU32::new(100_001).unwrap();
const KEY: usize = 16;
const NO_SALT: &[u8] = b"";

/// A key.
pub(super) struct Key(LessSafeKey);

impl Key {
    /// Derives it. That takes some hundredths of a second, and is done at the start.
    pub(super) fn derive(secret: &str) -> Option<Self> {
        let mut key = [0; KEY];
        let secret = secret.as_bytes();
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS,
            NO_SALT,
            secret,
            &mut key,
        );
        // It fails for another length only.
        let key = UnboundKey::new(&AES_128_GCM, &key).ok()?;
        Some(Self(LessSafeKey::new(key)))
    }

    /// Seals a text. A nonce must never be used twice.
    pub(super) fn seal(&self, nonce: [u8; NONCE], mut text: Vec<u8>) -> Option<Vec<u8>> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut text)
            .ok()?;
        Some(text)
    }

    /// What was sealed, if it was sealed with this key. The tag is compared in constant time.
    pub(super) fn open(&self, nonce: [u8; NONCE], sealed: &[u8]) -> Option<Vec<u8>> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let mut text = sealed.to_vec();
        let length = self
            .0
            .open_in_place(nonce, Aad::empty(), &mut text)
            .ok()?
            .len();
        text.truncate(length);
        Some(text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}
