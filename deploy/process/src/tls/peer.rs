//! What a verified peer certificate says about its owner.

use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::hash::Hash;
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

/// The SHA-256 of a certificate in lower-case hexadecimal, by which people and proxies name it.
#[must_use]
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    // The hash of that suite is this one (RFC 8446, B.4); the provider shows it nowhere else.
    let sha256: Option<&dyn Hash> = TLS13_AES_128_GCM_SHA256
        .tls13()
        .map(|suite| suite.common.hash_provider);
    let digest = sha256.map(|sha256| sha256.hash(certificate));
    let bytes = digest.as_ref().map_or(&[][..], |digest| digest.as_ref());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
