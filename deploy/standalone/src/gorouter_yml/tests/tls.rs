//! TLS towards clients.

use super::certificates::{Pair, block, client_ca, expired, pair};
use super::{checked, refused, told};

const CIPHERS: &str = "ECDHE-RSA-AES128-GCM-SHA256";

/// A file that has TLS on, with further keys.
fn tls(pairs: &[&Pair], further: &str) -> String {
    let pems: Vec<_> = pairs
        .iter()
        .map(|pair| {
            let (chain, key) = (block(&pair.chain, 6), block(&pair.key, 6));
            format!("  - cert_chain: {chain}    private_key: {key}")
        })
        .collect();
    let pems = if pems.is_empty() {
        String::new()
    } else {
        format!("tls_pem:\n{}", pems.concat())
    };
    let mut text = format!("enable_ssl: true\n{pems}{further}\n");
    for (key, default) in [
        ("cipher_suites", CIPHERS),
        ("client_cert_validation", "none"),
    ] {
        if !further.contains(key) {
            text.push_str(&format!("{key}: {default}\n"));
        }
    }
    text
}

/// CF-074: without TLS its keys are not looked at.
#[test]
fn without_tls_its_keys_are_not_looked_at() {
    let text = "min_tls_version: bogus\ncipher_suites: potato\nclient_cert_validation: maybe\n";
    assert!(checked(text).is_empty());
}

/// CF-077: clients are asked for a certificate in three ways.
/// CF-078: any other way is refused, and so is none.
/// CF-079: the lowest version of TLS.
/// CF-080: the highest version of TLS.
#[test]
fn versions_and_ways_to_ask() {
    let good = pair("a.test");
    let told_of = |further: &str| checked(&tls(&[&good], further));
    for way in ["none", "request", "require"] {
        assert!(
            told_of(&format!("client_cert_validation: {way}")).is_empty(),
            "{way}"
        );
    }
    let ways = "router.client_cert_validation must be one of 'none', 'request' or 'require'.";
    assert_eq!(told_of("client_cert_validation: maybe"), [ways]);
    assert_eq!(told_of("client_cert_validation: ''"), [ways]);
    for versions in [
        "min_tls_version: TLSv1.1",
        "max_tls_version: TLSv1.3",
        "min_tls_version: ''\nmax_tls_version: ''",
    ] {
        assert!(told_of(versions).is_empty(), "{versions}");
    }
    assert_eq!(
        told_of("min_tls_version: fake"),
        [
            r#"router.min_tls_version should be one of "", "TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1.0""#
        ]
    );
    assert_eq!(
        told_of("max_tls_version: TLSv1.1"),
        [r#"router.max_tls_version should be one of "TLSv1.2" or "TLSv1.3""#]
    );
}

/// What could serve nobody stops the start, by name.
#[test]
fn a_listener_that_nobody_could_use_is_refused() {
    let good = pair("a.test");
    let protecting = |text: &str| -> Vec<String> {
        let refused = refused(text);
        assert_eq!(refused.problems().count(), 0, "{refused}");
        let keys = refused.protecting().map(|problem| problem.key.clone());
        keys.collect()
    };
    for (further, expected) in [
        (
            "min_tls_version: TLSv1.3\nmax_tls_version: TLSv1.2",
            "max_tls_version",
        ),
        ("min_tls_version: TLSv1.3", "max_tls_version"),
        (
            "cipher_suites: 'RC4-SHA:ECDHE-RSA-AES128-SHA'",
            "cipher_suites",
        ),
        ("cipher_suites: TLS_AES_128_GCM_SHA256", "cipher_suites"),
    ] {
        assert_eq!(protecting(&tls(&[&good], further)), [expected], "{further}");
    }
    let only_13 = "cipher_suites: RC4-SHA\nmin_tls_version: TLSv1.3\nmax_tls_version: TLSv1.3";
    assert!(checked(&tls(&[&good], only_13)).is_empty());
    let domains = format!(
        "domains:\n  - domain: '*.apps.identity'\n    ca_certs: {}",
        block(&client_ca(), 6)
    );
    assert_eq!(protecting(&domains), ["domains"]);
    assert!(checked(&tls(&[&good], &domains)).is_empty());
}

#[test]
fn domains_are_checked() {
    let ca = block(&client_ca(), 6);
    let domain = |domain: &str, further: &str| {
        format!("domains:\n  - domain: '{domain}'\n    ca_certs: {ca}{further}")
    };
    let good = pair("a.test");
    for further in [
        "",
        "    forwarded_client_cert: forward\n    xfcc_format: envoy\n",
        "    xfcc_format: raw\n",
    ] {
        let file = super::file(&tls(&[&good], &domain("*.apps.identity", further)));
        assert_eq!(file.frontend_tls.domains.0.len(), 1);
    }
    for (text, expected) in [
        (domain("a.*.b", ""), "\"a.*.b\" is neither a host"),
        (
            domain("a.b", "    xfcc_format: pem\n"),
            "\"pem\" is not known",
        ),
        (
            domain("a.b", "    forwarded_client_cert: x\n"),
            "\"x\" is not known",
        ),
        (
            "domains: [{domain: a.b}]".to_owned(),
            "holds no certificate",
        ),
    ] {
        let told = told(&text);
        assert!(told[0].contains(expected), "{told:?}");
    }
}

/// CF-083: several certificates are taken.
/// CF-084: among them those with ECDSA keys.
/// CF-085: there must be one, whole and usable.
#[test]
fn certificates() {
    // Keys of rcgen are ECDSA by default.
    let (first, second) = (pair("a.test"), pair("b.test"));
    assert!(checked(&tls(&[&first, &second], "")).is_empty());
    assert_eq!(
        told(&tls(&[], "")),
        ["router.tls_pem must be provided if router.enable_ssl is set to true"]
    );
    assert_eq!(
        told(&tls(&[], "tls_pem: [{cert_chain: x}]")),
        ["Error parsing PEM blocks of router.tls_pem, missing cert or key."]
    );
    let broken = Pair {
        chain: "x".to_owned(),
        key: first.key.clone(),
    };
    let told = told(&tls(&[&first, &broken], ""));
    assert_eq!(
        told,
        ["Error loading key pair: tls: failed to find any PEM data in certificate input"]
    );
    let refused = refused(&tls(&[&first, &broken], "")).to_string();
    assert!(
        refused.contains(": tls_pem[1]: Error loading key pair"),
        "{refused}"
    );
}

/// CF-086: an expired certificate is served on.
#[test]
fn dates_of_a_frontend_certificate_do_not_matter() {
    assert!(checked(&tls(&[&expired("a.test")], "")).is_empty());
}

/// CF-087: cipher suites by their OpenSSL names.
/// CF-088: cipher suites by their RFC names.
/// CF-089: one that nobody knows is refused with the known ones.
/// CF-090: none at all is refused.
#[test]
fn cipher_suites() {
    let good = pair("a.test");
    let told_of = |list: &str| checked(&tls(&[&good], &format!("cipher_suites: '{list}'")));
    for list in [
        "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:RC4-SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256",
        "AES128-SHA:TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    ] {
        assert!(told_of(list).is_empty(), "{list}");
    }
    for list in ["potato", "RC4-SHA: AES128-SHA", "rc4-sha"] {
        let told = told_of(list);
        assert!(
            told[0].starts_with("Invalid cipher string configuration: "),
            "{told:?}"
        );
        assert!(told[0].contains(", please choose from ["), "{told:?}");
    }
    assert_eq!(
        told_of(""),
        ["must specify list of cipher suite when ssl is enabled"]
    );
}

/// CF-082: CAs of endpoints are a list of bundles.
/// CF-092: clients may be trusted by the given CAs alone.
/// CF-093: and then there must be some.
#[test]
fn trusted_cas() {
    let (good, ca) = (pair("a.test"), client_ca());
    let both = format!(
        "ca_certs:\n  - {}  - {}",
        block(&good.chain, 4),
        block(&ca, 4)
    );
    assert!(checked(&both).is_empty());
    let second = format!("ca_certs:\n  - {}  - nothing\n", block(&good.chain, 4));
    assert_eq!(
        told(&second),
        ["Error while adding 1 cert in CACerts to gorouter's cert pool"]
    );
    let only = format!(
        "client_ca_certs: {}only_trust_client_ca_certs: true\nclient_cert_validation: require",
        block(&ca, 2)
    );
    assert!(checked(&tls(&[&good], &only)).is_empty());
    assert_eq!(
        told(&tls(
            &[&good],
            "only_trust_client_ca_certs: true\nclient_cert_validation: request"
        )),
        [
            "router.client_ca_certs cannot be empty if router.only_trust_client_ca_certs is 'true' and \
          router.client_cert_validation is set to 'request' or 'require'."
        ]
    );
    assert!(checked(&tls(&[&good], "only_trust_client_ca_certs: true")).is_empty());
    assert_eq!(
        told("client_ca_certs: x"),
        ["Error while adding ClientCACerts to gorouter's client cert pool: \nx\n"]
    );
}

/// CF-091: a rule about the subjects of a CA that is none of the client CAs is refused.
/// R-077: a rule never silently does nothing.
#[test]
fn rules_about_subjects() {
    let rule = |organization: &str| {
        format!(
            "\
enable_verify_client_certificate_metadata: true
verify_client_certificate_metadata:
  - issuer_in_chain:
      country: [XX]
      organization: [{organization}]
      common_name: Example Client CA
    valid_cert_subjects:
      - organization: [Example Org]
client_ca_certs: {}",
            block(&client_ca(), 2)
        )
    };
    assert!(checked(&rule("Example Org")).is_empty());
    assert_eq!(
        told(&rule("Another")),
        ["no CA certificate found for rule with ca subject CN=Example Client CA,O=Another,C=XX"]
    );
    let off = rule("Another").replace("metadata: true", "metadata: false");
    assert!(checked(&off).is_empty());
}
