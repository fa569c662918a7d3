//! rustls configurations for mutual TLS, over material that is reloaded.

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion};

use super::provider;

/// Which versions of TLS are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// 1.3 only: between our own processes.
    Tls13,
    /// 1.2 only: what Gorouter speaks to clients unless it is told otherwise.
    Tls12,
    /// 1.2 and 1.3: towards everybody else.
    #[default]
    Tls12AndTls13,
}

impl Versions {
    /// The versions as rustls wants to be told them.
    #[must_use]
    pub fn list(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Tls13 => vec![&TLS13],
            Self::Tls12 => vec![&TLS12],
            Self::Tls12AndTls13 => vec![&TLS13, &TLS12],
        }
    }
}

/// A server that shows this identity, and demands a certificate that `clients` accepts when it is given. Then no session is
/// resumed.
///
/// # Errors
///
/// When the crypto provider does not support the versions.
pub fn server_config(
    identity: Arc<dyn ResolvesServerCert>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
    versions: Versions,
    alpn: &[&[u8]],
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&versions.list())?;
    let asks = clients.is_some();
    let builder = match clients {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(identity);
    if asks {
        // A session that is resumed brings its certificate along, which nobody would verify again: neither its end nor
        // that of the authority behind it would be noticed.
        config.session_storage = Arc::new(NoServerSessionStorage {});
    }
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

/// A client that takes servers which `servers` accepts, and shows this identity when it is given and asked for.
///
/// # Errors
///
/// When the crypto provider does not support the versions.
pub fn client_config(
    servers: Arc<dyn ServerCertVerifier>,
    identity: Option<Arc<dyn ResolvesClientCert>>,
    versions: Versions,
    alpn: &[&[u8]],
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&versions.list())?;
    // Named so by rustls for every verifier that is not its own; ours delegates to that one.
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(servers);
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(identity),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}
