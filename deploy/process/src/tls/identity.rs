//! A certificate chain and its key, as this process shows them to others.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Refused, Reload, Source, provider};

/// What the dates of a certificate decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// A certificate that is not valid now is refused: no peer would take it.
    Enforced,
    /// It is taken all the same, as Gorouter takes an expired frontend certificate (CF-086).
    Ignored,
}

/// A chain and its key, reloadable, for servers and for clients.
#[derive(Debug)]
pub struct Identity {
    chain: Source,
    key: Source,
    dates: Dates,
    current: ArcSwap<CertifiedKey>,
}

impl Identity {
    /// Reads the chain, leaf first, and its key.
    ///
    /// # Errors
    ///
    /// What is wrong, and with which of the two.
    pub fn load(chain: Source, key: Source, dates: Dates) -> Result<Arc<Self>, Refused> {
        let current = ArcSwap::from_pointee(read(&chain, &key, dates)?);
        Ok(Arc::new(Self {
            chain,
            key,
            dates,
            current,
        }))
    }

    /// The chain and key now.
    #[must_use]
    pub fn current(&self) -> Arc<CertifiedKey> {
        self.current.load_full()
    }

    /// When the leaf stops being valid, in seconds of the Unix epoch: for a metric that warns in time.
    #[must_use]
    pub fn valid_until(&self) -> Option<i64> {
        let current = self.current();
        let leaf = current.cert.first()?;
        let (_, parsed) = X509Certificate::from_der(leaf).ok()?;
        Some(parsed.validity().not_after.timestamp())
    }
}

fn read(chain: &Source, key: &Source, dates: Dates) -> Result<CertifiedKey, Refused> {
    let certificates = chain.certificates()?;
    check_dates(chain, &certificates[0], dates)?;
    let signer = provider().key_provider.load_private_key(key.private_key()?);
    let signer = signer
        .map_err(|_| Refused::new(key, "holds a private key of a kind that cannot be used"))?;
    let certified = CertifiedKey::new(certificates, signer);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => {
            let why = format!("the private key does not belong to the certificate of {chain}");
            Err(Refused::new(key, why))
        }
    }
}

fn check_dates(source: &Source, leaf: &CertificateDer<'_>, dates: Dates) -> Result<(), Refused> {
    let parsed = X509Certificate::from_der(leaf);
    let (_, parsed) = parsed.map_err(|_| Refused::new(source, "holds a malformed certificate"))?;
    if dates == Dates::Ignored {
        return Ok(());
    }
    let now = i64::try_from(UnixTime::now().as_secs()).unwrap_or(i64::MAX);
    let (from, until) = (parsed.validity().not_before, parsed.validity().not_after);
    if now > until.timestamp() {
        return Err(Refused::new(
            source,
            format!("the certificate has expired: validity ended at {until}"),
        ));
    }
    if now < from.timestamp() {
        let why = format!("the certificate is not valid yet: validity begins at {from}");
        return Err(Refused::new(source, why));
    }
    Ok(())
}

impl Reload for Identity {
    fn name(&self) -> String {
        self.chain.to_string()
    }

    fn files(&self) -> Vec<PathBuf> {
        [&self.chain, &self.key]
            .into_iter()
            .filter_map(Source::path)
            .map(Into::into)
            .collect()
    }

    fn reload(&self) -> Result<bool, Refused> {
        let read = read(&self.chain, &self.key, self.dates)?;
        // A new key comes with a new certificate, so comparing the chain is enough.
        let changed = read.cert != self.current.load().cert;
        if changed {
            self.current.store(Arc::new(read));
        }
        Ok(changed)
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let current = self.current();
        // A certificate that the server could not check anyway is not shown.
        current.key.choose_scheme(schemes)?;
        Some(current)
    }

    fn has_certs(&self) -> bool {
        true
    }
}
