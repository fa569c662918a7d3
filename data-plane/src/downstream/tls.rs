//! Clients over TLS: which certificate they are shown, which they have to show, and the handshake until there is a
//! connection as any other.

mod certificates;
mod clients;
mod hello;
mod rules;
mod shown;
mod tickets;
mod welcome;

use std::sync::Arc;

use pointsman_process::tls::{Trust, Versions, provider};
use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::{Error, ServerConfig};

use super::http2;
use crate::settings::{
    CertFormat, ClientCerts, DomainName, ForwardedClientCert, FrontTls, Verification,
};

use certificates::Certificates;
use clients::Clients;
use tickets::Tickets;
pub(crate) use welcome::serve;

/// The protocol that is always offered (RFC 7301).
const HTTP1: &[u8] = b"http/1.1";

/// What of an answer may wait, encrypted, for a client that takes nothing (L-10): with what waits before it, it stays
/// below the bound of one stream.
const UNSENT_MOST: usize = 32 * 1024;

/// TLS towards clients, for all workers.
#[derive(Debug)]
pub(crate) struct Front {
    everyone: Policy,
    domains: Vec<Domain>,
}

/// Whom a handshake lets in.
#[derive(Debug)]
struct Policy {
    config: Arc<ServerConfig>,
    /// The same without HTTP/2, for while an operator has disabled that.
    without_http2: Arc<ServerConfig>,
    /// Who looks at what clients show, where they are asked.
    clients: Option<Arc<Clients>>,
}

/// Names an identity domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DomainIndex(usize);

/// An identity domain.
#[derive(Debug)]
struct Domain {
    name: DomainName,
    policy: Policy,
    mode: ForwardedClientCert,
    format: CertFormat,
}

impl Front {
    /// What the settings say.
    ///
    /// # Errors
    /// The crypto library refuses them, as where no version of TLS has a cipher suite.
    /// With `http2`, that is offered before HTTP/1.1 (D-004).
    pub(crate) fn new(settings: FrontTls, http2: bool) -> Result<Self, Error> {
        let FrontTls {
            certificates,
            versions,
            cipher_suites,
            client_certs,
            domains,
        } = settings;
        let mut offered = CryptoProvider::clone(&provider());
        if let Some(suites) = cipher_suites {
            offered
                .cipher_suites
                .retain(|suite| suite.tls13().is_some() || suites.contains(suite));
        }
        let forge = Forge {
            provider: Arc::new(offered),
            versions,
            certificates: Arc::new(Certificates::new(certificates)),
            http2,
        };
        let verifier = |verification: Verification, mandatory| {
            let Verification { trust, rules } = verification;
            Arc::new(Clients::new(trust, rules, mandatory))
        };
        let clients = match client_certs {
            ClientCerts::Ignored => None,
            ClientCerts::Requested(verification) => Some(verifier(verification, false)),
            ClientCerts::Required(verification) => Some(verifier(verification, true)),
        };
        let everyone = forge.policy(clients)?;
        let mut domains = domains
            .into_iter()
            .map(|domain| {
                let rules = Vec::new();
                let trust = domain.trust;
                let clients = verifier(Verification { trust, rules }, true);
                Ok(Domain {
                    name: domain.name,
                    policy: forge.policy(Some(clients))?,
                    mode: domain.forwarded_client_cert,
                    format: domain.format,
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        // One host comes before all hosts with one more label.
        domains.sort_by_key(|domain| domain.name.is_wildcard());
        Ok(Self { everyone, domains })
    }

    /// Whether some hosts are only for clients who have shown who they are.
    pub(crate) fn has_domains(&self) -> bool {
        !self.domains.is_empty()
    }

    /// The identity domain that a host, without its port, is in.
    pub(crate) fn domain_of(&self, host: &[u8]) -> Option<DomainIndex> {
        let found = self
            .domains
            .iter()
            .position(|domain| domain.name.matches(host));
        found.map(DomainIndex)
    }

    fn policy(&self, domain: Option<DomainIndex>) -> &Policy {
        self.domain(domain)
            .map_or(&self.everyone, |domain| &domain.policy)
    }

    fn domain(&self, index: Option<DomainIndex>) -> Option<&Domain> {
        self.domains.get(index?.0)
    }
}

/// What all policies of a listener share.
struct Forge {
    provider: Arc<CryptoProvider>,
    versions: Versions,
    certificates: Arc<dyn ResolvesServerCert>,
    http2: bool,
}

impl Forge {
    fn policy(&self, clients: Option<Arc<Clients>>) -> Result<Policy, Error> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder = builder.with_protocol_versions(&self.versions.list())?;
        let builder = match &clients {
            Some(clients) => {
                let clients: Arc<dyn ClientCertVerifier> = Arc::<Clients>::clone(clients);
                builder.with_client_cert_verifier(clients)
            }
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(&self.certificates));
        config.alpn_protocols = if self.http2 {
            vec![http2::ALPN.to_vec(), HTTP1.to_vec()]
        } else {
            vec![HTTP1.to_vec()]
        };
        config.ignore_client_order = true;
        // What a session was is in its ticket, or nowhere.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        let trust = clients
            .as_ref()
            .map(|clients| Arc::<Trust>::clone(clients.trust()));
        config.ticketer = Arc::new(Tickets::new(trust)?);
        config.send_tls13_tickets = 1;
        let mut without_http2 = config.clone();
        without_http2.alpn_protocols = vec![HTTP1.to_vec()];
        Ok(Policy {
            config: Arc::new(config),
            without_http2: Arc::new(without_http2),
            clients,
        })
    }
}
