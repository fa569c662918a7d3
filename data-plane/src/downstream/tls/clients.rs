//! Certificates of clients: their authorities first, then their subjects.

use std::sync::Arc;

use pointsman_process::tls::{Subject, Trust};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::time::Instant;

use super::rules;
use crate::settings::SubjectRule;
use crate::worker::Seldom;

/// Verifies what clients show.
#[derive(Debug)]
pub(super) struct Clients {
    trust: Arc<Trust>,
    rules: Vec<SubjectRule>,
    mandatory: bool,
    refused: Seldom,
}

impl Clients {
    pub(super) fn new(trust: Arc<Trust>, rules: Vec<SubjectRule>, mandatory: bool) -> Self {
        Self {
            trust,
            rules,
            mandatory,
            refused: Seldom::default(),
        }
    }

    /// The authorities.
    pub(super) fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    fn delegate(&self) -> &dyn ClientCertVerifier {
        &*self.trust
    }

    fn check_subject(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Result<(), Error> {
        if self.rules.is_empty() {
            return Ok(());
        }
        let malformed = |_| CertificateError::BadEncoding;
        let subject = Subject::of(leaf).map_err(malformed)?;
        let above = Subject::issuers(leaf, others).map_err(malformed)?;
        if rules::may_pass(&self.rules, &above, &subject) {
            return Ok(());
        }
        if let Some(unsaid) = self.refused.say(Instant::now()) {
            tracing::warn!(%subject, unsaid, "invalid-subject");
        }
        // The one error about a name whose alert is bad_certificate (D-026).
        Err(CertificateError::NotValidForName.into())
    }
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.delegate().root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .delegate()
            .verify_client_cert(end_entity, intermediates, now)?;
        self.check_subject(end_entity, intermediates)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.delegate()
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.delegate()
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.delegate().supported_verify_schemes()
    }
}
