//! `verify_client_certificate_metadata`: rules about the subjects of client certificates.

use pointsman_process::configuration::Check;
use pointsman_process::tls::Source;
use x509_parser::prelude::{FromDer, X509Certificate};

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

impl CertSubject {
    /// The parts as Go renders a distinguished name: the last one first, with names of RFC 4514.
    fn rendered(&self) -> String {
        let one = |value: &String| {
            if value.is_empty() {
                Vec::new()
            } else {
                vec![value.clone()]
            }
        };
        let parts = [
            ("SERIALNUMBER", one(&self.serial_number)),
            ("CN", one(&self.common_name)),
            ("POSTALCODE", self.postal_code.0.clone()),
            ("STREET", self.street_address.0.clone()),
            ("ST", self.province.0.clone()),
            ("L", self.locality.0.clone()),
            ("OU", self.organizational_unit.0.clone()),
            ("O", self.organization.0.clone()),
            ("C", self.country.0.clone()),
        ];
        let filled = parts.iter().filter(|(_, values)| !values.is_empty());
        let rendered: Vec<_> = filled.map(|(name, values)| several(name, values)).collect();
        rendered.join(",")
    }
}

/// Several values of one attribute stand in one relative name, joined by `+`.
fn several(name: &str, values: &[String]) -> String {
    values
        .iter()
        .map(|value| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("+")
}

/// The subject of a certificate by its parts; what Go's `pkix.Name` does not know is left out.
fn subject(certificate: &X509Certificate<'_>) -> CertSubject {
    let mut subject = CertSubject::default();
    for attribute in certificate.subject().iter_attributes() {
        let Ok(value) = attribute.as_str().map(str::to_owned) else {
            continue;
        };
        match attribute.attr_type().to_id_string().as_str() {
            "2.5.4.3" => subject.common_name = value,
            "2.5.4.5" => subject.serial_number = value,
            "2.5.4.6" => subject.country.0.push(value),
            "2.5.4.7" => subject.locality.0.push(value),
            "2.5.4.8" => subject.province.0.push(value),
            "2.5.4.9" => subject.street_address.0.push(value),
            "2.5.4.10" => subject.organization.0.push(value),
            "2.5.4.11" => subject.organizational_unit.0.push(value),
            "2.5.4.17" => subject.postal_code.0.push(value),
            _ => {}
        }
    }
    subject
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
        match X509Certificate::from_der(certificate) {
            Ok((_, parsed)) => subjects.push(subject(&parsed).rendered()),
            Err(_) => check.refuse_plainly(
                "client_ca_certs",
                "error parsing certificate as DER format: x509: malformed certificate",
            ),
        }
    }
    for (at, rule) in rules.iter().enumerate() {
        let wanted = rule.issuer_in_chain.rendered();
        if !subjects.contains(&wanted) {
            let key = format!("verify_client_certificate_metadata[{at}].issuer_in_chain");
            let text = format!("no CA certificate found for rule with ca subject {wanted}");
            check.refuse_plainly(&key, text);
        }
    }
}
