//! Signing requests on their way to a route service, and recognising them when they come back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::envelope::{self, Contents, Invalid, NONCE};
use super::key::Key;

/// The secrets that signatures are made with, and how long one is good.
///
/// All routers in front of the same apps share the secrets. A second one that only opens lets them
/// be changed without an interruption: first it is added everywhere, then the two are swapped
/// everywhere, then the old one is dropped.
#[derive(Debug)]
pub struct Signer {
    current: Key,
    decrypt_only: Option<Key>,
    life: SignedDuration,
}

/// A signature as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// `X-CF-Forwarded-Url`
    pub(crate) forwarded_url: String,
    /// `X-CF-Proxy-Signature`
    pub(crate) signature: String,
    /// `X-CF-Proxy-Metadata`
    pub(crate) metadata: String,
}

/// A fresh nonce; `None` where the machine has no randomness.
pub(crate) fn nonce() -> Option<[u8; NONCE]> {
    let mut nonce = [0; NONCE];
    aws_lc_rs::rand::fill(&mut nonce).ok()?;
    Some(nonce)
}

impl Signer {
    /// Derives the keys: signatures of `secret` and of `decrypt_only` are good for `life`, and
    /// those that are made are of `secret`. `None` where there is no secret, or the crypto library
    /// refuses its own key.
    #[must_use]
    pub fn new(secret: &str, decrypt_only: Option<&str>, life: Duration) -> Option<Self> {
        if secret.is_empty() {
            return None;
        }
        let decrypt_only = decrypt_only.filter(|secret| !secret.is_empty());
        Some(Self {
            current: Key::derive(secret)?,
            decrypt_only: match decrypt_only {
                Some(secret) => Some(Key::derive(secret)?),
                None => None,
            },
            life: SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX),
        })
    }

    /// Signs a request for this URL.
    pub(crate) fn sign(
        &self,
        forwarded_url: String,
        now: Timestamp,
        nonce: [u8; NONCE],
    ) -> Option<Signed> {
        let contents = Contents {
            forwarded_url,
            requested_time: now,
        };
        let sealed = self.current.seal(nonce, contents.to_json()?)?;
        Some(Signed {
            forwarded_url: contents.forwarded_url,
            signature: envelope::signature(&sealed),
            metadata: envelope::metadata(&nonce),
        })
    }

    /// The URL that a request was signed for, where it was and the signature is still good. One
    /// that was made in the future, by a router whose clock is ahead, is.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub(crate) fn open(
        &self,
        signature: &[u8],
        metadata: &[u8],
        now: Timestamp,
    ) -> Result<String, Invalid> {
        let nonce = envelope::read_metadata(metadata)?;
        let sealed = envelope::read_signature(signature)?;
        let opened = self.current.open(nonce, &sealed);
        let opened = opened.or_else(|| self.decrypt_only.as_ref()?.open(nonce, &sealed));
        let contents = Contents::of_json(&opened.ok_or(Invalid::Key)?)?;
        if now.duration_since(contents.requested_time) > self.life {
            return Err(Invalid::Expired);
        }
        Ok(contents.forwarded_url)
    }
}

#[cfg(test)]
mod tests;
