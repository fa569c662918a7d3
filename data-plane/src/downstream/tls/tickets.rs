//! Session tickets, which are worth something only under the listener, the policy and the authorities that issued them.
//!
//! A ticket holds the certificate that its client has shown. Were it taken by a policy with other authorities, or after
//! they have changed, its client would be let in without anybody having looked at it.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use pointsman_process::tls::Trust;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::ProducesTickets;
use rustls::{Error, RootCertStore};

/// The tickets of one policy.
pub(super) struct Tickets {
    trust: Option<Arc<Trust>>,
    current: ArcSwap<Current>,
}

struct Current {
    /// The authorities under which these keys are good.
    roots: Option<Arc<RootCertStore>>,
    keys: Arc<dyn ProducesTickets>,
}

impl Current {
    fn new(roots: Option<Arc<RootCertStore>>) -> Result<Self, Error> {
        let keys = Ticketer::new()?;
        Ok(Self { roots, keys })
    }

    fn is_of(&self, roots: Option<&Arc<RootCertStore>>) -> bool {
        match (&self.roots, roots) {
            (None, None) => true,
            (Some(ours), Some(now)) => Arc::ptr_eq(ours, now),
            _ => false,
        }
    }
}

impl Tickets {
    /// Tickets that are good while `trust` is what it is now.
    ///
    /// # Errors
    /// There is no randomness to make keys of.
    pub(super) fn new(trust: Option<Arc<Trust>>) -> Result<Self, Error> {
        let roots = trust.as_ref().map(|trust| trust.roots());
        let current = ArcSwap::from_pointee(Current::new(roots)?);
        Ok(Self { trust, current })
    }

    /// The keys for the authorities as they are now; `None` where none can be made.
    fn keys(&self) -> Option<Arc<dyn ProducesTickets>> {
        let roots = self.trust.as_ref().map(|trust| trust.roots());
        let current = self.current.load_full();
        if current.is_of(roots.as_ref()) {
            return Some(Arc::clone(&current.keys));
        }
        let new = Current::new(roots).ok()?;
        let keys = Arc::clone(&new.keys);
        self.current.store(Arc::new(new));
        Some(keys)
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.current.load().keys.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.keys()?.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.keys()?.decrypt(cipher)
    }
}
