use std::collections::BTreeMap;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use pointsman_proto::v1;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, SanType};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::scene::{DataPlane, hello, message, parts, settings};
use crate::distribution::{SegmentBounds, Settings};
use crate::registry_task::Event;

struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    roots: Arc<RootCertStore>,
}

type Identity = (
    Vec<rustls::pki_types::CertificateDer<'static>>,
    PrivateKeyDer<'static>,
);

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(issuer.der().clone()).unwrap();
        Self {
            issuer,
            roots: Arc::new(roots),
        }
    }

    fn issue(&self, uri: Option<&str>) -> Identity {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let uri = uri.map(|uri| SanType::URI(uri.try_into().unwrap()));
        params.subject_alt_names.extend(uri);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        (vec![certificate.der().clone()], key.into())
    }

    fn acceptor(&self) -> TlsAcceptor {
        let (chain, key) = self.issue(None);
        let clients = WebPkiClientVerifier::builder(Arc::clone(&self.roots))
            .build()
            .unwrap();
        let config = ServerConfig::builder().with_client_cert_verifier(clients);
        let mut config = config.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    fn connector(&self, uri: &str) -> TlsConnector {
        let (chain, key) = self.issue(Some(uri));
        let config = ClientConfig::builder().with_root_certificates(Arc::clone(&self.roots));
        let mut config = config.with_client_auth_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

async fn channel(connector: TlsConnector, address: std::net::SocketAddr) -> Channel {
    let connect = tower::service_fn(move |_| {
        let connector = connector.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::try_from("localhost").unwrap();
            Ok::<_, std::io::Error>(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    Endpoint::from_static("http://localhost")
        .connect_with_connector(connect)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_certificate_of_the_connection_bounds_the_segments() {
    pointsman_process::tls::install_provider();
    let segments = SegmentBounds::Certificate {
        mapping: BTreeMap::new(),
    };
    let (distribution, _handle, source, _) = parts(Settings {
        segments,
        ..settings()
    });
    let ca = Ca::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = ca.acceptor();
    let (sender, incoming) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = sender.send(acceptor.accept(stream).await).await;
        }
    });
    let incoming = tokio_stream::wrappers::ReceiverStream::new(incoming);
    tokio::spawn(distribution.serve(incoming, std::future::pending()));
    let mut registered = message("10.0.0.1:80", "foo");
    registered.segment = "a".into();
    source.send(Event::Register(registered)).await.unwrap();

    let wants = |segment: &str| v1::Hello {
        filter: Some(v1::SegmentFilter {
            mode: v1::SegmentMode::Segments.into(),
            segments: vec![segment.to_owned()],
        }),
        ..hello("one")
    };
    let granted = channel(ca.connector("pointsman://segments/a"), address).await;
    let mut data_plane = DataPlane::over(granted.clone(), wants("a")).await.unwrap();
    assert_eq!(data_plane.step_to(2).await.endpoints.len(), 1);
    let refused: Status = DataPlane::over(granted, wants("b")).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(
        refused.message(),
        "the certificate does not grant \"b\"; it grants \"a\""
    );
}
