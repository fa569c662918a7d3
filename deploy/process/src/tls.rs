//! Certificates, keys and CA bundles: read with errors that name the file, served to rustls, and reloaded while the
//! process runs.
//!
//! An [`Identity`] is a certificate chain with its key, a [`Trust`] is a set of CAs. Both hold their last good state
//! behind an `ArcSwap` and are what rustls asks at every handshake, so a reload takes effect at the next handshake and
//! ends no connection. A new file that is no good is refused by name, and the last good one stays.
//! [`Reloader`] watches their files.

mod check;
mod ciphers;
mod config;
mod everybody;
mod identity;
mod optional;
mod peer;
mod pem;
mod refused;
mod reload;
mod subject;
mod trust;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub use check::check_listener;
pub use ciphers::cipher_suite;
pub use config::{Versions, client_config, server_config};
pub use everybody::Everybody;
pub use identity::{Dates, Identity};
pub use optional::IfShown;
pub use peer::{NotACertificate, common_name, dns_sans, fingerprint, uri_sans};
pub use pem::Source;
pub use refused::Refused;
pub use reload::{Reload, Reloaded, Reloader};
pub use subject::Subject;
pub use trust::Trust;

/// Makes aws-lc-rs the crypto provider of the process. Called at the top of every `main`, and by tests; calling it
/// again changes nothing.
pub fn install_provider() {
    // It fails when a provider is there already, which is then this one: no other is compiled in.
    let _ = aws_lc_rs::default_provider().install_default();
}

/// The provider of the process, or the one that it would install.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()))
}

#[cfg(test)]
mod tests;
