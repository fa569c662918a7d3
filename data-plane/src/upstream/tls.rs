//! Who an endpoint is: its certificate chains to a configured CA and carries the registered name
//! . No byte of a request is sent before that is proven.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use pointsman_process::tls::{Trust, Versions, client_config, dns_sans};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    Error, PeerIncompatible, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::http2::ALPN;
use crate::proxy::Reason;
use crate::settings::UpstreamTls;

/// Makes TLS sessions with endpoints.
#[derive(Debug)]
pub(crate) struct Identities {
    config: Option<Configs>,
}

/// How TLS is spoken with endpoints.
#[derive(Debug)]
struct Configs {
    /// With those that are spoken to in HTTP/1.1.
    http1: Arc<ClientConfig>,
    /// With those that may choose HTTP/2.
    http2: Arc<ClientConfig>,
}

impl Identities {
    /// Sessions that are verified as `tls` says; without it there is none.
    ///
    /// # Errors
    /// When the crypto provider does not support the versions.
    pub(crate) fn new(tls: Option<UpstreamTls>) -> Result<Self, Error> {
        let Some(UpstreamTls { trust, identity }) = tls else {
            return Ok(Self { config: None });
        };
        let provider = rustls::crypto::CryptoProvider::get_default().cloned();
        let provider =
            provider.unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let algorithms = provider.signature_verification_algorithms;
        let verifier = Arc::new(Registered { trust, algorithms });
        let identity = identity.map(|identity| identity as _);
        let config = client_config(verifier, identity, Versions::Tls12AndTls13, &[b"http/1.1"])?;
        let mut config = Arc::unwrap_or_clone(config);
        // A resumed session would be keyed by name alone, and could skip the proof for another
        // instance.
        config.resumption = Resumption::disabled();
        let http1 = Arc::new(config.clone());
        config.alpn_protocols.insert(0, ALPN.to_vec());
        Ok(Self {
            config: Some(Configs {
                http1,
                http2: Arc::new(config),
            }),
        })
    }

    /// A session with the endpoint that is registered under `name`. An endpoint without a name
    /// has to prove its address. With `http2` it may choose that protocol (D-513, D-514).
    ///
    /// # Errors
    /// [`Reason::Untrusted`] where no CA is configured, [`Reason::WrongName`] for a name that no
    /// certificate could carry.
    pub(crate) fn session(
        &self,
        name: &str,
        address: IpAddr,
        http2: bool,
    ) -> Result<ClientConnection, Reason> {
        let configs = self.config.as_ref().ok_or(Reason::Untrusted)?;
        let config = if http2 {
            &configs.http2
        } else {
            &configs.http1
        };
        let name = if name.is_empty() {
            ServerName::IpAddress(address.into())
        } else {
            ServerName::try_from(name.to_owned()).map_err(|_| Reason::WrongName)?
        };
        ClientConnection::new(Arc::clone(config), name).map_err(|_| Reason::HandshakeFailed)
    }
}

/// Takes certificates of the configured CAs that carry exactly the registered name: no wildcard
/// stands for an instance, and no common name for a subject alternative name.
#[derive(Debug)]
struct Registered {
    trust: Arc<Trust>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Registered {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let ServerName::DnsName(name) = server_name else {
            // Addresses are compared exactly by the library.
            let trust: &dyn ServerCertVerifier = &*self.trust;
            return trust.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            );
        };
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.trust.roots(),
            intermediates,
            now,
            self.algorithms.all,
        )?;
        let names = dns_sans(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        if names
            .iter()
            .any(|san| san.eq_ignore_ascii_case(name.as_ref()))
        {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let trust: &dyn ServerCertVerifier = &*self.trust;
        trust.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let trust: &dyn ServerCertVerifier = &*self.trust;
        trust.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let trust: &dyn ServerCertVerifier = &*self.trust;
        trust.supported_verify_schemes()
    }
}

/// The reason behind an error of a TLS session, if it is one. In TLS 1.3 an endpoint refuses our
/// certificate only after the handshake, so that this is asked of every read, too.
pub(crate) fn reason(error: &io::Error) -> Option<Reason> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Reason::WrongName,
        Error::InvalidCertificate(_) => Reason::Untrusted,
        Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateRequired,
        ) => Reason::ClientCertificate,
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => Reason::TlsVersion,
        Error::InvalidMessage(_) => Reason::NotTls,
        _ => Reason::HandshakeFailed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of(error: Error) -> Option<Reason> {
        reason(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn errors_of_a_session_have_the_reason_that_decides_the_status() {
        use CertificateError as Certificate;

        for (error, expected) in [
            (
                Error::InvalidCertificate(Certificate::NotValidForName),
                Reason::WrongName,
            ),
            (
                Error::InvalidCertificate(Certificate::Expired),
                Reason::Untrusted,
            ),
            (
                Error::InvalidCertificate(Certificate::UnknownIssuer),
                Reason::Untrusted,
            ),
            (
                Error::AlertReceived(AlertDescription::BadCertificate),
                Reason::ClientCertificate,
            ),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                Reason::ClientCertificate,
            ),
            (
                Error::AlertReceived(AlertDescription::CertificateRequired),
                Reason::ClientCertificate,
            ),
            (
                Error::AlertReceived(AlertDescription::HandshakeFailure),
                Reason::HandshakeFailed,
            ),
            (
                Error::AlertReceived(AlertDescription::ProtocolVersion),
                Reason::TlsVersion,
            ),
            (
                PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig.into(),
                Reason::TlsVersion,
            ),
            (
                Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
                Reason::NotTls,
            ),
        ] {
            assert_eq!(reason_of(error.clone()), Some(expected), "{error}");
        }
        assert_eq!(reason(&io::ErrorKind::ConnectionReset.into()), None);
    }

    #[test]
    fn without_a_ca_no_session_is_made() {
        let identities = Identities::new(None).expect("nothing to configure");
        let session = identities.session("app", IpAddr::from([127, 0, 0, 1]), false);
        assert_eq!(session.err(), Some(Reason::Untrusted));
    }
}
