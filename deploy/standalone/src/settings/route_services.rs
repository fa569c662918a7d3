//! The route services of a `gorouter.yml`.

use pointsman_data_plane::{
    AddressRules, AllowList, BadEntry, Believed, RouteServices, ServiceTls, Signer, Upstream,
};
use pointsman_process::tls::{Dates, Identity, Refused, Source, Versions};

use super::front_tls;
use crate::gorouter_yml::GorouterYml;

/// Everything about route services, as Gorouter has it: services have any address, and what is not TLS is not refused.
///
/// # Errors
///
/// When the certificate that is shown to services cannot be used, which was found when the file was checked.
pub(super) fn route_services(
    file: &GorouterYml,
    upstream: &Upstream,
) -> Result<RouteServices, Refused> {
    let group = &file.route_services;
    let map = &group.route_services;
    let life = group.route_services_timeout.or_zero();
    let decrypt_only = group.route_services_secret_decrypt_only.expose();
    Ok(RouteServices {
        signer: Signer::new(
            group.route_services_secret.expose(),
            Some(decrypt_only),
            life,
        ),
        recommend_https: group.route_services_recommend_https,
        strict_signatures: map.strict_signature_validation,
        bind_path: false,
        // The entries were checked with the file.
        hairpinning: hosts(file).unwrap_or_default(),
        // What is not above zero is no attempt at all (CF-115).
        attempts: u32::try_from(map.max_attempts.max(0)).unwrap_or(u32::MAX),
        websockets: map.enable_websockets,
        plain_http: true,
        addresses: AddressRules::open(),
        tls: ServiceTls {
            servers: match &upstream.tls {
                _ if file.backends.skip_ssl_validation => Believed::Everybody,
                Some(tls) => Believed::Certified(tls.trust.clone()),
                None => Believed::Nobody,
            },
            identity: match pair(file) {
                Some((chain, key)) => Some(Identity::load(chain, key, Dates::Ignored)?),
                None => None,
            },
            versions: versions(file),
        },
    })
}

/// Which services are reached within the process; an empty list is all of them.
fn hosts(file: &GorouterYml) -> Result<Option<AllowList>, BadEntry> {
    let group = &file.route_services;
    let listed = &group.route_services_hairpinning_allowlist.0;
    if !group.route_services_hairpinning {
        return Ok(None);
    }
    if listed.is_empty() {
        return Ok(Some(AllowList::All));
    }
    AllowList::parse(listed.iter().map(String::as_str)).map(Some)
}

/// The certificate that services are shown, where both halves are given.
fn pair(file: &GorouterYml) -> Option<(Source, Source)> {
    let map = &file.route_services.route_services;
    let both = !map.cert_chain.is_empty() && !map.private_key.is_empty();
    both.then(|| {
        (
            Source::inline("route_services.cert_chain", map.cert_chain.as_str()),
            Source::inline("route_services.private_key", map.private_key.expose()),
        )
    })
}

/// The versions of the listener, which are 1.2 alone where there is none (D-609, D-610).
fn versions(file: &GorouterYml) -> Versions {
    if file.process.enable_ssl {
        front_tls::versions(&file.frontend_tls)
    } else {
        Versions::Tls12
    }
}

#[cfg(test)]
mod tests {
    use super::super::data_plane;
    use super::*;
    use crate::gorouter_yml::parse;

    fn told(text: &str) -> RouteServices {
        let file = parse("g.yml", text).expect("it is accepted").file;
        data_plane(&file)
            .expect("nothing can be wrong")
            .route_services
    }

    /// D-605: the switches of a file are those of the proxy.
    /// CF-115: without attempts there is none.
    #[test]
    fn route_services_are_gorouters() {
        let defaults = told("");
        assert!(defaults.signer.is_none() && defaults.hairpinning.is_none());
        assert!(!defaults.recommend_https && !defaults.strict_signatures);
        assert!(!defaults.websockets && !defaults.bind_path && defaults.plain_http);
        assert_eq!(defaults.attempts, 0);
        assert_eq!(defaults.tls.versions, Versions::Tls12);
        assert!(defaults.addresses.permit([169, 254, 169, 254].into()));
        assert!(
            told("route_services_secret_decrypt_only: old")
                .signer
                .is_none()
        );
        let text = "\
route_services_secret: new
route_services_secret_decrypt_only: old
route_services_recommend_https: true
route_services_hairpinning: true
route_services: {max_attempts: 5, strict_signature_validation: true, enable_websockets: true}
skip_ssl_validation: true
";
        let given = told(text);
        assert!(given.signer.is_some() && given.recommend_https);
        assert!(given.strict_signatures && given.websockets);
        assert_eq!(given.attempts, 5);
        assert_eq!(given.hairpinning, Some(AllowList::All));
        assert!(matches!(given.tls.servers, Believed::Everybody));
        let listed = "route_services_hairpinning: true\n\
                      route_services_hairpinning_allowlist: ['*.rs.example']";
        let listed = told(listed).hairpinning.expect("it is on");
        assert!(listed.permits("a.rs.example") && !listed.permits("rs.example"));
        let off = told("route_services_hairpinning_allowlist: ['*.rs.example']");
        assert!(off.hairpinning.is_none());
        assert_eq!(told("route_services: {max_attempts: -1}").attempts, 0);
    }
}
