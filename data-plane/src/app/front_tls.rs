//! The files of TLS towards clients.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use pointsman_process::tls::{
    Dates, Identity, Refused, Reloader, Source, Subject, Trust, Versions,
};
use rustls::SupportedCipherSuite;

use crate::listener::Listen;
use crate::settings::{
    CertFormat, ClientCerts, DomainName, ForwardedClientCert, IdentityDomain, SubjectRule,
    Verification,
};

/// TLS towards clients, with files that are reloaded when they change.
#[derive(Clone, Debug)]
pub struct FrontTls {
    /// Where clients connect to over TLS.
    pub listen: Vec<SocketAddr>,
    /// Chain and key of each certificate; the first is shown where no name matches.
    pub certificates: Vec<(PathBuf, PathBuf)>,
    /// Which versions are spoken.
    pub versions: Versions,
    /// The suites of TLS 1.2 that are offered; `None` for all that are good.
    pub cipher_suites: Option<Vec<SupportedCipherSuite>>,
    /// How clients are verified; `None`: they are not asked.
    pub clients: Option<ClientFiles>,
    /// Domains whose clients show who they are.
    pub domains: Vec<DomainFiles>,
}

/// How clients are verified.
#[derive(Clone, Debug)]
pub struct ClientFiles {
    /// Whether they must show a certificate.
    pub required: bool,
    /// Their authorities.
    pub ca: Vec<PathBuf>,
    /// Which subjects they may have.
    pub rules: Vec<SubjectRule>,
}

/// A domain whose clients show who they are.
#[derive(Clone, Debug)]
pub struct DomainFiles {
    /// Which hosts are in it.
    pub name: DomainName,
    /// The authorities of its clients.
    pub ca: Vec<PathBuf>,
    /// What becomes of `X-Forwarded-Client-Cert`.
    pub forwarded_client_cert: ForwardedClientCert,
    /// How a certificate is written there.
    pub format: CertFormat,
}

impl FrontTls {
    pub(super) fn listeners(&self) -> impl Iterator<Item = Listen> {
        self.listen.iter().copied().map(Listen::tls)
    }

    pub(super) fn load(self, reloader: &mut Reloader) -> Result<crate::FrontTls, Refused> {
        let certificates = self.certificates.iter().map(|(chain, key)| {
            // One that has expired is shown on: it is better than none, and clients say so.
            let (chain, key) = (Source::file(chain), Source::file(key));
            let identity = Identity::load(chain, key, Dates::Ignored)?;
            reloader.add(Arc::<Identity>::clone(&identity));
            Ok(identity)
        });
        let certificates = certificates.collect::<Result<_, Refused>>()?;
        let client_certs = match self.clients {
            None => ClientCerts::Ignored,
            Some(clients) => clients.load(reloader)?,
        };
        let domains = self.domains.into_iter().map(|domain| {
            Ok(IdentityDomain {
                trust: trust(&domain.ca, reloader)?,
                name: domain.name,
                forwarded_client_cert: domain.forwarded_client_cert,
                format: domain.format,
            })
        });
        Ok(crate::FrontTls {
            certificates,
            versions: self.versions,
            cipher_suites: self.cipher_suites,
            client_certs,
            domains: domains.collect::<Result<_, Refused>>()?,
        })
    }
}

impl ClientFiles {
    fn load(self, reloader: &mut Reloader) -> Result<ClientCerts, Refused> {
        let trust = trust(&self.ca, reloader)?;
        check_rules(&self.rules, &self.ca)?;
        let verification = Verification {
            trust,
            rules: self.rules,
        };
        Ok(if self.required {
            ClientCerts::Required(verification)
        } else {
            ClientCerts::Requested(verification)
        })
    }
}

/// A rule whose authority is none of those of clients would never apply, and that must not go unnoticed.
fn check_rules(rules: &[SubjectRule], files: &[PathBuf]) -> Result<(), Refused> {
    let mut subjects = Vec::new();
    for file in files {
        let certificates = Source::file(file).certificates()?;
        subjects.extend(
            certificates
                .iter()
                .filter_map(|each| Subject::of(each).ok()),
        );
    }
    match rules.iter().find(|rule| !subjects.contains(&rule.issuer)) {
        None => Ok(()),
        Some(rule) => Err(Refused {
            source: "tls.client_certificates.rules".to_owned(),
            why: format!("no authority of clients has the subject {}", rule.issuer),
        }),
    }
}

fn trust(files: &[PathBuf], reloader: &mut Reloader) -> Result<Arc<Trust>, Refused> {
    let trust = Trust::load(files.iter().map(Source::file).collect())?;
    reloader.add(Arc::<Trust>::clone(&trust));
    Ok(trust)
}
