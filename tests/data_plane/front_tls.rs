//! Clients over TLS: versions, suites, certificates by name, and a connection that is as any other.

mod traffic;

use std::sync::Arc;
use std::time::Duration;

use pointsman_process::tls::{Versions, cipher_suite};
use pointsman_tests::endpoint::{Answer, Head, Reply};
use pointsman_tests::{Authority, Endpoint, RawConnection};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use rustls::{SupportedProtocolVersion, crypto::CryptoProvider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::front_support::{changed, front, session, shake};
use crate::support::{BOUND, Plane, Setup, head};

/// What the endpoint was told about the way of a request.
fn proto(head: &Head) -> Answer {
    let proto = head.header("X-Forwarded-Proto").unwrap_or_default();
    Reply::text(proto).into()
}

async fn plane(authority: &Authority) -> (Plane, Endpoint) {
    let endpoint = Endpoint::with(proto).await;
    let setup = Setup::new().endpoint("app.test", &endpoint);
    let front = front(&[&authority.server(&["app.test"])]);
    (setup.front(front).start(), endpoint)
}

/// A client that speaks only this, with these suites of TLS 1.2.
fn client(
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
    suites: &[&str],
) -> Arc<ClientConfig> {
    let mut provider = CryptoProvider::clone(&pointsman_process::tls::provider());
    if !suites.is_empty() {
        provider.cipher_suites = suites
            .iter()
            .filter_map(|name| cipher_suite(name))
            .collect();
    }
    let mut roots = RootCertStore::empty();
    let pem = authority.pem();
    roots.add_parsable_certificates(
        pointsman_process::tls::Source::inline("test", pem)
            .certificates()
            .expect("an authority"),
    );
    let builder = ClientConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_protocol_versions(versions).expect("versions");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// D-007: without ALPN, HTTP/1.1 is spoken.
/// D-010: a client over TLS is served.
/// D-011: with an ECDSA certificate.
/// D-012: the endpoint is told that the client came over TLS.
#[tokio::test]
async fn a_client_over_tls_is_served_as_any_other() {
    let authority = Authority::new("authority");
    let (plane, _endpoint) = plane(&authority).await;
    let config = authority.client_config(None);
    let mut client = plane
        .connect_tls(&config, "app.test")
        .await
        .expect("a handshake");
    for _ in 0..3 {
        let request = head("POST /", &["Content-Length: 3"]) + "abc";
        client.write(request.as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!((answer.status, &*answer.body), (200, &b"https"[..]));
    }
    assert_eq!(plane.get("/").await.body, b"http");
    let totals = plane.settled().await;
    assert_eq!(
        (totals.client_handshakes, totals.connections_accepted),
        (1, 2)
    );
}

/// D-002: without settings for it, TLS is spoken nowhere.
#[tokio::test]
async fn without_settings_no_listener_speaks_tls() {
    let endpoint = Endpoint::named("served").await;
    let plane = Plane::before(&endpoint);
    assert_eq!(plane.tls_address, None);
    let authority = Authority::new("authority");
    let config = authority.client_config(None);
    assert!(shake(plane.address, &config, "app.test").await.is_err());
}

/// D-003: HTTP/1.1 is spoken to a client that also offers HTTP/2.
/// D-005: to one that offers nothing else, nothing is.
/// D-006: nothing in common ends the handshake with `no_application_protocol`.
#[tokio::test]
async fn of_what_a_client_offers_http_1_is_taken() {
    let authority = Authority::new("authority");
    let endpoint = Endpoint::with(proto).await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.http2.enabled = false)
        .front(front(&[&authority.server(&["app.test"])]))
        .start();
    let offering = |protocols: &[&[u8]]| {
        changed(&authority.client_config(None), |config| {
            config.alpn_protocols = protocols.iter().map(|each| each.to_vec()).collect();
        })
    };
    for (offered, taken) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"http/1.1"[..])),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = shake(plane.tls(), &offering(offered), "app.test").await;
        let stream = stream.expect("a handshake");
        assert_eq!(session(&stream).alpn_protocol(), taken);
        assert!(plane.serves(&offering(offered)).await);
    }
    for offered in [b"h2", b"h3"] {
        let error = shake(plane.tls(), &offering(&[offered]), "app.test").await;
        let error = error.expect_err("there is nothing in common").to_string();
        assert!(error.contains("NoApplicationProtocol"), "{error}");
    }
    assert!(plane.serves(&offering(&[])).await);
}

/// D-008: TLS 1.1 is answered with an alert; 1.2 is spoken.
/// CF-095: without a lowest version, TLS 1.1 is refused.
/// 1.2 and 1.3 are spoken, and nothing below.
#[tokio::test]
async fn versions_are_those_of_the_settings() {
    let authority = Authority::new("authority");
    for (versions, served) in [
        (Versions::Tls12AndTls13, [true, true]),
        (Versions::Tls12, [true, false]),
        (Versions::Tls13, [false, true]),
    ] {
        let endpoint = Endpoint::with(proto).await;
        let mut front = front(&[&authority.server(&["app.test"])]);
        front.versions = versions;
        let plane = Setup::new()
            .endpoint("app.test", &endpoint)
            .front(front)
            .start();
        for (version, served) in [&TLS12, &TLS13].into_iter().zip(served) {
            let config = client(&authority, &[version], &[]);
            assert_eq!(
                plane.serves(&config).await,
                served,
                "{versions:?} {version:?}"
            );
        }
        // A hello of TLS 1.1 (RFC 4346, 7.4.1.2): one suite, no compression.
        let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
        hello.extend([7; 32]);
        hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
        hello[4] = u8::try_from(hello.len() - 5).expect("a short record");
        hello[8] = hello[4] - 4;
        let mut raw = RawConnection::connect(plane.tls()).await;
        raw.write(&hello).await;
        let alert = raw.read_to_end().await;
        assert_eq!((alert.len(), alert.first()), (7, Some(&21)), "{alert:?}");
        assert_eq!(alert.get(5), Some(&2), "it is fatal");
    }
}

/// D-009: a client that offers none of the suites of the list is refused.
/// what is offered is the list, and nothing weaker.
#[tokio::test]
async fn suites_are_those_of_the_list() {
    const LISTED: &str = "ECDHE-ECDSA-AES128-GCM-SHA256";
    const OTHER: &str = "ECDHE-ECDSA-AES256-GCM-SHA384";
    let authority = Authority::new("authority");
    let endpoint = Endpoint::with(proto).await;
    let mut front = front(&[&authority.server(&["app.test"])]);
    front.cipher_suites = Some(cipher_suite(LISTED).into_iter().collect());
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .front(front)
        .start();
    for (offered, served) in [
        (&[LISTED][..], true),
        (&[OTHER, LISTED], true),
        (&[OTHER], false),
    ] {
        let config = client(&authority, &[&TLS12], offered);
        assert_eq!(plane.serves(&config).await, served, "{offered:?}");
    }
    // They are of TLS 1.2 only.
    assert!(plane.serves(&client(&authority, &[&TLS13], &[])).await);
}

/// D-014: the certificate with the name that a client asks for is shown.
/// D-016: without one, the first.
/// D-017: a client asks for the host that it dials.
/// D-018: a host that is nobody's gets the first.
/// D-019: the very name comes before a wildcard that stands before it.
/// D-015: the whole chain is sent, to clients that know the root only.
#[tokio::test]
async fn the_name_that_a_client_asks_for_chooses_the_certificate() {
    let root = Authority::new("root");
    let middle = root.below("middle");
    let first = root.server(&["first.test"]);
    let wildcard = root.server(&["*.example.test"]);
    let exact = middle
        .server(&["exact.example.test", "app.test"])
        .with_chain(&middle);
    let endpoint = Endpoint::with(proto).await;
    let plane = Setup::new().endpoint("app.test", &endpoint);
    let plane = plane.front(front(&[&first, &wildcard, &exact])).start();
    let config = root.client_config(None);
    for (asked, expected) in [
        ("exact.example.test", Some(&exact)),
        ("other.example.test", Some(&wildcard)),
        ("app.test", Some(&exact)),
        ("first.test", Some(&first)),
        // The client refuses what it gets: it is the first one's.
        ("a.other.example.test", None),
        ("nobody.test", None),
    ] {
        match (shake(plane.tls(), &config, asked).await, expected) {
            (Ok(stream), Some(expected)) => {
                let shown = session(&stream).peer_certificates().unwrap_or_default();
                assert_eq!(shown.first(), Some(&expected.der()), "{asked}");
            }
            (Err(error), None) => {
                let told = error.to_string();
                assert!(told.contains("first.test"), "{asked}: {told}");
            }
            (Ok(_), None) => panic!("{asked} is nobody's"),
            (Err(error), Some(_)) => panic!("{asked}: {error}"),
        }
    }
    let unasked = changed(&config, |config| config.enable_sni = false);
    let stream = shake(plane.tls(), &unasked, "first.test")
        .await
        .expect("the first");
    let shown = session(&stream).peer_certificates().unwrap_or_default();
    assert_eq!(shown.first(), Some(&first.der()));
}

/// D-010: with an RSA certificate.
/// D-011: beside an ECDSA one: a client is shown what it can use.
#[tokio::test]
async fn a_client_is_shown_a_certificate_that_it_can_use() {
    let authority = Authority::new("authority");
    let endpoint = Endpoint::with(proto).await;
    let (rsa, ecdsa) = (
        authority.rsa_server(&["app.test"]),
        authority.server(&["app.test"]),
    );
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .front(front(&[&rsa, &ecdsa]))
        .start();
    for (suite, expected) in [
        ("ECDHE-RSA-AES128-GCM-SHA256", &rsa),
        ("ECDHE-ECDSA-AES128-GCM-SHA256", &ecdsa),
    ] {
        let config = client(&authority, &[&TLS12], &[suite]);
        let stream = shake(plane.tls(), &config, "app.test")
            .await
            .expect("a handshake");
        let shown = session(&stream).peer_certificates().unwrap_or_default();
        assert_eq!(shown.first(), Some(&expected.der()), "{suite}");
    }
}

/// D-040: a request in clear text is answered in clear text, and the connection ends.
#[tokio::test]
async fn clear_text_where_tls_is_spoken_is_told_so() {
    let authority = Authority::new("authority");
    let (plane, _endpoint) = plane(&authority).await;
    for line in ["GET /", "POST /x", "OPTIONS *", "DELETE /x"] {
        let mut raw = RawConnection::connect(plane.tls()).await;
        raw.write(head(line, &["X-Long: 0123456789"]).as_bytes())
            .await;
        let said = raw.read_to_end().await;
        assert_eq!(
            String::from_utf8_lossy(&said),
            "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
            "{line}"
        );
    }
    let mut raw = RawConnection::connect(plane.tls()).await;
    raw.write(b"\x00\x01nonsense").await;
    let said = raw.read_to_end().await;
    assert_eq!(said.first(), Some(&21), "an alert, and no HTTP: {said:?}");
    plane
        .until("all have failed", |totals| {
            totals.client_handshakes_failed == 5
        })
        .await;
    assert!(plane.serves(&authority.client_config(None)).await);
}

/// L-06: a handshake that takes too long is ended without a word.
/// so are five hundred of them, and nobody else waits for that.
#[tokio::test]
async fn stalled_handshakes_are_ended() {
    let authority = Authority::new("authority");
    let endpoint = Endpoint::with(proto).await;
    let setup = Setup::new().endpoint("app.test", &endpoint);
    let setup = setup.with(|settings| {
        settings.timeouts.client_handshake = Duration::from_secs(2);
    });
    let plane = setup
        .front(front(&[&authority.server(&["app.test"])]))
        .start();
    let mut stalled = Vec::new();
    for at in 0..500_u32 {
        let mut stream = TcpStream::connect(plane.tls())
            .await
            .expect("it is accepted");
        if at % 2 == 0 {
            // The front of a record that never ends.
            stream
                .write_all(&[22, 3, 1, 1, 0, 1])
                .await
                .expect("it is taken");
        }
        stalled.push(stream);
    }
    assert!(plane.serves(&authority.client_config(None)).await);
    for stream in &mut stalled {
        let mut said = Vec::new();
        let read = tokio::time::timeout(BOUND, stream.read_to_end(&mut said)).await;
        assert!(read.is_ok(), "it ends");
        assert_eq!(said, b"");
    }
    plane
        .until("all are counted", |totals| {
            totals.client_handshakes_failed == 500 && totals.connections_open == 0
        })
        .await;
}
