//! The CAs that this process trusts, for servers that it calls and for clients that call it.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{Refused, Reload, Source, provider};

/// A set of CAs, reloadable. As a verifier of servers it checks chain, dates, usage and name; as one of clients it
/// demands a certificate.
#[derive(Debug)]
pub struct Trust {
    sources: Vec<Source>,
    current: ArcSwap<Verifiers>,
}

#[derive(Debug)]
struct Verifiers {
    roots: Arc<RootCertStore>,
    server: Arc<WebPkiServerVerifier>,
    client: Arc<dyn ClientCertVerifier>,
}

impl Trust {
    /// Reads the bundles; each must hold at least one CA.
    ///
    /// # Errors
    ///
    /// What is wrong, and with which bundle; or that there is none at all, since that would trust nobody.
    pub fn load(sources: Vec<Source>) -> Result<Arc<Self>, Refused> {
        let current = ArcSwap::from_pointee(read(&sources)?);
        Ok(Arc::new(Self { sources, current }))
    }

    /// The CAs now.
    #[must_use]
    pub fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.current.load().roots)
    }
}

fn read(sources: &[Source]) -> Result<Verifiers, Refused> {
    let mut roots = RootCertStore::empty();
    for source in sources {
        if matches!(source, Source::System) {
            // Among the system's there are some that rustls does not read; they are nobody's fault here.
            roots.add_parsable_certificates(source.certificates()?);
            continue;
        }
        for (at, certificate) in source.certificates()?.into_iter().enumerate() {
            roots.add(certificate).map_err(|error| {
                Refused::new(
                    source,
                    format!("certificate {} of the bundle is no CA: {error}", at + 1),
                )
            })?;
        }
    }
    let roots = Arc::new(roots);
    let unusable = |error: String| {
        let named = sources
            .first()
            .map_or_else(|| "CA bundle".to_owned(), ToString::to_string);
        Refused::new(named, format!("cannot be used: {error}"))
    };
    let server =
        WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), provider()).build();
    let client =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider()).build();
    Ok(Verifiers {
        server: server.map_err(|error| unusable(error.to_string()))?,
        client: client.map_err(|error| unusable(error.to_string()))?,
        roots,
    })
}

impl Reload for Trust {
    fn name(&self) -> String {
        let named: Vec<_> = self.sources.iter().map(ToString::to_string).collect();
        named.join(", ")
    }

    fn files(&self) -> Vec<PathBuf> {
        self.sources
            .iter()
            .filter_map(Source::path)
            .map(Into::into)
            .collect()
    }

    fn reload(&self) -> Result<bool, Refused> {
        let read = read(&self.sources)?;
        let changed = read.roots.roots != self.current.load().roots.roots;
        if changed {
            self.current.store(Arc::new(read));
        }
        Ok(changed)
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let server = Arc::clone(&self.current.load().server);
        server.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current
            .load()
            .server
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current
            .load()
            .server
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current.load().server.supported_verify_schemes()
    }
}

impl ClientCertVerifier for Trust {
    /// No hints: they would have to outlive a reload, and our clients have one certificate each.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let client = Arc::clone(&self.current.load().client);
        client.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current
            .load()
            .client
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current
            .load()
            .client
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current.load().client.supported_verify_schemes()
    }
}
