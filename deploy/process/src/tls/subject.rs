//! Who a certificate is about, part by part.

use std::fmt;

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

use super::NotACertificate;

/// A distinguished name by its parts; those that are not here are not compared, as in Gorouter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// C.
    pub country: Vec<String>,
    /// O.
    pub organization: Vec<String>,
    /// OU.
    pub organizational_unit: Vec<String>,
    /// CN, the last one.
    pub common_name: String,
    /// SERIALNUMBER, the last one.
    pub serial_number: String,
    /// L.
    pub locality: Vec<String>,
    /// ST.
    pub province: Vec<String>,
    /// STREET.
    pub street_address: Vec<String>,
    /// POSTALCODE.
    pub postal_code: Vec<String>,
}

impl Subject {
    /// The subject of a certificate.
    ///
    /// # Errors
    ///
    /// When the bytes are no certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, NotACertificate> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| NotACertificate)?;
        Ok(Self::from(parsed.subject()))
    }

    /// The subjects of the authorities above a certificate, given what its owner sent with it.
    ///
    /// It is who signed it, who signed whoever that is among `others`, and so on. No signature is looked at: what was
    /// verified before is always among these, and what is sent beside it can only add to them.
    ///
    /// # Errors
    ///
    /// When the bytes are no certificate.
    pub fn issuers(
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Result<Vec<Self>, NotACertificate> {
        let parse = |der| X509Certificate::from_der(der).map(|(_, parsed)| parsed);
        let leaf = parse(certificate).map_err(|_| NotACertificate)?;
        let mut others: Vec<_> = others.iter().filter_map(|der| parse(der).ok()).collect();
        let mut found = vec![Self::from(leaf.issuer())];
        let mut names = vec![leaf.issuer().as_raw().to_vec()];
        while let Some(name) = names.pop() {
            // Each is looked at once, so that a circle of them ends.
            for above in others.extract_if(.., |other| other.subject().as_raw() == name) {
                found.push(Self::from(above.issuer()));
                names.push(above.issuer().as_raw().to_vec());
            }
        }
        Ok(found)
    }
}

impl From<&X509Name<'_>> for Subject {
    fn from(name: &X509Name<'_>) -> Self {
        let mut subject = Self::default();
        for attribute in name.iter_attributes() {
            let Ok(value) = attribute.as_str().map(str::to_owned) else {
                continue;
            };
            match attribute.attr_type().to_id_string().as_str() {
                "2.5.4.3" => subject.common_name = value,
                "2.5.4.5" => subject.serial_number = value,
                "2.5.4.6" => subject.country.push(value),
                "2.5.4.7" => subject.locality.push(value),
                "2.5.4.8" => subject.province.push(value),
                "2.5.4.9" => subject.street_address.push(value),
                "2.5.4.10" => subject.organization.push(value),
                "2.5.4.11" => subject.organizational_unit.push(value),
                "2.5.4.17" => subject.postal_code.push(value),
                _ => {}
            }
        }
        subject
    }
}

impl fmt::Display for Subject {
    /// As Go renders a distinguished name: the last part first, with the names of RFC 4514, several values of one part
    /// joined by `+`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = std::slice::from_ref;
        let mut before = "";
        for (name, values) in [
            ("SERIALNUMBER", one(&self.serial_number)),
            ("CN", one(&self.common_name)),
            ("POSTALCODE", &self.postal_code),
            ("STREET", &self.street_address),
            ("ST", &self.province),
            ("L", &self.locality),
            ("OU", &self.organizational_unit),
            ("O", &self.organization),
            ("C", &self.country),
        ] {
            if matches!(name, "SERIALNUMBER" | "CN") && values.iter().all(String::is_empty) {
                continue;
            }
            for value in values {
                write!(f, "{before}{name}={value}")?;
                before = "+";
            }
            if !values.is_empty() {
                before = ",";
            }
        }
        Ok(())
    }
}
