//! Certificates for the tests, made when they are needed and never written into the tree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_RSA_SHA256, RsaKeySize, SanType, date_time_ymd,
};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::install_crypto_provider;

/// A certificate authority of the test's own.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// An identity in files, for configurations that name files.
#[derive(Clone, Debug)]
pub struct Files {
    /// The file of the certificate.
    pub certificate: PathBuf,
    /// The file of the private key.
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority with a key of its own.
    ///
    /// # Panics
    ///
    /// When the crypto library refuses, which it has no reason to.
    #[must_use]
    pub fn new(name: &str) -> Self {
        install_crypto_provider();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params
            .self_signed(&key)
            .expect("a certificate of its own")
            .pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// The authority's certificate, as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server with these names: addresses as addresses, the rest as DNS names.
    #[must_use]
    pub fn server(&self, names: &[&str]) -> Identity {
        self.issue(names, ExtendedKeyUsagePurpose::ServerAuth, |_| {})
    }

    /// A certificate for a client with these names: what has `://` in it becomes a URI.
    #[must_use]
    pub fn client(&self, names: &[&str]) -> Identity {
        self.issue(names, ExtendedKeyUsagePurpose::ClientAuth, |_| {})
    }

    /// A certificate for a server whose key is an RSA one.
    ///
    /// # Panics
    ///
    /// When the crypto library refuses, which it has no reason to.
    #[must_use]
    pub fn rsa_server(&self, names: &[&str]) -> Identity {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
        self.sign(names, ExtendedKeyUsagePurpose::ServerAuth, |_| {}, &key)
    }

    /// A certificate for a client with a common name and up to two organizational units.
    #[must_use]
    pub fn client_of(&self, common_name: &str, units: &[&str]) -> Identity {
        self.issue(
            &[common_name],
            ExtendedKeyUsagePurpose::ClientAuth,
            |params| {
                // A name holds each kind of part once; of this kind there are two spellings.
                let kinds = [
                    DnType::OrganizationalUnitName,
                    DnType::CustomDnType(vec![2, 5, 4, 11]),
                ];
                assert!(units.len() <= kinds.len(), "too many units");
                for (kind, unit) in kinds.into_iter().zip(units) {
                    params.distinguished_name.push(kind, *unit);
                }
            },
        )
    }

    /// A certificate for a client that was good until 2001.
    #[must_use]
    pub fn expired_client(&self, names: &[&str]) -> Identity {
        self.issue(names, ExtendedKeyUsagePurpose::ClientAuth, expired)
    }

    /// Another authority, which this one has signed.
    ///
    /// # Panics
    ///
    /// When the crypto library refuses, which it has no reason to.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params
            .signed_by(&key, &self.issuer)
            .expect("a signed certificate")
            .pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for a server that was good until 2001.
    #[must_use]
    pub fn expired_server(&self, names: &[&str]) -> Identity {
        self.issue(names, ExtendedKeyUsagePurpose::ServerAuth, expired)
    }

    /// Writes the authority's certificate as `NAME.pem` into `folder`.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    #[must_use]
    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        write(folder.join(format!("{name}.pem")), &self.pem)
    }

    /// What a client needs to believe this authority and nobody else.
    ///
    /// # Panics
    ///
    /// When the crypto library refuses, which it has no reason to.
    #[must_use]
    pub fn client_config(&self, identity: Option<&Identity>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(der(&self.pem)).expect("an authority");
        let builder = ClientConfig::builder().with_root_certificates(roots);
        Arc::new(match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(chain(&identity.certificate), identity.key_der())
                .expect("a key that fits its certificate"),
        })
    }

    fn issue(
        &self,
        names: &[&str],
        purpose: ExtendedKeyUsagePurpose,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let key = KeyPair::generate().expect("a key");
        self.sign(names, purpose, change, &key)
    }

    fn sign(
        &self,
        names: &[&str],
        purpose: ExtendedKeyUsagePurpose,
        change: impl FnOnce(&mut CertificateParams),
        key: &KeyPair,
    ) -> Identity {
        let mut params = CertificateParams::default();
        let common_name = names.first().copied().unwrap_or("nobody");
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.subject_alt_names = names.iter().map(|name| subject(name)).collect();
        params.extended_key_usages.push(purpose);
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        let certificate = params
            .signed_by(key, &self.issuer)
            .expect("a signed certificate");
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Identity {
    /// The same with the certificate of `authority` behind it, for peers that know only whoever signed that one.
    #[must_use]
    pub fn with_chain(&self, authority: &Authority) -> Self {
        Self {
            certificate: format!("{}{}", self.certificate, authority.pem),
            key: self.key.clone(),
        }
    }

    /// The certificate in the form in which it is sent.
    #[must_use]
    pub fn der(&self) -> CertificateDer<'static> {
        der(&self.certificate)
    }

    /// Writes both parts as `NAME.crt` and `NAME.key` into `folder`.
    ///
    /// # Panics
    ///
    /// When a file cannot be written.
    #[must_use]
    pub fn write(&self, folder: &Path, name: &str) -> Files {
        Files {
            certificate: write(folder.join(format!("{name}.crt")), &self.certificate),
            key: write(folder.join(format!("{name}.key")), &self.key),
        }
    }

    /// What a server needs to show this identity; with an authority, clients must show one of its certificates.
    ///
    /// # Panics
    ///
    /// When the crypto library refuses, which it has no reason to.
    #[must_use]
    pub fn server_config(&self, clients: Option<&Authority>) -> Arc<ServerConfig> {
        install_crypto_provider();
        let builder = match clients {
            None => ServerConfig::builder().with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(der(&authority.pem)).expect("an authority");
                let verifier = rustls::server::WebPkiClientVerifier::builder(Arc::new(roots));
                let verifier = verifier.build().expect("a verifier");
                ServerConfig::builder().with_client_cert_verifier(verifier)
            }
        };
        let config = builder.with_single_cert(chain(&self.certificate), self.key_der());
        Arc::new(config.expect("a key that fits its certificate"))
    }

    /// The same for a server that speaks these versions of TLS only.
    ///
    /// # Panics
    ///
    /// When the crypto library refuses, which it has no reason to.
    #[must_use]
    pub fn server_config_of(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        install_crypto_provider();
        let builder = ServerConfig::builder_with_protocol_versions(versions).with_no_client_auth();
        let config = builder.with_single_cert(vec![der(&self.certificate)], self.key_der());
        Arc::new(config.expect("a key that fits its certificate"))
    }

    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a private key")
    }
}

fn expired(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2001, 1, 1);
}

fn chain(pem: &str) -> Vec<CertificateDer<'static>> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    certificates
        .map(|each| each.expect("a certificate"))
        .collect()
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

fn subject(name: &str) -> SanType {
    if let Ok(address) = name.parse() {
        SanType::IpAddress(address)
    } else if name.contains("://") {
        SanType::URI(name.try_into().expect("a URI"))
    } else {
        SanType::DnsName(name.try_into().expect("a DNS name"))
    }
}

fn write(path: PathBuf, text: &str) -> PathBuf {
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}
