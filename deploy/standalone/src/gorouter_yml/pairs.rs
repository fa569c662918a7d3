//! Certificates and keys that stand in the file itself.

use pointsman_process::tls::{Dates, Identity, Source};

use super::scalars::Secret;

/// Whether chain and key can be used together. The words are those of Go's `crypto/tls` where it has some.
///
/// Dates do not matter: Gorouter serves an expired certificate (CF-086).
///
/// # Errors
///
/// Why not, as it follows `Error loading key pair: `.
pub(super) fn check(chain: &str, key: &Secret) -> Result<(), String> {
    let no_pem = |text: &str| !text.contains("-----BEGIN ");
    if no_pem(chain) {
        return Err("tls: failed to find any PEM data in certificate input".to_owned());
    }
    if no_pem(key.expose()) {
        return Err("tls: failed to find any PEM data in key input".to_owned());
    }
    let chain = Source::inline("certificate", chain);
    let key = Source::inline("key", key.expose());
    match Identity::load(chain, key, Dates::Ignored) {
        Ok(_) => Ok(()),
        Err(refused) if refused.why.contains("does not belong") => {
            Err("tls: private key does not match public key".to_owned())
        }
        Err(refused) => Err(format!("tls: the {refused}")),
    }
}

/// Whether at least one certificate can be read from a bundle, which is all that Gorouter asks of one.
pub(super) fn is_bundle(pem: &str) -> bool {
    Source::inline("bundle", pem).certificates().is_ok()
}
