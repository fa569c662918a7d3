//! TLS towards clients, as a file says it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::DELAY;
use crate::broker::Broker;
use crate::instance::Instance;
use crate::router::{Router, get};

const HOST: &str = "app.example.com";

struct Ca(CertifiedIssuer<'static, KeyPair>);

struct Pair {
    chain: String,
    key: String,
}

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a CA"))
    }

    fn sign(&self, name: &str, purpose: ExtendedKeyUsagePurpose, expired: bool) -> Pair {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages.push(purpose);
        if expired {
            params.not_before = rcgen::date_time_ymd(2000, 1, 1);
            params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &self.0).expect("a certificate");
        Pair {
            chain: leaf.pem(),
            key: key.serialize_pem(),
        }
    }

    fn client(&self, name: &str) -> Pair {
        self.sign(name, ExtendedKeyUsagePurpose::ClientAuth, false)
    }

    /// A client that believes this CA, and shows this certificate where it is asked.
    fn config(&self, shown: Option<&Pair>) -> Arc<ClientConfig> {
        pointsman_process::tls::install_provider();
        let mut roots = RootCertStore::empty();
        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM");
        roots.add(der(&self.0.pem())).expect("a CA");
        let builder = ClientConfig::builder().with_root_certificates(roots);
        Arc::new(match shown {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("PEM");
                let config = builder.with_client_auth_cert(vec![der(&pair.chain)], key);
                config.expect("a key that fits")
            }
        })
    }
}

/// The answer to one request; empty where the client is not let in.
fn get_tls(port: u16, config: &Arc<ClientConfig>) -> String {
    let name = ServerName::try_from(HOST).expect("a name");
    let session = ClientConnection::new(Arc::clone(config), name).expect("a session");
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
    let mut stream = StreamOwned::new(session, socket);
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    if stream.write_all(request.as_bytes()).is_ok() {
        // What came before the connection broke is the answer.
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}

/// What a client agrees on that offers HTTP/2 before HTTP/1.1, and the first byte of what it is answered over HTTP/2:
/// 0x88 is a 200 (RFC 7541, appendix A).
fn agree(port: u16, config: &Arc<ClientConfig>) -> (Option<Vec<u8>>, Option<u8>) {
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(HOST).expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
    let mut stream = StreamOwned::new(session, socket);
    stream.flush().expect("a handshake");
    while stream.conn.is_handshaking() {
        stream
            .conn
            .complete_io(&mut stream.sock)
            .expect("a handshake");
    }
    let agreed = stream.conn.alpn_protocol().map(<[u8]>::to_vec);
    if agreed.as_deref() != Some(b"h2") {
        return (agreed, None);
    }
    // `GET`, `https` and `/` by their places in the static table, and the host behind the place of its name.
    let mut block = vec![
        0x82,
        0x87,
        0x84,
        0x01,
        u8::try_from(HOST.len()).expect("short"),
    ];
    block.extend(HOST.as_bytes());
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    bytes.extend([
        0,
        0,
        u8::try_from(block.len()).expect("short"),
        1,
        5,
        0,
        0,
        0,
        1,
    ]);
    bytes.extend(block);
    stream.write_all(&bytes).expect("a request");
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).expect("a length")];
        stream.read_exact(&mut payload).expect("a frame");
        if head[3] == 1 {
            return (agreed, payload.first().copied());
        }
    }
}

fn block(pem: &str, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let lines: Vec<_> = pem
        .trim_end()
        .lines()
        .map(|line| format!("{margin}{line}"))
        .collect();
    format!("|\n{}\n", lines.join("\n"))
}

/// A file that speaks TLS with this certificate.
fn speaks_tls(pair: &Pair, further: &str) -> String {
    format!(
        "{DELAY}enable_ssl: true
ssl_port: 0
tls_pem:
  - cert_chain: {}    private_key: {}cipher_suites: ECDHE-ECDSA-AES128-GCM-SHA256
{further}",
        block(&pair.chain, 6),
        block(&pair.key, 6)
    )
}

/// Starts a router before an instance.
fn start(broker: &Broker, instance: &Instance, file: &str) -> Router {
    let mut router = Router::start(&(broker.nats() + file));
    router.wait_for("subscriber-started");
    broker.register(HOST, instance.port());
    router.wait_until_healthy();
    router
}

/// D-004: HTTP/2 is spoken with clients over TLS that offer it, unless the file says otherwise.
#[test]
fn http_2_is_spoken_as_the_file_says() {
    let (broker, instance) = (Broker::start(), Instance::start());
    let server = Ca::new("server");
    let pair = server.sign(HOST, ExtendedKeyUsagePurpose::ServerAuth, false);
    for (further, expected) in [
        ("", (Some(b"h2".to_vec()), Some(0x88))),
        ("enable_http2: false\n", (Some(b"http/1.1".to_vec()), None)),
    ] {
        let further = format!("client_cert_validation: none\n{further}");
        let mut router = start(&broker, &instance, &speaks_tls(&pair, &further));
        let port = router.tls_port();
        assert_eq!(agree(port, &server.config(None)), expected, "{further}");
    }
}

/// D-001: without a listener in clear text there is TLS alone.
/// D-013: a client of a CA of `ca_certs` is let in by a file of a deployment, where it is one of `client_ca_certs` too.
/// D-029: so is one of a CA of `client_ca_certs`.
/// D-030: and one of both.
/// CF-077: a certificate may be required.
/// CF-094: other CAs may be trusted beside those of the file.
#[test]
fn clients_of_the_given_authorities_are_let_in() {
    let (broker, instance) = (Broker::start(), Instance::start());
    let (server, one, two) = (Ca::new("server"), Ca::new("one"), Ca::new("two"));
    let pair = server.sign(HOST, ExtendedKeyUsagePurpose::ServerAuth, false);
    let both = format!("{}{}", one.0.pem(), two.0.pem());
    let further = format!(
        "disable_http: true
client_cert_validation: require
ca_certs:
  - {}client_ca_certs: {}",
        block(&one.0.pem(), 4),
        block(&both, 2)
    );
    let mut router = start(&broker, &instance, &speaks_tls(&pair, &further));
    router.wait_for("tcp-listener-disabled");
    let port = router.tls_port();
    for ca in [&one, &two] {
        let config = server.config(Some(&ca.client("client")));
        assert!(get_tls(port, &config).ends_with("from the instance"));
    }
    let stranger = server.config(Some(&server.client("stranger")));
    assert_eq!(get_tls(port, &stranger), "");
    assert_eq!(get_tls(port, &server.config(None)), "");
}

/// D-031: where clients are trusted by `client_ca_certs` only, one of those is let in.
/// D-032: one of `ca_certs` is not.
/// CF-092: the pool of client CAs holds those of the key alone.
/// CF-091: subjects are checked at the handshake.
/// CF-086: a certificate that has expired is served on.
/// CF-079: TLS 1.0 is not spoken though it is named, and the log says so.
#[test]
fn a_file_says_who_is_let_in() {
    let (broker, instance) = (Broker::start(), Instance::start());
    let (server, one, two) = (Ca::new("server"), Ca::new("one"), Ca::new("two"));
    let pair = server.sign(HOST, ExtendedKeyUsagePurpose::ServerAuth, true);
    let further = format!(
        "client_cert_validation: request
min_tls_version: TLSv1.0
max_tls_version: TLSv1.3
only_trust_client_ca_certs: true
enable_verify_client_certificate_metadata: true
verify_client_certificate_metadata:
  - issuer_in_chain: {{common_name: one}}
    valid_cert_subjects: [{{common_name: good}}]
ca_certs:
  - {}client_ca_certs: {}",
        block(&two.0.pem(), 4),
        block(&one.0.pem(), 2)
    );
    let mut router = start(&broker, &instance, &speaks_tls(&pair, &further));
    router.wait_for("tls-version-not-spoken");
    let port = router.tls_port();
    // A client that looks at dates does not connect at all.
    assert_eq!(get_tls(port, &server.config(None)), "");
    let config = |shown: Option<&Pair>| {
        let mut config = ClientConfig::clone(&server.config(shown));
        let verifier = Arc::new(Anybody(pointsman_process::tls::provider()));
        config.dangerous().set_certificate_verifier(verifier);
        Arc::new(config)
    };
    assert!(get_tls(port, &config(None)).ends_with("from the instance"));
    let good = one.client("good");
    assert!(get_tls(port, &config(Some(&good))).ends_with("from the instance"));
    assert_eq!(get_tls(port, &config(Some(&one.client("bad")))), "");
    assert_eq!(get_tls(port, &config(Some(&two.client("good")))), "");
    router.wait_for("invalid-subject");
    assert!(get(router.traffic_port(), "/", HOST).ends_with("from the instance"));
}

/// What protects and cannot be honoured stops the start, by name.
#[test]
fn protection_that_is_missing_stops_the_start() {
    let ca = block(&Ca::new("clients").0.pem(), 6);
    let router = Router::start(&format!("domains:\n  - domain: a.b\n    ca_certs: {ca}"));
    let (status, log) = router.until_it_ends();
    assert_eq!(status, Some(1));
    let error = log[0]["data"]["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("domains: protects, and is not honoured by this release"),
        "{error}"
    );
}

/// D-033: behind a load balancer the client is whoever it says, in clear text and over TLS.
/// D-034: a client over TLS without a prefix is served as its own.
#[test]
fn a_load_balancer_says_who_its_clients_are() {
    let (broker, instance) = (Broker::start(), Instance::start());
    let server = Ca::new("server");
    let pair = server.sign(HOST, ExtendedKeyUsagePurpose::ServerAuth, false);
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let further = format!(
        "max_tls_version: TLSv1.3
client_cert_validation: none
enable_proxy: true
access_log: {{file: {}}}
",
        log.display()
    );
    let mut router = start(&broker, &instance, &speaks_tls(&pair, &further));
    let config = server.config(None);
    assert!(get_tls(router.tls_port(), &config).ends_with("from the instance"));
    let mut plain = TcpStream::connect((Ipv4Addr::LOCALHOST, router.traffic_port()));
    let plain = plain.as_mut().expect("it listens");
    let request = format!(
        "PROXY TCP4 192.168.0.1 192.168.0.2 12345 80\r\n\
         GET /behind HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    );
    plain.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    plain.read_to_string(&mut answer).expect("an answer");
    assert!(answer.ends_with("from the instance"), "{answer}");
    router.signal("USR1");
    let (status, _) = router.until_it_ends();
    assert_eq!(status, Some(0));
    let lines = std::fs::read_to_string(&log).expect("a log");
    let line = lines.lines().find(|line| line.contains("/behind"));
    let line = line.expect("a line of the request");
    assert!(line.contains("x_forwarded_for:\"192.168.0.1\""), "{line}");
    assert!(lines.contains("x_forwarded_proto:\"https\""), "{lines}");
}

/// Believes every server.
#[derive(Debug)]
struct Anybody(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls_pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
