//! The listener of the admin API.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use pointsman_process::tls::{
    Dates, Identity, IfShown, Refused, Reloader, Source, Trust, Versions, server_config,
};
use rustls::server::danger::ClientCertVerifier;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::access::Access;
use super::{Inside, Settings, router, serve};

/// The files of the listener's TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Our certificate chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities of clients that are known by their certificates.
    pub client_ca: Option<PathBuf>,
}

/// Why the admin API cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// The socket.
    #[error(transparent)]
    Socket(#[from] io::Error),
    /// A certificate, a key, an authority or a token.
    #[error(transparent)]
    File(#[from] Refused),
    /// The crypto library.
    #[error(transparent)]
    Crypto(#[from] rustls::Error),
}

/// The admin API with its socket bound, before it serves.
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    access: Access,
    reloader: Reloader,
    protect_metrics: bool,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Bound");
        shown
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Binds the socket, where there shall be one, and reads what it takes to know callers.
///
/// # Errors
///
/// What the operating system says, or what is wrong with a file.
pub(crate) async fn bind(settings: Settings) -> Result<Option<Bound>, BindError> {
    let Some(address) = settings.listen else {
        return Ok(None);
    };
    let mut reloader = Reloader::new();
    for token in &settings.tokens {
        reloader.add(token.clone());
    }
    let acceptor = match &settings.tls {
        Some(tls) => Some(acceptor(tls, &mut reloader)?),
        None => None,
    };
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok(Some(Bound {
        listener,
        address,
        acceptor,
        access: Access {
            credentials: settings.credentials,
            tokens: settings.tokens,
            clients: settings.clients,
            ..Access::default()
        },
        reloader,
        protect_metrics: settings.protect_metrics,
    }))
}

fn acceptor(tls: &Tls, reloader: &mut Reloader) -> Result<TlsAcceptor, BindError> {
    let chain = Source::file(&tls.certificate);
    let identity = Identity::load(chain, Source::file(&tls.key), Dates::Enforced)?;
    reloader.add(identity.clone());
    let clients = match &tls.client_ca {
        Some(file) => {
            let trust = Trust::load(vec![Source::file(file)])?;
            reloader.add(trust.clone());
            // Health is for everybody, so whoever shows no certificate is let in and judged by the path.
            Some(Arc::new(IfShown(trust)) as Arc<dyn ClientCertVerifier>)
        }
        None => None,
    };
    let config = server_config(identity, clients, Versions::Tls12AndTls13, &[b"http/1.1"])?;
    Ok(TlsAcceptor::from(config))
}

impl Bound {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What watches its files.
    pub(crate) fn reloader(&mut self) -> Reloader {
        std::mem::take(&mut self.reloader)
    }

    /// Answers until `end` resolves.
    pub(crate) async fn serve(self, inside: Inside, end: impl Future<Output = ()>) {
        let router: Router = router(self.access, self.protect_metrics, inside);
        serve::serve((self.listener, self.acceptor), router, end).await;
    }
}
