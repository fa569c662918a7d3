//! `domains`: hosts whose clients show who they are (RFC 0055 of the Cloud Foundry community).

use pointsman_data_plane::DomainName;
use pointsman_process::configuration::{Check, Validate};
use serde::{Deserialize, Serialize};

use super::super::keys::keys;
use super::super::pairs;

keys! {
    /// One element of `domains`.
    #[serde(rename = "MtlsDomainConfig")]
    pub struct MtlsDomain {
        /// A host, or `*.` and a suffix.
        domain: String = String::new(),
        /// CAs of the clients of the domain, and of nobody else.
        ca_certs: String = String::new(),
        /// As the key of the same name at the top; empty for `sanitize_set`.
        forwarded_client_cert: String = String::new(),
        /// `raw` or `envoy`; empty for `raw`.
        xfcc_format: String = String::new(),
    }
}

/// `domains`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename = "[]config.MtlsDomainConfig")]
pub struct MtlsDomains(pub Vec<MtlsDomain>);

impl MtlsDomain {
    /// What becomes of `X-Forwarded-Client-Cert`.
    #[must_use]
    pub fn forwarded_client_cert(&self) -> &str {
        match self.forwarded_client_cert.as_str() {
            "" => "sanitize_set",
            given => given,
        }
    }
}

impl Validate for MtlsDomains {
    fn validate(&self, check: &mut Check<'_>) {
        for (at, domain) in self.0.iter().enumerate() {
            check.within(&format!("domains[{at}]"), |check| domain.validate(check));
        }
    }
}

impl Validate for MtlsDomain {
    fn validate(&self, check: &mut Check<'_>) {
        if DomainName::parse(&self.domain).is_none() {
            let what = format!("{:?} is neither a host nor `*.` with a suffix", self.domain);
            check.refuse("domain", what, "write a name such as '*.apps.identity'");
        }
        if !pairs::is_bundle(&self.ca_certs) {
            let hint = "give the CAs of the clients of the domain, as PEM";
            check.refuse("ca_certs", "holds no certificate", hint);
        }
        for (key, given, known) in [
            (
                "forwarded_client_cert",
                self.forwarded_client_cert(),
                &["always_forward", "forward", "sanitize_set"][..],
            ),
            ("xfcc_format", &self.xfcc_format, &["", "raw", "envoy"]),
        ] {
            if !known.contains(&given) {
                let hint = format!("write one of {}", known.join(" ").trim());
                check.refuse(key, format!("{given:?} is not known"), hint);
            }
        }
    }
}
