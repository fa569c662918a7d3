//! Certificates of clients: who is let in, and what endpoints are told about it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pointsman_data_plane::{ClientCerts, ForwardedClientCert, FrontTls, SubjectRule};
use pointsman_process::tls::{Reload, Source, Subject, Trust};
use pointsman_tests::certs::Identity;
use pointsman_tests::{Authority, Endpoint};
use rustls::{ClientConfig, HandshakeKind};

use crate::front_support::{front, required, session, shake, verified};
use crate::support::{Plane, Setup, head};

const XFCC: &str = "X-Forwarded-Client-Cert";

const MODES: [ForwardedClientCert; 3] = [
    ForwardedClientCert::AlwaysForward,
    ForwardedClientCert::Forward,
    ForwardedClientCert::SanitizeSet,
];

struct Scene {
    server: Authority,
    clients: Authority,
    endpoint: Endpoint,
}

impl Scene {
    async fn new() -> Self {
        Self {
            server: Authority::new("server authority"),
            clients: Authority::new("client authority"),
            endpoint: Endpoint::named("served").await,
        }
    }

    fn front(&self, client_certs: ClientCerts) -> FrontTls {
        FrontTls {
            client_certs,
            ..front(&[&self.server.server(&["app.test"])])
        }
    }

    fn plane(&self, client_certs: ClientCerts, mode: ForwardedClientCert) -> Plane {
        let setup = Setup::new().endpoint("app.test", &self.endpoint);
        let setup = setup.with(|settings| settings.headers.forwarded_client_cert = mode);
        setup.front(self.front(client_certs)).start()
    }

    fn config(&self, identity: Option<&Identity>) -> Arc<ClientConfig> {
        self.server.client_config(identity)
    }
}

/// D-020: where a certificate is required, a client without one is refused.
/// D-021: where none is asked for, whatever a client has is not looked at.
/// D-022: a certificate of another authority is refused.
/// D-023: one of the authority is accepted, asked for or not.
/// D-024: a certificate that is no good is refused where one is only asked for, too.
#[tokio::test]
async fn who_is_let_in() {
    let scene = Scene::new().await;
    let good = scene.clients.client(&["good"]);
    let strange = Authority::new("stranger").client(&["strange"]);
    let expired = scene.clients.expired_client(&["expired"]);
    // It may prove a server, and no client.
    let server = scene.clients.server(&["server"]);
    let all = [
        None,
        Some(&good),
        Some(&strange),
        Some(&expired),
        Some(&server),
    ];
    let verified = || verified(&[&scene.clients], Vec::new());
    for (certs, served) in [
        (ClientCerts::Ignored, [true; 5]),
        (
            ClientCerts::Requested(verified()),
            [true, true, false, false, false],
        ),
        (
            ClientCerts::Required(verified()),
            [false, true, false, false, false],
        ),
    ] {
        let plane = scene.plane(certs.clone(), ForwardedClientCert::AlwaysForward);
        for (at, (identity, served)) in all.into_iter().zip(served).enumerate() {
            let serves = plane.serves(&scene.config(identity)).await;
            assert_eq!(serves, served, "{certs:?}, client {at}");
        }
    }
}

/// D-013: a client of any of the authorities is accepted.
/// D-029: so it is where they are several.
/// D-015: and one whose authority is below one of them, with its chain.
#[tokio::test]
async fn any_of_the_authorities_is_enough() {
    let scene = Scene::new().await;
    let other = Authority::new("other");
    let middle = scene.clients.below("middle");
    let certs = ClientCerts::Required(verified(&[&scene.clients, &other], Vec::new()));
    let plane = scene.plane(certs, ForwardedClientCert::AlwaysForward);
    let below = middle.client(&["below"]);
    for (identity, served) in [
        (scene.clients.client(&["a"]), true),
        (other.client(&["b"]), true),
        (below.with_chain(&middle), true),
        (below, false),
    ] {
        assert_eq!(plane.serves(&scene.config(Some(&identity))).await, served);
    }
}

/// D-025: a subject that a rule of its authority names is accepted.
/// D-026: another is refused with the alert `bad_certificate`.
/// D-027: so is one with a part more or less.
/// D-028: below another authority every subject is accepted.
#[tokio::test]
async fn rules_about_subjects_hold_at_the_handshake() {
    let scene = Scene::new().await;
    let (other, middle) = (Authority::new("other"), scene.clients.below("middle"));
    let named = |common_name: &str, units: &[&str]| Subject {
        common_name: common_name.to_owned(),
        organizational_unit: units.iter().map(|unit| (*unit).to_owned()).collect(),
        ..Subject::default()
    };
    let issuer = Source::inline("test", scene.clients.pem()).certificates();
    let issuer = Subject::of(&issuer.expect("an authority")[0]).expect("a subject");
    let rules = vec![SubjectRule {
        issuer,
        subjects: vec![named("good", &["a", "b"])],
    }];
    let certs = ClientCerts::Requested(verified(&[&scene.clients, &other], rules));
    let plane = scene.plane(certs, ForwardedClientCert::AlwaysForward);
    for (identity, served) in [
        (Some(scene.clients.client_of("good", &["a", "b"])), true),
        (Some(scene.clients.client_of("good", &["a"])), false),
        (Some(scene.clients.client_of("good", &["b", "a"])), false),
        (Some(scene.clients.client_of("bad", &["a", "b"])), false),
        (
            Some(middle.client_of("good", &["a", "b"]).with_chain(&middle)),
            true,
        ),
        (
            Some(middle.client_of("bad", &[]).with_chain(&middle)),
            false,
        ),
        (Some(other.client_of("bad", &[])), true),
        (None, true),
    ] {
        let refusal = plane.refusal(&scene.config(identity.as_ref())).await;
        match refusal {
            None => assert!(served),
            Some(told) => assert!(!served && told.contains("BadCertificate"), "{told}"),
        }
    }
}

/// What the endpoint has seen of the field.
async fn seen(
    scene: &Scene,
    plane: &Plane,
    config: Option<&Arc<ClientConfig>>,
    sent: &[&str],
) -> Vec<String> {
    let request = head("GET /", sent);
    let mut client = match config {
        Some(config) => plane
            .connect_tls(config, "app.test")
            .await
            .expect("a handshake"),
        None => plane.connect().await,
    };
    client.write(request.as_bytes()).await;
    assert_eq!(client.read_answer().await.status, 200);
    let last = scene.endpoint.last_request();
    last.head.values(XFCC).map(str::to_owned).collect()
}

/// D-247: `always_forward` keeps the field of every client.
/// D-248: and adds none.
/// D-250: `forward` keeps that of a client with a verified certificate.
/// D-251: and removes it from others.
/// D-252: and adds none.
/// D-254: `sanitize_set` puts the verified certificate in its place.
/// D-255: and removes it where there is none.
/// D-256: and adds it to a request without the field.
/// D-257: where there is a certificate.
/// what a client sends in the place of its certificate does not survive, however it is spelled.
#[tokio::test]
async fn endpoints_are_told_who_called() {
    let scene = Scene::new().await;
    let identity = scene.clients.client(&["good"]);
    let whole = STANDARD.encode(identity.der());
    let (mutual, one_sided) = (scene.config(Some(&identity)), scene.config(None));
    let certs = ClientCerts::Requested(verified(&[&scene.clients], Vec::new()));
    let spoofs: [&[&str]; 4] = [
        &[],
        &["X-Forwarded-Client-Cert: forged"],
        &[
            "x-forwarded-client-cert: forged",
            "X-FORWARDED-CLIENT-CERT: again",
        ],
        &[
            "Connection: X-Forwarded-Client-Cert",
            "X-Forwarded-Client-Cert: forged",
        ],
    ];
    for mode in MODES {
        let plane = scene.plane(certs.clone(), mode);
        for sent in spoofs {
            let kept: Vec<_> = sent
                .iter()
                .filter_map(|line| line.split_once(": "))
                .filter(|(name, _)| name.eq_ignore_ascii_case(XFCC))
                .map(|(_, value)| value.to_owned())
                .collect();
            let own = [whole.clone()];
            for (config, expected) in [
                (None, [&kept[..], &[], &[]]),
                (Some(&one_sided), [&kept[..], &[], &[]]),
                (Some(&mutual), [&kept[..], &kept[..], &own[..]]),
            ] {
                let at = MODES
                    .iter()
                    .position(|each| *each == mode)
                    .unwrap_or_default();
                let seen = seen(&scene, &plane, config, sent).await;
                assert_eq!(seen, expected[at], "{mode:?}, {sent:?}");
            }
        }
    }
}

/// D-249: where no certificate is asked for, none was shown, and `forward` removes the field.
/// D-253: so does `sanitize_set`.
/// D-256: which adds none then.
#[tokio::test]
async fn a_certificate_that_nobody_asked_for_is_not_there() {
    let scene = Scene::new().await;
    let identity = scene.clients.client(&["good"]);
    let mutual = scene.config(Some(&identity));
    for mode in [
        ForwardedClientCert::Forward,
        ForwardedClientCert::SanitizeSet,
    ] {
        let plane = scene.plane(ClientCerts::Ignored, mode);
        for sent in [&[][..], &["X-Forwarded-Client-Cert: forged"]] {
            assert_eq!(seen(&scene, &plane, Some(&mutual), sent).await, [""; 0]);
        }
    }
}

/// nor does it survive behind a body.
#[tokio::test]
async fn a_trailer_is_no_certificate() {
    let scene = Scene::new().await;
    let identity = scene.clients.client(&["good"]);
    let plane = scene.plane(
        required(&[&scene.clients]),
        ForwardedClientCert::SanitizeSet,
    );
    let config = scene.config(Some(&identity));
    let mut client = plane
        .connect_tls(&config, "app.test")
        .await
        .expect("a handshake");
    let fields = [
        "TE: trailers",
        "Trailer: X-Forwarded-Client-Cert",
        "Transfer-Encoding: chunked",
    ];
    let request =
        head("POST /", &fields) + "1\r\na\r\n0\r\nX-Forwarded-Client-Cert: forged\r\n\r\n";
    client.write(request.as_bytes()).await;
    assert_eq!(client.read_answer().await.status, 200);
    let seen = scene.endpoint.last_request();
    assert_eq!(seen.head.values(XFCC).count(), 1);
    for part in [&seen.head.bytes, &seen.body] {
        assert!(!String::from_utf8_lossy(part).contains("forged"));
    }
}

/// A ticket is worth nothing once the authorities have changed under which it was issued.
#[tokio::test]
async fn a_ticket_ends_with_its_authorities() {
    let scene = Scene::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = scene.clients.write(folder.path(), "clients");
    let trust = Trust::load(vec![Source::file(&bundle)]).expect("authorities");
    let mut verification = verified(&[&scene.clients], Vec::new());
    verification.trust = Arc::clone(&trust);
    let plane = scene.plane(
        ClientCerts::Required(verification),
        ForwardedClientCert::SanitizeSet,
    );
    let identity = scene.clients.client(&["good"]);
    let config = scene.config(Some(&identity));
    let kind = async || {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let mut stream = shake(plane.tls(), &config, "app.test").await?;
        let request = head("GET /", &["Connection: close"]);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(session(&stream).handshake_kind())
    };
    let full = kind().await.expect("it is let in");
    assert_ne!(full, Some(HandshakeKind::Resumed));
    assert_eq!(
        kind().await.expect("it is let in"),
        Some(HandshakeKind::Resumed)
    );
    // A resumed session shows the same certificate.
    let last = scene.endpoint.last_request();
    assert_eq!(
        last.head.header(XFCC),
        Some(STANDARD.encode(identity.der()).as_str())
    );
    let another = Authority::new("another");
    let both = format!("{}{}", scene.clients.pem(), another.pem());
    std::fs::write(&bundle, both).expect("it can be written");
    assert_eq!(trust.reload(), Ok(true));
    let again = kind().await.expect("its authority is still there");
    assert_ne!(again, Some(HandshakeKind::Resumed));
    std::fs::write(&bundle, another.pem()).expect("it can be written");
    assert_eq!(trust.reload(), Ok(true));
    assert!(kind().await.is_err(), "its authority is gone");
}
