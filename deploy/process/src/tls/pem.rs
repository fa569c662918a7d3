//! PEM texts, from files or from a configuration.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::Refused;

/// Larger than any bundle of CAs; a path to something else by mistake is not read whole.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Where a PEM text comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file, which may be reloaded.
    File(PathBuf),
    /// A text inside the configuration, under this key. It never changes.
    Inline {
        /// The key, for messages.
        key: String,
        /// The text; it may hold a private key.
        pem: SecretString,
    },
    /// The CAs that the operating system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set). There may be
    /// none: that is for whoever adds no others to say.
    System,
}

impl Source {
    /// A file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// A text that stands in the configuration under `key`.
    #[must_use]
    pub fn inline(key: impl Into<String>, pem: impl Into<String>) -> Self {
        Self::Inline {
            key: key.into(),
            pem: SecretString::from(pem.into()),
        }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Inline { .. } | Self::System => None,
        }
    }

    fn read(&self) -> Result<Zeroizing<Vec<u8>>, Refused> {
        let path = match self {
            Self::System => return Ok(Zeroizing::default()),
            Self::Inline { pem, .. } => return Ok(pem.expose_secret().as_bytes().to_vec().into()),
            Self::File(path) => path,
        };
        let unreadable = |error| Refused::new(self, format!("cannot be read: {error}"));
        if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
            return Err(Refused::new(
                self,
                format!("is larger than {MAX_BYTES} bytes"),
            ));
        }
        fs::read(path).map(Zeroizing::new).map_err(unreadable)
    }

    /// The certificates of the text, in their order; at least one, except of the system.
    ///
    /// # Errors
    ///
    /// When the text cannot be read, is no PEM, or holds no certificate.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Refused> {
        if matches!(self, Self::System) {
            return Ok(rustls_native_certs::load_native_certs().certs);
        }
        let text = self.read()?;
        let blocks = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
        let blocks = blocks.map_err(|error| self.no_pem(&error))?;
        if blocks.is_empty() {
            return Err(Refused::new(self, "holds no PEM block of a certificate"));
        }
        Ok(blocks)
    }

    /// The private key of the text: PKCS #8, PKCS #1 or SEC 1.
    ///
    /// # Errors
    ///
    /// When the text cannot be read, is no PEM, or holds no key that is not encrypted.
    pub fn private_key(&self) -> Result<PrivateKeyDer<'static>, Refused> {
        let text = self.read()?;
        let encrypted = text.windows(11).any(|window| window == b"BEGIN ENCRY");
        PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
            pem::Error::NoItemsFound if encrypted => Refused::new(
                self,
                "holds an encrypted private key; it must be one without a password",
            ),
            pem::Error::NoItemsFound => Refused::new(self, "holds no PEM block of a private key"),
            error => self.no_pem(&error),
        })
    }

    fn no_pem(&self, error: &pem::Error) -> Refused {
        // The texts of some variants quote the block, which may be a key.
        let why = match error {
            pem::Error::MissingSectionEnd { .. } => "ends in the middle of a PEM block",
            pem::Error::IllegalSectionStart { .. } => "has a PEM block that begins wrongly",
            pem::Error::Base64Decode(_) => "has a PEM block that is no base64",
            _ => "is no PEM text",
        };
        Refused::new(self, why)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Inline { key, .. } => f.write_str(key),
            Self::System => f.write_str("CAs of the system"),
        }
    }
}
