//! TLS towards clients of a `gorouter.yml`.

use pointsman_data_plane::{
    CertFormat, ClientCerts, DomainName, FrontTls, IdentityDomain, SubjectRule, Verification,
};
use pointsman_process::tls::{Dates, Identity, Refused, Source, Trust, Versions, cipher_suite};
use rustls::SupportedCipherSuite;

use super::data_plane::forwarded_client_cert;
use crate::gorouter_yml::GorouterYml;
use crate::gorouter_yml::frontend_tls::{FrontendTls, MtlsDomain};

/// What the TLS listener is told; `None` where there is none.
///
/// # Errors
///
/// When a certificate or a CA cannot be used; most of that was found when the file was checked.
pub(super) fn front_tls(file: &GorouterYml) -> Result<Option<FrontTls>, Refused> {
    let group = &file.frontend_tls;
    if !file.process.enable_ssl {
        return Ok(None);
    }
    let pairs = group.tls_pem.0.iter().enumerate();
    let certificates = pairs.map(|(at, pair)| {
        let chain = Source::inline(format!("tls_pem[{at}].cert_chain"), &pair.cert_chain);
        let key = Source::inline(
            format!("tls_pem[{at}].private_key"),
            pair.private_key.expose(),
        );
        Identity::load(chain, key, Dates::Ignored)
    });
    let domains = group.domains.0.iter().enumerate();
    let domains = domains.map(|(at, given)| domain(at, given));
    Ok(Some(FrontTls {
        certificates: certificates.collect::<Result<_, _>>()?,
        versions: versions(group),
        cipher_suites: Some(suites(group)),
        client_certs: client_certs(group)?,
        domains: domains.collect::<Result<Vec<_>, _>>()?,
    }))
}

/// The versions of a file. The lowest ones that it may name are not spoken any more; a file whose lowest is above its
/// highest was not accepted.
pub(super) fn versions(group: &FrontendTls) -> Versions {
    match (
        group.min_tls_version.as_str(),
        group.max_tls_version.as_str(),
    ) {
        ("TLSv1.3", _) => Versions::Tls13,
        (_, "TLSv1.3") => Versions::Tls12AndTls13,
        _ => Versions::Tls12,
    }
}

/// The suites of a file that can be offered.
fn suites(group: &FrontendTls) -> Vec<SupportedCipherSuite> {
    let names = group.cipher_suites.split(':');
    names.filter_map(cipher_suite).collect()
}

fn client_certs(group: &FrontendTls) -> Result<ClientCerts, Refused> {
    let required = match group.client_cert_validation.as_str() {
        "request" => false,
        "require" => true,
        // The only other word that is accepted.
        _ => return Ok(ClientCerts::Ignored),
    };
    let mut sources = Vec::new();
    if !group.only_trust_client_ca_certs && !Source::System.certificates()?.is_empty() {
        sources.push(Source::System);
    }
    if !group.client_ca_certs.is_empty() {
        sources.push(Source::inline("client_ca_certs", &group.client_ca_certs));
    }
    if sources.is_empty() && !required {
        // Nobody could be verified, so nobody needs to be asked: a certificate that is not asked for counts for nothing.
        return Ok(ClientCerts::Ignored);
    }
    let rules = &group.verify_client_certificate_metadata.0;
    let rules = rules.iter().map(|rule| SubjectRule {
        issuer: (&rule.issuer_in_chain).into(),
        subjects: rule.valid_cert_subjects.iter().map(Into::into).collect(),
    });
    let verification = Verification {
        trust: Trust::load(sources)?,
        rules: if group.enable_verify_client_certificate_metadata {
            rules.collect()
        } else {
            Vec::new()
        },
    };
    Ok(if required {
        ClientCerts::Required(verification)
    } else {
        ClientCerts::Requested(verification)
    })
}

fn domain(at: usize, given: &MtlsDomain) -> Result<IdentityDomain, Refused> {
    let key = format!("domains[{at}].ca_certs");
    let trust = Trust::load(vec![Source::inline(key, &given.ca_certs)])?;
    let name = DomainName::parse(&given.domain).ok_or_else(|| Refused {
        source: format!("domains[{at}].domain"),
        why: "is no domain".to_owned(),
    })?;
    Ok(IdentityDomain {
        name,
        trust,
        forwarded_client_cert: forwarded_client_cert(given.forwarded_client_cert()),
        format: match given.xfcc_format.as_str() {
            "envoy" => CertFormat::Envoy,
            // The only other word that is accepted.
            _ => CertFormat::Raw,
        },
    })
}
