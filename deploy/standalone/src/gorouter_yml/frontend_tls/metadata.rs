//! `verify_client_certificate_metadata`: rules about the subjects of client certificates.

use pointsman_process::configuration::Check;
use pointsman_process::tls::{Source, Subject};

use super::super::keys::keys;
use super::super::scalars::Strings;

keys! {
    /// One rule: a certificate that this CA signed must have one of these subjects.
    pub struct VerifyClientCertificateMetadataRule {
        /// Subject of the CA.
        issuer_in_chain: CertSubject = CertSubject::default(),
        /// Subjects that it may have signed.
        valid_cert_subjects: Vec<CertSubject> = Vec::new(),
    }
}

keys! {
    /// A distinguished name, by its parts.
    pub struct CertSubject {
        /// C.
        country: Strings = Strings::default(),
        /// O.
        organization: Strings = Strings::default(),
        /// OU.
        organizational_unit: Strings = Strings::default(),
        /// CN.
        common_name: String = String::new(),
        /// SERIALNUMBER.
        serial_number: String = String::new(),
        /// L.
        locality: Strings = Strings::default(),
        /// ST.
        province: Strings = Strings::default(),
        /// STREET.
        street_address: Strings = Strings::default(),
        /// POSTALCODE.
        postal_code: Strings = Strings::default(),
    }
}

impl From<&CertSubject> for Subject {
    fn from(given: &CertSubject) -> Self {
        let CertSubject {
            country,
            organization,
            organizational_unit,
            common_name,
            serial_number,
            locality,
            province,
            street_address,
            postal_code,
        } = given.clone();
        Self {
            country: country.0,
            organization: organization.0,
            organizational_unit: organizational_unit.0,
            common_name,
            serial_number,
            locality: locality.0,
            province: province.0,
            street_address: street_address.0,
            postal_code: postal_code.0,
        }
    }
}

/// A rule whose CA is none of the client CAs would never apply, and that must not go unnoticed.
pub(super) fn validate(
    rules: &[VerifyClientCertificateMetadataRule],
    client_cas: &str,
    check: &mut Check<'_>,
) {
    if rules.is_empty() {
        return;
    }
    let certificates = Source::inline("client_ca_certs", client_cas)
        .certificates()
        .unwrap_or_default();
    let mut subjects = Vec::new();
    for certificate in &certificates {
        match Subject::of(certificate) {
            Ok(subject) => subjects.push(subject),
            Err(_) => check.refuse_plainly(
                "client_ca_certs",
                "error parsing certificate as DER format: x509: malformed certificate",
            ),
        }
    }
    for (at, rule) in rules.iter().enumerate() {
        let wanted = Subject::from(&rule.issuer_in_chain);
        if !subjects.contains(&wanted) {
            let key = format!("verify_client_certificate_metadata[{at}].issuer_in_chain");
            let text = format!("no CA certificate found for rule with ca subject {wanted}");
            check.refuse_plainly(&key, text);
        }
    }
}
