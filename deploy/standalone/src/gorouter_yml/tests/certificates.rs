//! Throw-away certificates for files.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// A chain and its key, as PEM.
pub(super) struct Pair {
    pub(super) chain: String,
    pub(super) key: String,
}

/// A certificate for a name, signed by itself.
pub(super) fn pair(name: &str) -> Pair {
    let params = CertificateParams::new(vec![name.to_owned()]).expect("the name is fine");
    signed(&params)
}

/// One that has long expired.
pub(super) fn expired(name: &str) -> Pair {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("the name is fine");
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    signed(&params)
}

fn signed(params: &CertificateParams) -> Pair {
    let key = KeyPair::generate().expect("keys can be made");
    let chain = params.self_signed(&key).expect("it can be signed").pem();
    Pair {
        chain,
        key: key.serialize_pem(),
    }
}

/// A CA with the subject `C=XX, O=Example Org, CN=Example Client CA`.
pub(super) fn client_ca() -> String {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no name is fine");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "XX");
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Example Org");
    params
        .distinguished_name
        .push(DnType::CommonName, "Example Client CA");
    let key = KeyPair::generate().expect("keys can be made");
    CertifiedIssuer::self_signed(params, key)
        .expect("it can be signed")
        .pem()
}

/// A PEM text as a value of the file: a block under its key, indented by `indent`.
pub(super) fn block(pem: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let lines: Vec<_> = pem
        .trim_end()
        .lines()
        .map(|line| format!("{margin}{line}"))
        .collect();
    format!("|\n{}\n", lines.join("\n"))
}
