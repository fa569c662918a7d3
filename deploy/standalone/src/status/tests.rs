//! The status listeners over real sockets.

use std::net::{Ipv4Addr, SocketAddr};

use pointsman_process::shutdown::Supervisor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Listeners on free ports, and where they are.
async fn started(user: &str, pass: &str) -> (Supervisor, Readiness, SocketAddr, SocketAddr) {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listeners = Listeners {
        traffic: None,
        traffic_tls: None,
        health: Some(free),
        health_tls: None,
        component: None,
        routes: free,
    };
    let status = StatusConfig {
        user: user.to_owned(),
        pass: Secret::from(pass),
        ..StatusConfig::default()
    };
    let bound = bind(&listeners, &status)
        .await
        .expect("free ports can be bound");
    let health = bound
        .health
        .as_ref()
        .expect("it was asked for")
        .local_addr()
        .unwrap();
    let routes = bound.routes.local_addr().unwrap();
    let (supervisor, readiness) = (Supervisor::new(), Readiness::new());
    let (_, table) = pointsman_data_plane::table::publication();
    bound.start(supervisor.tasks(), &readiness, (table, None));
    (supervisor, readiness, health, routes)
}

/// The whole answer to one request.
async fn ask(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// C-371: what is degraded stays so.
/// C-374: an answer says nothing about the connection.
/// C-375: degraded is 503.
/// C-376: with the same headers as healthy.
/// C-378: healthy is 200 and `ok`.
#[tokio::test]
async fn health_follows_readiness_and_liveness_does_not() {
    let (_supervisor, readiness, health, _) = started("", "").await;
    let condition = readiness.condition("start", "starting");
    let alive = "/is-process-alive-do-not-use-for-loadbalancing";
    let starting = ask(health, "/health", "").await;
    assert!(starting.starts_with("HTTP/1.1 503 "), "{starting}");
    assert!(starting.ends_with("\r\n\r\n"), "{starting}");
    assert!(ask(health, alive, "").await.ends_with("\r\n\r\nok\n"));
    condition.met();
    let healthy = ask(health, "/health", "").await;
    assert!(
        healthy.starts_with("HTTP/1.1 200 ") && healthy.ends_with("\r\n\r\nok\n"),
        "{healthy}"
    );
    readiness.leave("draining");
    condition.met();
    let leaving = ask(health, "/health", "").await;
    assert!(leaving.starts_with("HTTP/1.1 503 "), "{leaving}");
    assert!(ask(health, alive, "").await.ends_with("\r\n\r\nok\n"));
    for answer in [starting, healthy, leaving] {
        assert!(
            answer.contains("cache-control: private, max-age=0\r\n"),
            "{answer}"
        );
        assert!(answer.contains("expires: 0\r\n"), "{answer}");
    }
    for path in ["/healthz", "/varz", "/routes", "/"] {
        assert!(
            ask(health, path, "").await.starts_with("HTTP/1.1 404 "),
            "{path}"
        );
    }
}

#[tokio::test]
async fn routes_are_for_the_configured_user() {
    let (_supervisor, _, _, routes) = started("user", "good").await;
    let asked = async |path: &str, header: &str| ask(routes, path, header).await;
    let nobody = asked("/routes", "").await;
    assert!(nobody.starts_with("HTTP/1.1 401 ") && nobody.contains("www-authenticate: Basic\r\n"));
    assert!(nobody.ends_with("\r\n\r\n401 Unauthorized\n"), "{nobody}");
    // user:good, user:bad, user:good:more
    let good = "Authorization: Basic dXNlcjpnb29k\r\n";
    for bad in [
        "Basic dXNlcjpiYWQ=",
        "Basic dXNlcjpnb29kOm1vcmU=",
        "basic dXNlcjpnb29k",
        "Basic !",
    ] {
        let header = format!("Authorization: {bad}\r\n");
        assert!(
            asked("/routes", &header).await.starts_with("HTTP/1.1 401 "),
            "{bad}"
        );
    }
    let listing = asked("/routes", good).await;
    assert!(
        listing.starts_with("HTTP/1.1 200 ") && listing.ends_with("\r\n\r\n{}\n"),
        "{listing}"
    );
    assert!(asked("/other", "").await.starts_with("HTTP/1.1 401 "));
    assert!(asked("/other", good).await.starts_with("HTTP/1.1 404 "));
}

/// C-353: at any other address than 127.0.0.1 nobody hears who asks for `/routes`.
#[tokio::test]
async fn routes_are_for_the_loopback_only() {
    let file = crate::gorouter_yml::parse("g.yml", "")
        .expect("it is accepted")
        .file;
    let wanted = crate::settings::listeners(&file).routes;
    assert_eq!(wanted.ip(), Ipv4Addr::LOCALHOST);
    let (_supervisor, _, _, routes) = started("", "").await;
    let elsewhere = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), routes.port()));
    let refused = TcpStream::connect(elsewhere).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

/// C-381: over TLS the answers are the same.
/// C-382: a client that would rather speak HTTP/2 is answered over HTTP/1.1, also with suites that HTTP/2 is not to be left
/// with.
/// C-441: and 503 while the process starts.
#[tokio::test]
async fn health_over_tls_is_the_same() {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["router.test".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    pointsman_process::tls::install_provider();
    let mut client = rustls::ClientConfig::builder()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = tokio_rustls::TlsConnector::from(Arc::new(client));
    let unfit = tokio_rustls::TlsConnector::from(Arc::new(unfit_for_http2(roots)));
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listeners = Listeners {
        traffic: None,
        traffic_tls: None,
        health: None,
        health_tls: Some(free),
        component: None,
        routes: free,
    };
    let status = StatusConfig {
        tls: StatusTLSConfig {
            certificate: certificate.pem(),
            key: Secret::from(key.serialize_pem().as_str()),
            ..StatusTLSConfig::default()
        },
        ..StatusConfig::default()
    };
    let bound = bind(&listeners, &status).await.expect("free ports");
    let (listener, _) = bound.health_tls.as_ref().expect("there is a certificate");
    let address = listener.local_addr().unwrap();
    let (supervisor, readiness) = (Supervisor::new(), Readiness::new());
    let condition = readiness.condition("start", "starting");
    let (_, table) = pointsman_data_plane::table::publication();
    bound.start(supervisor.tasks(), &readiness, (table, None));
    let asked = async |client: &tokio_rustls::TlsConnector| {
        let stream = TcpStream::connect(address).await.expect("it listens");
        let name = rustls::pki_types::ServerName::try_from("router.test").unwrap();
        let mut stream = client.connect(name, stream).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        // Whoever answers may close without saying so in TLS.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let starting = asked(&client).await;
    assert!(starting.starts_with("HTTP/1.1 503 "), "{starting}");
    condition.met();
    for client in [client, unfit] {
        let healthy = asked(&client).await;
        assert!(
            healthy.starts_with("HTTP/1.1 200 ") && healthy.ends_with("\r\n\r\nok\n"),
            "{healthy}"
        );
        assert!(healthy.contains("cache-control: private, max-age=0\r\n"));
    }
}

/// A client that offers HTTP/2 first, but not the suites that a server of HTTP/2 may count on (RFC 9113, section 9.2.2).
fn unfit_for_http2(roots: rustls::RootCertStore) -> rustls::ClientConfig {
    use rustls::CipherSuite as Suite;
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| {
        matches!(
            suite.suite(),
            Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
                | Suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        )
    });
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .expect("there are suites");
    let mut client = builder.with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    client
}

#[tokio::test]
async fn an_empty_user_must_be_given_as_empty() {
    let (_supervisor, _, _, routes) = started("", "").await;
    assert!(
        ask(routes, "/routes", "")
            .await
            .starts_with("HTTP/1.1 401 ")
    );
    let empty = "Authorization: Basic Og==\r\n";
    assert!(
        ask(routes, "/routes", empty)
            .await
            .starts_with("HTTP/1.1 200 ")
    );
}

/// CF-039: two listeners on one port end the start, in Go's words.
#[tokio::test]
async fn a_port_in_use_is_told_as_go_tells_it() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = taken.local_addr().unwrap();
    let listeners = Listeners {
        traffic: None,
        traffic_tls: None,
        health: Some(address),
        health_tls: None,
        component: None,
        routes: address,
    };
    let Err(error) = bind(&listeners, &StatusConfig::default()).await else {
        panic!("the port is in use");
    };
    let expected = format!("listen tcp {address}: bind: address already in use");
    assert_eq!(error.to_string(), expected);
}
