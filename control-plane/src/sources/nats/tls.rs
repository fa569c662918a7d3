//! TLS towards the servers, over material that is reloaded.

use std::fmt;
use std::sync::Arc;

use pointsman_process::tls::{Identity, Refused, Reloader, Trust, Versions, client_config};
use rustls::ClientConfig;

use super::settings::Tls;

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate, key or authority cannot be used.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The crypto library refuses the settings.
    #[error("TLS towards NATS cannot be set up: {0}")]
    Crypto(#[from] rustls::Error),
}

/// What TLS takes.
#[derive(Default)]
pub(super) struct Material {
    /// How every connection is made; `None`: without TLS.
    pub(super) config: Option<Arc<ClientConfig>>,
    /// Watches the files of it.
    pub(super) reloader: Reloader,
}

impl Material {
    /// Reads certificates and key. The name in a server's certificate is the host that was configured, or that another
    /// server told.
    pub(super) fn load(tls: Option<&Tls>) -> Result<Self, TlsError> {
        let Some(tls) = tls else {
            return Ok(Self::default());
        };
        let mut reloader = Reloader::new();
        let trust = Trust::load(vec![tls.authorities.clone()])?;
        reloader.add(trust.clone());
        let identity = match &tls.identity {
            None => None,
            Some(own) => {
                let identity = Identity::load(own.chain.clone(), own.key.clone(), own.dates)?;
                reloader.add(identity.clone());
                Some(identity as Arc<dyn rustls::client::ResolvesClientCert>)
            }
        };
        let config = client_config(trust, identity, Versions::Tls12AndTls13, &[])?;
        Ok(Self {
            config: Some(config),
            reloader,
        })
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material")
            .field("is_tls", &self.config.is_some())
            .finish_non_exhaustive()
    }
}
