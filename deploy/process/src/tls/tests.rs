//! Certificates that are good, that are not, and that change; on real files and real handshakes.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::HandshakeKind;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;

use super::*;

struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// The PEM of a leaf and its key.
    fn leaf(&self, dns: &str, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new(vec![dns.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, dns);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.0).unwrap();
        (leaf.pem(), key.serialize_pem())
    }
}

fn inline(key: &str, pem: &str) -> Source {
    Source::inline(key, pem)
}

fn identity(pair: &(String, String)) -> Result<Arc<Identity>, Refused> {
    Identity::load(
        inline("chain", &pair.0),
        inline("key", &pair.1),
        Dates::Enforced,
    )
}

#[test]
fn what_is_wrong_with_a_pair_is_said_about_the_right_half() {
    let ca = Ca::new("ca");
    let good = ca.leaf("a.test", |_| {});
    let other = ca.leaf("b.test", |_| {});
    let expired = ca.leaf("c.test", |params| {
        params.not_after = rcgen::date_time_ymd(2001, 2, 3);
    });
    let early = ca.leaf("d.test", |params| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1);
        params.not_after = rcgen::date_time_ymd(3000, 1, 1);
    });
    let cut = &good.0[..good.0.len() / 2];
    let cases = [
        (
            (good.0.clone(), other.1),
            "key: the private key does not belong to the certificate of chain",
        ),
        (
            (String::new(), good.1.clone()),
            "chain: holds no PEM block of a certificate",
        ),
        (
            (good.0.clone(), good.0.clone()),
            "key: holds no PEM block of a private key",
        ),
        (
            (cut.to_owned(), good.1.clone()),
            "chain: ends in the middle of a PEM block",
        ),
    ];
    for (pair, told) in cases {
        assert_eq!(identity(&pair).unwrap_err().to_string(), told);
    }
    let told = identity(&expired).unwrap_err().to_string();
    assert!(
        told.starts_with("chain: the certificate has expired: validity ended at Feb  3"),
        "{told}"
    );
    let told = identity(&early).unwrap_err().to_string();
    assert!(
        told.starts_with("chain: the certificate is not valid yet"),
        "{told}"
    );
    let (chain, key) = (inline("chain", &expired.0), inline("key", &expired.1));
    let kept = Identity::load(chain, key, Dates::Ignored).expect("dates are ignored on request");
    assert_eq!(kept.valid_until(), Some(981_158_400));
}

#[test]
fn a_missing_file_is_named() {
    let refused = Trust::load(vec![Source::file("/nowhere/ca.pem")]).unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("/nowhere/ca.pem: cannot be read: No such file")
    );
    let refused = Trust::load(Vec::new()).unwrap_err();
    assert!(
        refused.to_string().starts_with("CA bundle: cannot be used"),
        "{refused}"
    );
}

#[test]
fn the_systems_cas_are_added_to_others() {
    let own = Trust::load(vec![inline("ca", &Ca::new("ca").pem())]).unwrap();
    let both = Trust::load(vec![inline("ca", &Ca::new("ca").pem()), Source::System]).unwrap();
    let system = Source::System.certificates().unwrap().len();
    assert_eq!(own.roots().len(), 1);
    assert!((1..=1 + system).contains(&both.roots().len()));
    assert!(system == 0 || both.roots().len() > 1);
}

#[test]
fn a_private_key_is_never_printed() {
    let source = inline(
        "tls_pem[0].private_key",
        &Ca::new("ca").leaf("a.test", |_| {}).1,
    );
    assert!(!format!("{source:?}").contains("BEGIN"), "{source:?}");
}

#[test]
fn names_are_read_from_a_certificate() {
    let (pem, _) = Ca::new("ca").leaf("dp-1.test", |params| {
        for segment in ["one", "two"] {
            let uri = format!("pointsman://segments/{segment}");
            params
                .subject_alt_names
                .push(SanType::URI(uri.try_into().unwrap()));
        }
    });
    let certificate = inline("x", &pem).certificates().unwrap().remove(0);
    let uris = uri_sans(&certificate).unwrap();
    assert_eq!(
        uris,
        ["pointsman://segments/one", "pointsman://segments/two"]
    );
    assert_eq!(dns_sans(&certificate).unwrap(), ["dp-1.test"]);
    assert_eq!(
        common_name(&certificate).unwrap().as_deref(),
        Some("dp-1.test")
    );
    assert_eq!(uri_sans(&vec![1, 2, 3].into()), Err(NotACertificate));
}

/// A handshake over an in-memory pipe, and one byte each way, since in TLS 1.3 a client learns of a refusal only then.
async fn handshake(
    server: (&Arc<Identity>, &Arc<Trust>),
    client: (&Arc<Trust>, Option<&Arc<Identity>>),
) -> Result<Vec<CertificateDer>, String> {
    let shown = Arc::clone(server.0) as _;
    let clients = Some(Arc::clone(server.1) as _);
    let accepts = server_config(shown, clients, Versions::Tls13, &[b"h2"]).unwrap();
    let calls = client_config(
        Arc::clone(client.0) as _,
        client.1.map(|identity| Arc::clone(identity) as _),
        Versions::Tls13,
        &[b"h2"],
    )
    .unwrap();
    let (near, far) = tokio::io::duplex(64 * 1024);
    let serve = async {
        let mut stream = TlsAcceptor::from(accepts).accept(far).await?;
        stream.write_all(b"x").await?;
        let peer = stream.get_ref().1.peer_certificates().unwrap_or_default();
        Ok::<_, std::io::Error>(peer.to_vec())
    };
    let name = ServerName::try_from("cp.test").unwrap();
    let call = async {
        let mut stream = TlsConnector::from(calls).connect(name, near).await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        stream.read_u8().await
    };
    let (served, called) = tokio::join!(serve, call);
    called.map_err(|error| format!("client: {error}"))?;
    served.map_err(|error| format!("server: {error}"))
}

type CertificateDer = rustls_pki_types::CertificateDer<'static>;

#[tokio::test]
async fn mutual_tls_takes_known_peers_and_nobody_else() {
    install_provider();
    let ca = Ca::new("ours");
    let stranger = Ca::new("stranger");
    let trust = |ca: &Ca| Trust::load(vec![inline("ca", &ca.pem())]).unwrap();
    let server = identity(&ca.leaf("cp.test", |_| {})).unwrap();
    let client = identity(&ca.leaf("dp-1.test", |_| {})).unwrap();
    let outsider = identity(&stranger.leaf("dp-2.test", |_| {})).unwrap();
    let ours = trust(&ca);

    let peer = handshake((&server, &ours), (&ours, Some(&client)))
        .await
        .unwrap();
    assert_eq!(dns_sans(&peer[0]).unwrap(), ["dp-1.test"]);
    for (client, trusted) in [
        (None, &ours),
        (Some(&outsider), &ours),
        (Some(&client), &trust(&stranger)),
    ] {
        assert!(
            handshake((&server, &ours), (trusted, client))
                .await
                .is_err()
        );
    }
    let misnamed = identity(&ca.leaf("other.test", |_| {})).unwrap();
    assert!(
        handshake((&misnamed, &ours), (&ours, Some(&client)))
            .await
            .is_err()
    );
}

/// Who asks for certificates resumes no session, whether one was shown or not: it would bring along what nobody verifies
/// again. Who does not ask resumes them.
#[tokio::test]
async fn nobody_who_asks_for_certificates_resumes_a_session() {
    install_provider();
    let ca = Ca::new("ours");
    let ours = Trust::load(vec![inline("ca", &ca.pem())]).unwrap();
    let server = identity(&ca.leaf("cp.test", |_| {})).unwrap();
    let client = identity(&ca.leaf("dp-1.test", |_| {})).unwrap();
    let demanded: Arc<dyn ClientCertVerifier> = Arc::<Trust>::clone(&ours);
    let wanted: Arc<dyn ClientCertVerifier> = Arc::new(IfShown(Arc::clone(&ours)));
    for versions in [Versions::Tls12, Versions::Tls13] {
        for (clients, shown) in [
            (None, None),
            (Some(&demanded), Some(&client)),
            (Some(&wanted), Some(&client)),
            (Some(&wanted), None),
        ] {
            let (asks, shows) = (clients.is_some(), shown.is_some());
            let accepts =
                server_config(server.clone(), clients.cloned(), versions, &[b"h2"]).unwrap();
            let shown = shown.map(|identity| Arc::clone(identity) as _);
            let calls = client_config(ours.clone(), shown, versions, &[b"h2"]).unwrap();
            let mut resumed = Vec::new();
            for _ in 0..3 {
                let (near, far) = tokio::io::duplex(64 * 1024);
                let serve = async {
                    let mut stream = TlsAcceptor::from(accepts.clone())
                        .accept(far)
                        .await
                        .unwrap();
                    stream.write_all(b"x").await.unwrap();
                    let (_, session) = stream.get_ref();
                    assert_eq!(session.peer_certificates().is_some(), asks && shows);
                    session.handshake_kind() == Some(HandshakeKind::Resumed)
                };
                let name = ServerName::try_from("cp.test").unwrap();
                let call = async {
                    let connector = TlsConnector::from(calls.clone());
                    let mut stream = connector.connect(name, near).await.unwrap();
                    assert_eq!(stream.read_u8().await.unwrap(), b'x');
                };
                resumed.push(tokio::join!(serve, call).0);
            }
            assert_eq!(
                resumed,
                [false, !asks, !asks],
                "{versions:?} {asks} {shows}"
            );
        }
    }
}

/// Replaces both halves as Kubernetes does: a symbolic link to a folder is swapped.
fn publish(folder: &Path, version: &str, pair: &(String, String)) {
    let target = folder.join(version);
    fs::create_dir(&target).unwrap();
    fs::write(target.join("tls.crt"), &pair.0).unwrap();
    fs::write(target.join("tls.key"), &pair.1).unwrap();
    let link = folder.join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    fs::rename(&link, folder.join("..data")).unwrap();
    for file in ["tls.crt", "tls.key"] {
        if !folder.join(file).exists() {
            std::os::unix::fs::symlink(Path::new("..data").join(file), folder.join(file)).unwrap();
        }
    }
}

/// The next thing that a reloader tells, within a bound.
async fn next(told: &mut mpsc::UnboundedReceiver<Reloaded>) -> Reloaded {
    let next = tokio::time::timeout(Duration::from_secs(10), told.recv()).await;
    next.expect("something is told in time")
        .expect("the reloader is running")
}

/// a changed pair is served without a restart; a broken one is refused by name and the old pair stays.
#[tokio::test]
async fn files_are_reloaded_and_broken_ones_are_not() {
    let ca = Ca::new("ca");
    let folder = TempDir::new().unwrap();
    let pairs = ["first.test", "second.test", "third.test"].map(|name| ca.leaf(name, |_| {}));
    publish(folder.path(), "v1", &pairs[0]);
    let source = |file| Source::file(folder.path().join(file));
    let identity = Identity::load(source("tls.crt"), source("tls.key"), Dates::Enforced).unwrap();
    let served = || dns_sans(&identity.current().cert[0]).unwrap().remove(0);
    let name = source("tls.crt").to_string();

    let mut reloader = Reloader::new();
    reloader.add(Arc::clone(&identity) as _);
    let stop = CancellationToken::new();
    let (tell, mut told) = mpsc::unbounded_channel();
    publish(folder.path(), "v2", &pairs[1]);
    let watching = tokio::spawn(reloader.run(stop.clone(), move |event| tell.send(event).unwrap()));
    assert_eq!(
        next(&mut told).await,
        Reloaded::Changed(name.clone()),
        "changed before the watch"
    );
    assert_eq!(served(), "second.test");

    let cut = pairs[2].0[..200].to_owned();
    publish(folder.path(), "broken", &(cut, pairs[2].1.clone()));
    let why = "ends in the middle of a PEM block".to_owned();
    let refused = Reloaded::Kept(Refused {
        source: name.clone(),
        why,
    });
    assert_eq!(next(&mut told).await, refused);
    assert_eq!(served(), "second.test");

    publish(folder.path(), "mended", &pairs[2]);
    assert_eq!(next(&mut told).await, Reloaded::Changed(name));
    assert_eq!(served(), "third.test");
    stop.cancel();
    watching.await.unwrap();
}
