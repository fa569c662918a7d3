//! A data plane that speaks TLS, and clients that do.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use pointsman_data_plane::{ClientCerts, FrontTls, SubjectRule, Verification};
use pointsman_process::tls::{Dates, Identity as Loaded, Source, Trust};
use pointsman_tests::certs::Identity;
use pointsman_tests::{Authority, RawConnection};
use rustls::{ClientConfig, ClientConnection};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Plane, Setup, head};

fn pem(text: &str) -> Source {
    Source::inline("test", text)
}

/// TLS with these certificates.
pub(crate) fn front(identities: &[&Identity]) -> FrontTls {
    pointsman_tests::install_crypto_provider();
    let load = |identity: &&Identity| {
        let (chain, key) = (pem(&identity.certificate), pem(&identity.key));
        Loaded::load(chain, key, Dates::Ignored).expect("an identity")
    };
    FrontTls {
        certificates: identities.iter().map(load).collect(),
        ..FrontTls::default()
    }
}

/// What clients of these authorities are verified with.
pub(crate) fn verified(authorities: &[&Authority], rules: Vec<SubjectRule>) -> Verification {
    let sources = authorities.iter().map(|authority| pem(authority.pem()));
    let trust = Trust::load(sources.collect()).expect("authorities");
    Verification { trust, rules }
}

/// The same where a client has to be one of theirs.
pub(crate) fn required(authorities: &[&Authority]) -> ClientCerts {
    ClientCerts::Required(verified(authorities, Vec::new()))
}

impl Setup {
    /// Speaks TLS on another listener.
    pub(crate) fn front(self, front: FrontTls) -> Self {
        self.with(|settings| settings.front_tls = Some(front))
    }
}

impl Plane {
    /// Where it speaks TLS.
    pub(crate) fn tls(&self) -> SocketAddr {
        self.tls_address.expect("it speaks TLS")
    }

    /// A connection to it over TLS, as a client of `config` that asks for `name`.
    pub(crate) async fn connect_tls(
        &self,
        config: &Arc<ClientConfig>,
        name: &str,
    ) -> io::Result<RawConnection> {
        RawConnection::connect_tls(self.tls(), Arc::clone(config), name).await
    }

    /// Whether a client is served: its handshake succeeds, and its request is answered. With TLS 1.3 a client learns
    /// only from its first read that its certificate was refused.
    pub(crate) async fn serves(&self, config: &Arc<ClientConfig>) -> bool {
        self.refusal(config).await.is_none()
    }

    /// Why a client is not served, in the words of its library.
    pub(crate) async fn refusal(&self, config: &Arc<ClientConfig>) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let exchange = async {
            let mut stream = shake(self.tls(), config, "app.test").await?;
            stream
                .write_all(head("GET /", &["Connection: close"]).as_bytes())
                .await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, io::Error>(answer)
        };
        match exchange.await {
            Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => None,
            Ok(answer) => Some(answer),
            Err(error) => Some(error.to_string()),
        }
    }
}

/// A handshake, and what a client knows after it.
pub(crate) async fn shake(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
    name: &str,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).expect("a server name");
    TlsConnector::from(Arc::clone(config))
        .connect(name, stream)
        .await
}

/// The session of a stream.
pub(crate) fn session(stream: &TlsStream<TcpStream>) -> &ClientConnection {
    stream.get_ref().1
}

/// A changed copy.
pub(crate) fn changed(
    config: &Arc<ClientConfig>,
    change: impl FnOnce(&mut ClientConfig),
) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(config);
    change(&mut config);
    Arc::new(config)
}
