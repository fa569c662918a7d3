//! TLS towards clients, client certificates, and the CAs that are trusted.

mod ciphers;
mod domains;
mod metadata;

use pointsman_process::configuration::{Check, Validate};
use serde::{Deserialize, Serialize};

use super::keys::keys;
use super::pairs;
use super::scalars::{Secret, Strings};

pub use domains::{MtlsDomain, MtlsDomains};
pub use metadata::{CertSubject, VerifyClientCertificateMetadataRule};

keys! {
    /// The keys of this group; they stand at the top of the file. Most are not looked at without `enable_ssl`.
    #[serde(rename = "Config")]
    pub struct FrontendTls {
        /// Certificates, the first of which is served where no name matches.
        tls_pem: TlsPems = TlsPems::default(),
        /// Cipher suites of TLS 1.2, by their OpenSSL or RFC names, with `:` between.
        cipher_suites: String = String::new(),
        /// Lowest version of TLS; empty for 1.2.
        min_tls_version: String = String::new(),
        /// Highest version of TLS; empty for 1.2.
        max_tls_version: String = String::new(),
        /// `none`, `request` (verified if given) or `require`; no default.
        client_cert_validation: String = String::new(),
        /// CAs of clients, on top of the system's.
        client_ca_certs: String = String::new(),
        /// The system's CAs are left out for clients.
        only_trust_client_ca_certs: bool = false,
        /// CAs of endpoints and route services, on top of the system's.
        ca_certs: Strings = Strings::default(),
        /// Switch for the next key.
        enable_verify_client_certificate_metadata: bool = false,
        /// Which subjects a client certificate of a given CA may have.
        verify_client_certificate_metadata: MetadataRules = MetadataRules::default(),
        /// Domains whose clients show who they are; newer than most files.
        domains: MtlsDomains = MtlsDomains::default(),
    }
}

keys! {
    /// One element of `tls_pem`.
    pub struct TLSPem {
        /// Chain, leaf first.
        cert_chain: String = String::new(),
        /// Its private key.
        private_key: Secret = Secret::default(),
    }
}

/// `tls_pem`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename = "[]config.TLSPem")]
pub struct TlsPems(pub Vec<TLSPem>);

/// `verify_client_certificate_metadata`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename = "[]config.VerifyClientCertificateMetadataRule")]
pub struct MetadataRules(pub Vec<VerifyClientCertificateMetadataRule>);

impl FrontendTls {
    /// What is checked whatever `enable_ssl` says, and what is checked only with it.
    pub(super) fn validate(&self, enable_ssl: bool, check: &mut Check<'_>) {
        if enable_ssl {
            self.validate_listener(check);
        }
        for (at, bundle) in self.ca_certs.0.iter().enumerate() {
            if !pairs::is_bundle(bundle) {
                let text =
                    format!("Error while adding {at} cert in CACerts to gorouter's cert pool");
                check.refuse_plainly(&format!("ca_certs[{at}]"), text);
            }
        }
        self.validate_client_cas(enable_ssl, check);
        self.domains.validate(check);
        if self.enable_verify_client_certificate_metadata {
            metadata::validate(
                &self.verify_client_certificate_metadata.0,
                &self.client_ca_certs,
                check,
            );
        }
    }

    fn validate_listener(&self, check: &mut Check<'_>) {
        if !["none", "request", "require"].contains(&self.client_cert_validation.as_str()) {
            check.refuse_plainly(
                "client_cert_validation",
                "router.client_cert_validation must be one of 'none', 'request' or 'require'.",
            );
        }
        if !["", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
            .contains(&self.min_tls_version.as_str())
        {
            check.refuse_plainly(
                "min_tls_version",
                r#"router.min_tls_version should be one of "", "TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1.0""#,
            );
        }
        if !["", "TLSv1.2", "TLSv1.3"].contains(&self.max_tls_version.as_str()) {
            check.refuse_plainly(
                "max_tls_version",
                r#"router.max_tls_version should be one of "TLSv1.2" or "TLSv1.3""#,
            );
        }
        if self.tls_pem.0.is_empty() {
            check.refuse_plainly(
                "tls_pem",
                "router.tls_pem must be provided if router.enable_ssl is set to true",
            );
        }
        for (at, pair) in self.tls_pem.0.iter().enumerate() {
            check.within(&format!("tls_pem[{at}]"), |check| pair.validate(check));
        }
        if let Err(text) = ciphers::check(&self.cipher_suites) {
            check.refuse_plainly("cipher_suites", text);
        }
    }

    fn validate_client_cas(&self, enable_ssl: bool, check: &mut Check<'_>) {
        let verified = ["request", "require"].contains(&self.client_cert_validation.as_str());
        let given = !self.client_ca_certs.is_empty();
        if self.only_trust_client_ca_certs && !given && enable_ssl && verified {
            check.refuse_plainly(
                "client_ca_certs",
                "router.client_ca_certs cannot be empty if router.only_trust_client_ca_certs is 'true' and \
                 router.client_cert_validation is set to 'request' or 'require'.",
            );
        }
        if given && !pairs::is_bundle(&self.client_ca_certs) {
            let bundle = &self.client_ca_certs;
            let text = format!(
                "Error while adding ClientCACerts to gorouter's client cert pool: \n{bundle}\n"
            );
            check.refuse_plainly("client_ca_certs", text);
        }
    }
}

impl Validate for TLSPem {
    fn validate(&self, check: &mut Check<'_>) {
        if self.cert_chain.is_empty() || self.private_key.is_empty() {
            check.refuse_plainly(
                "",
                "Error parsing PEM blocks of router.tls_pem, missing cert or key.",
            );
        } else if let Err(error) = pairs::check(&self.cert_chain, &self.private_key) {
            check.refuse_plainly("", format!("Error loading key pair: {error}"));
        }
    }
}
