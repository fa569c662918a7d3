//! The listener of the admin API.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use pointsman_process::tls::{
    Dates, Identity, IfShown, Refused, Reloader, Source, Trust, Versions, server_config,
};
use rustls::server::danger::ClientCertVerifier;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::access::{Access, Client, Credentials, Token};
use crate::pages::Pages;
use crate::serve;

/// What an operator decides about an admin API.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The user who is known by a password. Without one, a token or a client, everybody is who reaches the address.
    pub credentials: Option<Credentials>,
    /// Who is known by a token.
    pub tokens: Vec<Arc<Token>>,
    /// Who is known by a name in a certificate.
    pub clients: Vec<Client>,
    /// TLS; `None`: clear text.
    pub tls: Option<Tls>,
    /// Whether the metrics ask for the user as well.
    pub protect_metrics: bool,
}

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
pub enum BindError {
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
pub struct Bound {
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

/// Binds the socket, or takes one that is bound already, and reads what it takes to know callers.
///
/// # Errors
///
/// What the operating system says, or what is wrong with a file.
pub async fn bind(
    settings: Settings,
    bound: Option<std::net::TcpListener>,
) -> Result<Bound, BindError> {
    let mut reloader = Reloader::new();
    for token in &settings.tokens {
        reloader.add(token.clone());
    }
    let acceptor = match &settings.tls {
        Some(tls) => Some(acceptor(tls, &mut reloader)?),
        None => None,
    };
    let listener = match bound {
        Some(socket) => TcpListener::from_std(socket)?,
        None => TcpListener::bind(settings.listen).await?,
    };
    let address = listener.local_addr()?;
    Ok(Bound {
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
    })
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
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The socket itself.
    #[must_use]
    pub fn listener(&self) -> &TcpListener {
        &self.listener
    }

    /// What watches its files.
    pub fn reloader(&mut self) -> Reloader {
        std::mem::take(&mut self.reloader)
    }

    /// Answers until `end` resolves.
    pub async fn serve(self, pages: Pages, end: impl Future<Output = ()>) {
        let router = pages.behind(self.access, self.protect_metrics);
        serve::serve((self.listener, self.acceptor), router, end).await;
    }
}
