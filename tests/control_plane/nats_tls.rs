//! NATS over TLS: who is believed, who is shown what, and what is never said in clear text.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use pointsman_tests::broker::{Access, Tls};
use pointsman_tests::certs::{Authority, Files};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Broker, Process, Publisher, configuration, eventually};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::plane::{BOUND, Plane, logged, until_logged};

/// Authorities and certificates in files.
struct Certificates {
    folder: TempDir,
    authority: Authority,
}

impl Certificates {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            authority: Authority::new("nats-ca"),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn server(&self, names: &[&str]) -> Files {
        let server = self.authority.server(names);
        server.write(self.path(), "server")
    }

    fn client(&self, name: &str) -> Files {
        let client = self.authority.client(&[name]);
        client.write(self.path(), name)
    }

    /// A broker with this certificate; it asks clients for one of theirs where it is given its own clients'.
    async fn broker(&self, server: Files, client: Option<Files>) -> Broker {
        let authority = self.authority.write(self.path(), "ca");
        let tls = Tls {
            server,
            authority,
            client,
        };
        Broker::with(Access::Tls(Box::new(tls))).await
    }

    /// The section `nats.tls` of a control plane that believes this authority.
    fn keys(&self, own: Option<&Files>) -> String {
        let ca = self.path().join("ca.pem");
        let own = own.map_or_else(String::new, |own| {
            let (certificate, key) = (own.certificate.display(), own.key.display());
            format!(", certificate: {certificate}, key: {key}")
        });
        format!(
            "reconnect_max_wait: 50ms\n  tls: {{ca: {}{own}}}",
            ca.display()
        )
    }
}

async fn control_plane(broker: &Broker, keys: &str) -> Process {
    let configuration = configuration::control_plane(broker, keys);
    Process::start("control-plane", &configuration).await
}

/// Why a control plane is not connected, once it has told so.
async fn refusal(broker: &Broker, keys: &str) -> String {
    let mut process = control_plane(broker, keys).await;
    until_logged(&process, "nats-connection-not-yet-made", 1).await;
    let lines = logged(&process, "nats-connection-not-yet-made");
    assert!(process.is_running());
    lines[0]["data"]["error"].to_string()
}

/// C-074: the authorities of the file are believed, and our certificate is shown
/// R-121: which is how a server knows us that insists on one
#[tokio::test]
async fn both_sides_show_certificates() {
    let certificates = Certificates::new();
    let own = certificates.client("control-plane");
    let server = certificates.server(&["127.0.0.1"]);
    let broker = certificates.broker(server, Some(own.clone())).await;
    let process = control_plane(&broker, &certificates.keys(Some(&own))).await;
    until_logged(&process, "subscriber-started", 1).await;
    let publisher = Publisher::connect(&broker).await;
    let plane = Plane {
        broker,
        process,
        publisher,
    };
    let app = Emitted::plain("a.example.com", ([127, 0, 0, 1], 9999).into(), 0);
    plane.publisher.register(&app).await;
    plane.until_routes(&["a.example.com"]).await;
}

/// A server that asks for no certificate is content with none, and is verified all the same.
#[tokio::test]
async fn a_certificate_of_our_own_is_not_needed_where_nobody_asks() {
    let certificates = Certificates::new();
    let server = certificates.server(&["127.0.0.1"]);
    let broker = certificates.broker(server, None).await;
    let process = control_plane(&broker, &certificates.keys(None)).await;
    until_logged(&process, "subscriber-started", 1).await;
    assert!(!broker.log().contains("TLS handshake error"));
}

/// A server that says in clear text who it is, and proves that it is.
async fn announcing(certificates: &Certificates, name: &str) -> SocketAddr {
    let config = certificates.authority.server(&[name]).server_config(None);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let info = format!(
        r#"INFO {{"server_id":"x","server_name":"{name}","version":"2.10.0","go":"go1","host":"{name}","port":{},"headers":true,"tls_required":true,"tls_verify":false,"max_payload":1048576,"proto":1,"client_id":1,"connect_urls":["{name}:{}"]}}"#,
        address.port(),
        address.port()
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let greeted = stream.write_all(format!("{info}\r\n").as_bytes()).await;
            if greeted.is_ok() {
                // Whoever believes it gets no further: the test looks at what the other end says.
                let _ = TlsAcceptor::from(Arc::clone(&config)).accept(stream).await;
            }
        }
    });
    address
}

/// R-121: a server's name is the one that was dialled, whatever the server announces of itself
#[tokio::test]
async fn a_server_is_not_believed_for_the_name_that_it_announces() {
    let certificates = Certificates::new();
    let _authority = certificates.authority.write(certificates.path(), "ca");
    let address = announcing(&certificates, "127.0.0.2").await;
    let broker = Broker::start().await;
    let configuration = configuration::control_plane(&broker, &certificates.keys(None));
    let dialled = configuration.replace(&broker.address().to_string(), &address.to_string());
    assert_ne!(dialled, configuration);
    let process = Process::start("control-plane", &dialled).await;
    until_logged(&process, "nats-connection-not-yet-made", 1).await;
    let lines = logged(&process, "nats-connection-not-yet-made");
    let error = lines[0]["data"]["error"].to_string();
    assert!(error.contains("not valid for name"), "{error}");
}

/// Neither a foreign authority, nor another name, nor a certificate that is over makes a server one of ours; nor does
/// a server without TLS get to hear who we are.
#[tokio::test]
async fn nobody_else_is_believed() {
    let certificates = Certificates::new();
    let keys = |certificates: &Certificates| {
        let own = certificates.client("control-plane");
        certificates.keys(Some(&own))
    };
    let foreign = Certificates::new();
    let broker = foreign.broker(foreign.server(&["127.0.0.1"]), None).await;
    let _ = certificates.authority.write(certificates.path(), "ca");
    let error = refusal(&broker, &keys(&certificates)).await;
    assert!(error.contains("invalid peer certificate"), "{error}");

    let other = certificates.server(&["127.0.0.2"]);
    let broker = certificates.broker(other, None).await;
    let error = refusal(&broker, &keys(&certificates)).await;
    assert!(error.contains("not valid for name"), "{error}");

    let expired = certificates.authority.expired_server(&["127.0.0.1"]);
    let expired = expired.write(certificates.path(), "expired");
    let broker = certificates.broker(expired, None).await;
    let error = refusal(&broker, &keys(&certificates)).await;
    assert!(error.contains("expired"), "{error}");

    let broker = Broker::with(Access::Token("sesame".to_owned())).await;
    let token = certificates.path().join("token");
    std::fs::write(&token, "sesame").expect("a file");
    let with_token = format!("{}\n  token_file: {}", keys(&certificates), token.display());
    refusal(&broker, &with_token).await;
    assert!(!broker.log().contains("sesame"));
}

/// A server that asks for a certificate does not take us without one.
#[tokio::test]
async fn a_server_may_insist_on_our_certificate() {
    let certificates = Certificates::new();
    let server = certificates.server(&["127.0.0.1"]);
    let client = certificates.client("somebody");
    let broker = certificates.broker(server, Some(client)).await;
    refusal(&broker, &certificates.keys(None)).await;
    eventually("the server's reason", BOUND, async || {
        let log = broker.log();
        let is_told = log.contains("client didn't provide a certificate");
        is_told.then_some(()).ok_or(log)
    })
    .await;
}

/// A certificate that is renewed in its file is shown at the next connection, without a restart.
#[tokio::test]
async fn a_renewed_certificate_is_shown_at_the_next_connection() {
    let certificates = Certificates::new();
    let own = certificates.client("control-plane");
    let server = certificates.server(&["127.0.0.1"]);
    let mut broker = certificates.broker(server.clone(), Some(own.clone())).await;
    let process = control_plane(&broker, &certificates.keys(Some(&own))).await;
    until_logged(&process, "subscriber-started", 1).await;
    // Another authority for everybody, as after a rotation.
    let next = Authority::new("nats-ca-2");
    broker.kill();
    let _ = next.write(certificates.path(), "ca");
    let _ = next
        .server(&["127.0.0.1"])
        .write(certificates.path(), "server");
    let _ = next
        .client(&["control-plane"])
        .write(certificates.path(), "control-plane");
    until_logged(&process, "certificate-reloaded", 2).await;
    broker.restart().await;
    until_logged(&process, "nats-connection-reconnected", 1).await;
}

/// With two servers over TLS, the loss of one moves the control plane to the other.
#[tokio::test]
async fn another_server_takes_over_with_tls() {
    let certificates = Certificates::new();
    let own = certificates.client("control-plane");
    let server = certificates.server(&["127.0.0.1"]);
    let mut first = certificates.broker(server.clone(), Some(own.clone())).await;
    let mut second = certificates.broker(server, Some(own.clone())).await;
    let both = format!("[{}, {}]", first.address(), second.address());
    let configuration = configuration::control_plane(&first, &certificates.keys(Some(&own)))
        .replace(&format!("[{}]", first.address()), &both);
    let process = Process::start("control-plane", &configuration).await;
    until_logged(&process, "subscriber-started", 1).await;
    let connected = logged(&process, "Successfully-connected-to-nats");
    let (lost, left) = if connected[0]["data"]["host"] == first.address() {
        (&mut first, &mut second)
    } else {
        (&mut second, &mut first)
    };
    lost.kill();
    until_logged(&process, "nats-connection-reconnected", 1).await;
    let publisher = Publisher::connect(left).await;
    let app = Emitted::plain("a.example.com", ([127, 0, 0, 1], 9999).into(), 0);
    eventually("the route", BOUND, async || {
        publisher.register(&app).await;
        let answer = crate::plane::get(&process, "/routes").await;
        let there = answer.text().contains("a.example.com");
        there.then_some(()).ok_or_else(|| answer.text().to_owned())
    })
    .await;
}
