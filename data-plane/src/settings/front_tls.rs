//! TLS towards clients.

use std::fmt;
use std::sync::Arc;

use pointsman_process::tls::{Identity, Subject, Trust, Versions};
use rustls::SupportedCipherSuite;

use super::ForwardedClientCert;

/// What the TLS listeners are told.
#[derive(Debug, Default)]
pub struct FrontTls {
    /// The certificates; the first is shown where no name matches.
    pub certificates: Vec<Arc<Identity>>,
    /// Which versions are spoken.
    pub versions: Versions,
    /// The suites of TLS 1.2 that are offered; `None` for all that are good.
    pub cipher_suites: Option<Vec<SupportedCipherSuite>>,
    /// Whether clients have to show a certificate.
    pub client_certs: ClientCerts,
    /// Domains whose clients have to, whatever the above says.
    pub domains: Vec<IdentityDomain>,
}

/// Whether a client is asked for a certificate (D-020 to D-032).
#[derive(Clone, Debug, Default)]
pub enum ClientCerts {
    /// It is not asked; what it sends anyway is not looked at.
    #[default]
    Ignored,
    /// It is asked, and what it shows is verified.
    Requested(Verification),
    /// It must show one.
    Required(Verification),
}

/// What a client's certificate is verified with.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The authorities of clients.
    pub trust: Arc<Trust>,
    /// Which subjects they may have.
    pub rules: Vec<SubjectRule>,
}

/// Which subjects certificates below one authority may have (D-025 to D-028).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectRule {
    /// The authority's subject.
    pub issuer: Subject,
    /// The subjects.
    pub subjects: Vec<Subject>,
}

/// A domain that is served only to clients with a certificate of its own authorities (D-643 to D-649).
#[derive(Clone, Debug)]
pub struct IdentityDomain {
    /// Which hosts are in it.
    pub name: DomainName,
    /// The authorities of its clients.
    pub trust: Arc<Trust>,
    /// What becomes of `X-Forwarded-Client-Cert`.
    pub forwarded_client_cert: ForwardedClientCert,
    /// How a certificate is written there.
    pub format: CertFormat,
}

/// How a certificate is written into `X-Forwarded-Client-Cert`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertFormat {
    /// The whole certificate, in base64.
    #[default]
    Raw,
    /// Its digest and subject, as Envoy writes them.
    Envoy,
}

/// A host, or all hosts with one more label before a suffix.
#[derive(Clone, PartialEq, Eq)]
pub struct DomainName {
    /// In lower case; of a wildcard what follows the `*`, with its dot.
    name: Box<str>,
    wildcard: bool,
}

impl DomainName {
    /// Reads `host` or `*.suffix`; `None` where it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, wildcard) = match text.strip_prefix('*') {
            Some(suffix) => (suffix, true),
            None => (text, false),
        };
        let labels = if wildcard {
            name.strip_prefix('.')?
        } else {
            name
        };
        let sound = |label: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            !label.is_empty() && label.len() <= 63 && label.bytes().all(known)
        };
        (labels.len() <= 253 && labels.split('.').all(sound)).then(|| Self {
            name: name.to_ascii_lowercase().into(),
            wildcard,
        })
    }

    /// Whether it has a `*`.
    #[must_use]
    pub const fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    /// Whether a host, without its port, is in it. A dot at the end is not looked at.
    #[must_use]
    pub fn matches(&self, host: &[u8]) -> bool {
        let host = host.strip_suffix(b".").unwrap_or(host);
        let name = self.name.as_bytes();
        if !self.wildcard {
            return host.eq_ignore_ascii_case(name);
        }
        let label = host.len().checked_sub(name.len());
        label
            .and_then(|length| host.split_at_checked(length))
            .is_some_and(|(label, rest)| {
                !label.is_empty() && !label.contains(&b'.') && rest.eq_ignore_ascii_case(name)
            })
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.wildcard { "*" } else { "" };
        write!(f, "{star}{}", self.name)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_one_host_or_all_with_one_more_label() {
        for (domain, host, expected) in [
            ("apps.identity", "apps.identity", true),
            ("apps.identity", "Apps.Identity.", true),
            ("apps.identity", "a.apps.identity", false),
            ("*.apps.identity", "a.apps.identity", true),
            ("*.Apps.Identity", "A.APPS.identity.", true),
            ("*.apps.identity", "apps.identity", false),
            ("*.apps.identity", ".apps.identity", false),
            ("*.apps.identity", "a.b.apps.identity", false),
            ("*.apps.identity", "apps.identity.example", false),
            ("*.apps.identity", "aapps.identity", false),
        ] {
            let domain = DomainName::parse(domain).expect("a domain");
            assert_eq!(domain.matches(host.as_bytes()), expected, "{domain} {host}");
        }
    }

    #[test]
    fn what_is_no_domain_is_not_taken_for_one() {
        for text in [
            "", "*", "*.", "a.*.b", "*a.b", "a..b", ".a", "a.", "a:80", "a b", "**.a",
        ] {
            assert_eq!(DomainName::parse(text), None, "{text}");
        }
    }
}
