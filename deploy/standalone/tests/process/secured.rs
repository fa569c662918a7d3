//! TLS as a file asks for it: towards NATS, and with clients.

use std::net::Ipv4Addr;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};

use crate::DELAY;
use crate::broker::Broker;
use crate::router::{Router, free_port, is_open, until};

/// An authority of the test's own.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as PEM.
struct Pair {
    chain: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no name is fine");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("keys can be made");
        Self(CertifiedIssuer::self_signed(params, key).expect("it can be signed"))
    }

    fn issue(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> Pair {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("the name is fine");
        params.extended_key_usages.push(purpose);
        let key = KeyPair::generate().expect("keys can be made");
        let chain = params.signed_by(&key, &self.0).expect("it can be signed");
        Pair {
            chain: chain.pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A broker that shows a certificate of this authority, and wants to see one of it.
fn broker(authority: &Authority, folder: &Path) -> Broker {
    let server = authority.issue("127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth);
    let file = |name: &str, pem: &str| {
        let path = folder.join(name);
        std::fs::write(&path, pem).expect("it can be written");
        path.display().to_string()
    };
    let (ca, cert, key) = (
        file("ca.pem", &authority.0.pem()),
        file("server.crt", &server.chain),
        file("server.key", &server.key),
    );
    let tls = [
        "--tlsverify",
        "--tlscacert",
        &ca,
        "--tlscert",
        &cert,
        "--tlskey",
        &key,
    ];
    Broker::start_with(&tls)
}

/// A PEM text as a block of a file.
fn block(pem: &str, margin: usize) -> String {
    let lines = pem.lines().map(|line| format!("{:margin$}{line}\n", ""));
    format!("|\n{}", lines.collect::<String>())
}

/// The keys of a file that reach this broker with this authority and this certificate.
fn keys(broker: &Broker, authority: &Authority, own: &Pair) -> String {
    let block = |pem: &str| block(pem, 4);
    let (host, port) = (Ipv4Addr::LOCALHOST, broker.port());
    format!(
        "nats:\n  hosts: [{{hostname: {host}, port: {port}}}]\n  tls_enabled: true\n  ca_certs: {}  cert_chain: {}  \
         private_key: {}",
        block(&authority.0.pem()),
        block(&own.chain),
        block(&own.key)
    )
}

/// C-074: the authorities and the certificate of the file are used, so that both sides know each other.
#[test]
fn nats_is_reached_over_mutual_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let broker = broker(&authority, folder.path());
    let own = authority.issue("router", ExtendedKeyUsagePurpose::ClientAuth);
    let mut router = Router::start(&(keys(&broker, &authority, &own) + DELAY));
    router.wait_until_healthy();
}

/// A broker of another authority is not believed, which ends the start as an unreachable one does.
#[test]
fn a_foreign_broker_is_not_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (authority, foreign) = (Authority::new(), Authority::new());
    let broker = broker(&foreign, folder.path());
    let own = foreign.issue("router", ExtendedKeyUsagePurpose::ClientAuth);
    let router = Router::start(&(keys(&broker, &authority, &own) + DELAY));
    let (status, log) = router.until_it_ends();
    assert_eq!(status, Some(1), "{log:#?}");
    let error = log
        .iter()
        .find(|line| line["message"] == "nats-connection-error")
        .map(|line| line["data"]["error"].to_string());
    let error = error.unwrap_or_default();
    assert!(error.contains("certificate"), "{error}");
}

/// C-451: after the drain wait, connections over TLS are refused too.
/// C-454: during the wait both ports take connections.
/// C-465: the status is 0.
#[test]
fn a_drain_ends_connections_over_tls_too() {
    let broker = Broker::start();
    let pair = Authority::new().issue("router.test", ExtendedKeyUsagePurpose::ServerAuth);
    let port = free_port();
    let file = format!(
        "{}{DELAY}drain_wait: 2s\nenable_ssl: true\nssl_port: {port}\nclient_cert_validation: none\n\
         cipher_suites: ECDHE-ECDSA-AES128-GCM-SHA256\ntls_pem:\n  - cert_chain: {}    private_key: {}",
        broker.nats(),
        block(&pair.chain, 6),
        block(&pair.key, 6),
    );
    let mut router = Router::start(&file);
    router.wait_until_healthy();
    let plain = router.traffic_port();
    assert!(is_open(plain) && is_open(port));
    router.signal("USR1");
    router.wait_for("gorouter-draining");
    assert!(is_open(plain) && is_open(port));
    router.wait_for("gorouter.stopping");
    until("neither port takes connections", || {
        !is_open(plain) && !is_open(port)
    });
    assert_eq!(router.until_it_ends().0, Some(0));
}
