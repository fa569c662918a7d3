//! The section `tls`: TLS towards clients.

use std::path::PathBuf;

use pointsman_process::configuration::{Address, Check, Validate};
use pointsman_process::tls::{Subject, Versions, cipher_suite};
use serde::Deserialize;

use super::Client as Pair;
use super::headers::ForwardedClientCert;
use crate::app;

/// TLS towards clients.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FrontTls {
    /// Where clients connect to over TLS. Absent: nowhere.
    pub listen: Vec<Address>,
    /// The certificates with their keys; the first is shown where no name matches.
    pub certificates: Vec<Pair>,
    /// The lowest version that is spoken.
    pub min_version: Lowest,
    /// The highest.
    pub max_version: Highest,
    /// Cipher suites of TLS 1.2, by their OpenSSL or RFC names. Absent: all that are good.
    pub cipher_suites: Vec<String>,
    /// Whether clients have to show a certificate.
    pub client_certificates: ClientCertificates,
    /// Domains whose clients have to, with authorities of their own.
    pub domains: Vec<Domain>,
}

/// The lowest version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Lowest {
    /// 1.2
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    /// 1.3
    #[serde(rename = "1.3")]
    Tls13,
}

/// The highest version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Highest {
    /// 1.2
    #[serde(rename = "1.2")]
    Tls12,
    /// 1.3
    #[default]
    #[serde(rename = "1.3")]
    Tls13,
}

/// Whether clients have to show a certificate.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClientCertificates {
    /// Whether they are asked.
    pub mode: Mode,
    /// Files of the authorities of clients.
    pub ca: Vec<PathBuf>,
    /// Which subjects certificates below an authority may have.
    pub rules: Vec<Rule>,
}

/// Whether clients are asked for a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// No.
    #[default]
    Ignored,
    /// Yes, and what they show is verified.
    Requested,
    /// They must show one.
    Required,
}

/// Which subjects certificates below one authority may have.
#[derive(Clone, Debug, Deserialize)]
pub struct Rule {
    /// The subject of the authority.
    pub issuer: Name,
    /// The subjects, each to the letter.
    #[serde(default)]
    pub subjects: Vec<Name>,
}

/// A distinguished name by its parts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Name {
    /// C.
    pub country: Vec<String>,
    /// O.
    pub organization: Vec<String>,
    /// OU.
    pub organizational_unit: Vec<String>,
    /// CN.
    pub common_name: String,
    /// SERIALNUMBER.
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

/// A domain whose clients show who they are.
#[derive(Clone, Debug, Deserialize)]
pub struct Domain {
    /// A host, or `*.` and a suffix for all hosts with one more label.
    pub domain: String,
    /// Files of the authorities of its clients.
    pub ca: Vec<PathBuf>,
    /// What becomes of `X-Forwarded-Client-Cert`.
    #[serde(default = "sanitize_set")]
    pub forwarded_client_cert: ForwardedClientCert,
    /// How a certificate is written there.
    #[serde(default)]
    pub format: CertFormat,
}

const fn sanitize_set() -> ForwardedClientCert {
    ForwardedClientCert::SanitizeSet
}

/// How a certificate is written into `X-Forwarded-Client-Cert`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertFormat {
    /// The whole of it, in base64.
    #[default]
    Raw,
    /// Its digest and subject.
    Envoy,
}

impl Validate for FrontTls {
    fn validate(&self, check: &mut Check<'_>) {
        if self.listen.is_empty() {
            for key in ["certificates", "client_certificates", "domains"] {
                if check.is_given(key) {
                    let hint = "add tls.listen, as [0.0.0.0:8443]";
                    check.refuse(
                        key,
                        "is used by nothing, because no listener speaks TLS",
                        hint,
                    );
                }
            }
            return;
        }
        if self.certificates.is_empty() {
            let hint = "name the files of at least one certificate and its key";
            check.refuse("certificates", "is empty", hint);
        }
        if (self.min_version, self.max_version) == (Lowest::Tls13, Highest::Tls12) {
            check.refuse(
                "max_version",
                "is below min_version",
                "leave one of them out",
            );
        }
        for (at, name) in self.cipher_suites.iter().enumerate() {
            if cipher_suite(name).is_none() {
                check.refuse(
                    &format!("cipher_suites[{at}]"),
                    format!("{name:?} is no suite of TLS 1.2 that can be offered"),
                    "write names such as ECDHE-RSA-AES128-GCM-SHA256; those of TLS 1.3 are always offered",
                );
            }
        }
        check.within("client_certificates", |check| {
            self.client_certificates.validate(check);
        });
        for (at, domain) in self.domains.iter().enumerate() {
            check.within(&format!("domains[{at}]"), |check| domain.validate(check));
        }
    }
}

impl Validate for ClientCertificates {
    fn validate(&self, check: &mut Check<'_>) {
        if self.mode != Mode::Ignored && self.ca.is_empty() {
            let hint = "name the files of the authorities of clients";
            check.refuse(
                "ca",
                "is empty, so no client's certificate could be verified",
                hint,
            );
        }
        if self.mode == Mode::Ignored && !(self.ca.is_empty() && self.rules.is_empty()) {
            let what = "is ignored, so that authorities and rules would do nothing";
            check.refuse("mode", what, "write `requested` or `required`");
        }
    }
}

impl Validate for Domain {
    fn validate(&self, check: &mut Check<'_>) {
        if crate::DomainName::parse(&self.domain).is_none() {
            let what = format!("{:?} is neither a host nor `*.` with a suffix", self.domain);
            check.refuse("domain", what, "write a name such as '*.apps.identity'");
        }
        if self.ca.is_empty() {
            let hint = "name the files of the authorities of its clients";
            check.refuse("ca", "is empty, so nobody could be let in", hint);
        }
    }
}

impl From<&Name> for Subject {
    fn from(name: &Name) -> Self {
        let Name {
            country,
            organization,
            organizational_unit,
            common_name,
            serial_number,
            locality,
            province,
            street_address,
            postal_code,
        } = name.clone();
        Self {
            country,
            organization,
            organizational_unit,
            common_name,
            serial_number,
            locality,
            province,
            street_address,
            postal_code,
        }
    }
}

impl FrontTls {
    /// What is read from files when the data plane is built.
    pub(super) fn settings(&self) -> Option<app::FrontTls> {
        if self.listen.is_empty() {
            return None;
        }
        let suites = self.cipher_suites.iter();
        let suites = suites.filter_map(|name| cipher_suite(name)).collect();
        let clients = &self.client_certificates;
        let rules = clients.rules.iter().map(|rule| crate::SubjectRule {
            issuer: Subject::from(&rule.issuer),
            subjects: rule.subjects.iter().map(Subject::from).collect(),
        });
        let pairs = self.certificates.iter();
        Some(app::FrontTls {
            listen: self.listen.iter().map(|address| address.0).collect(),
            certificates: pairs
                .map(|pair| (pair.certificate.clone(), pair.key.clone()))
                .collect(),
            versions: match (self.min_version, self.max_version) {
                (Lowest::Tls13, _) => Versions::Tls13,
                (Lowest::Tls12, Highest::Tls12) => Versions::Tls12,
                (Lowest::Tls12, Highest::Tls13) => Versions::Tls12AndTls13,
            },
            cipher_suites: (!self.cipher_suites.is_empty()).then_some(suites),
            clients: (clients.mode != Mode::Ignored).then(|| app::ClientFiles {
                required: clients.mode == Mode::Required,
                ca: clients.ca.clone(),
                rules: rules.collect(),
            }),
            domains: self.domains.iter().filter_map(Domain::settings).collect(),
        })
    }
}

impl Domain {
    fn settings(&self) -> Option<app::DomainFiles> {
        Some(app::DomainFiles {
            name: crate::DomainName::parse(&self.domain)?,
            ca: self.ca.clone(),
            forwarded_client_cert: self.forwarded_client_cert.settings(),
            format: match self.format {
                CertFormat::Raw => crate::CertFormat::Raw,
                CertFormat::Envoy => crate::CertFormat::Envoy,
            },
        })
    }
}
