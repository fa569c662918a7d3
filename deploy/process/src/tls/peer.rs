//! What a verified peer certificate says about its owner.

use rustls_pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The bytes are no certificate. After a handshake that verified them, this does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer's certificate cannot be parsed")]
pub struct NotACertificate;

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, NotACertificate> {
    X509Certificate::from_der(certificate)
        .map(|(_, parsed)| parsed)
        .map_err(|_| NotACertificate)
}

fn sans(
    certificate: &CertificateDer<'_>,
    wanted: impl Fn(&GeneralName<'_>) -> Option<String>,
) -> Result<Vec<String>, NotACertificate> {
    let parsed = parse(certificate)?;
    let names = parsed
        .subject_alternative_name()
        .map_err(|_| NotACertificate)?;
    let names = names
        .map(|extension| &extension.value.general_names[..])
        .unwrap_or_default();
    Ok(names.iter().filter_map(wanted).collect())
}

/// The URIs among the subject alternative names (RFC 5280 section 4.2.1.6), in their order. A data plane's isolation
/// segments stand there.
///
/// # Errors
///
/// When the bytes are no certificate.
pub fn uri_sans(certificate: &CertificateDer<'_>) -> Result<Vec<String>, NotACertificate> {
    sans(certificate, |name| match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    })
}

/// The DNS names among the subject alternative names, in their order and as written.
///
/// # Errors
///
/// When the bytes are no certificate.
pub fn dns_sans(certificate: &CertificateDer<'_>) -> Result<Vec<String>, NotACertificate> {
    sans(certificate, |name| match name {
        GeneralName::DNSName(dns) => Some((*dns).to_owned()),
        _ => None,
    })
}

/// The common name of the subject: for messages to people, never for a decision.
///
/// # Errors
///
/// When the bytes are no certificate.
pub fn common_name(certificate: &CertificateDer<'_>) -> Result<Option<String>, NotACertificate> {
    let parsed = parse(certificate)?;
    let name = parsed
        .subject()
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok());
    Ok(name.map(str::to_owned))
}
