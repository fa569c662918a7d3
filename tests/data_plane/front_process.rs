//! TLS towards clients as a configuration file says it: files that change, and files that are wrong.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use pointsman_tests::certs::Identity;
use pointsman_tests::{Authority, Process, RawConnection, configuration, eventually};
use rustls::ClientConfig;

use crate::front_support::{session, shake};
use crate::support::BOUND;

/// A data plane without routes that speaks TLS with `site.crt` of a folder.
fn speaks_tls(folder: &Path, further: &str) -> String {
    let (chain, key) = (folder.join("site.crt"), folder.join("site.key"));
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    format!(
        "{}tls:\n  listen: [127.0.0.1:0]\n  certificates: [{{certificate: {}, key: {}}}]\n{further}",
        configuration::data_plane(nobody),
        chain.display(),
        key.display()
    )
}

async fn shown(plane: &Process, config: &Arc<ClientConfig>) -> Result<bool, String> {
    let stream = shake(plane.address("https"), config, "a.test").await;
    let stream = stream.map_err(|error| error.to_string())?;
    let certificates = session(&stream).peer_certificates();
    Ok(certificates.is_some_and(|chain| !chain.is_empty()))
}

async fn answers(client: &mut RawConnection) -> bool {
    client
        .write(b"GET / HTTP/1.1\r\nHost: nobody\r\n\r\n")
        .await;
    client.read_answer().await.status == 404
}

/// a certificate that is replaced is shown at the next handshake, and ends no connection; one that is broken is
/// told of, and the last good one stays.
#[tokio::test]
async fn certificates_are_replaced_while_they_are_in_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let _files = old.server(&["a.test"]).write(folder.path(), "site");
    let plane = Process::start("data-plane", &speaks_tls(folder.path(), "")).await;
    let (believes_old, believes_new) = (old.client_config(None), new.client_config(None));
    let connected =
        RawConnection::connect_tls(plane.address("https"), Arc::clone(&believes_old), "a.test");
    let mut connected = connected.await.expect("a handshake");
    assert!(answers(&mut connected).await);
    assert!(shown(&plane, &believes_new).await.is_err());
    replace(folder.path(), &new.server(&["a.test"]));
    eventually("the new certificate is shown", BOUND, async || {
        shown(&plane, &believes_new).await.map(drop)
    })
    .await;
    assert!(answers(&mut connected).await, "the old connection lives on");
    std::fs::write(folder.path().join("site.crt"), "-----BEGIN CERT").expect("it can be written");
    plane.until_logged("certificate-refused").await;
    assert_eq!(shown(&plane, &believes_new).await, Ok(true));
    assert!(answers(&mut connected).await);
}

fn replace(folder: &Path, identity: &Identity) {
    let beside = tempfile::tempdir_in(folder).expect("a folder");
    let files = identity.write(beside.path(), "site");
    // The key first: a pair that does not fit is refused until the other half is there.
    std::fs::rename(files.key, folder.join("site.key")).expect("it can be moved");
    std::fs::rename(files.certificate, folder.join("site.crt")).expect("it can be moved");
}

/// a rule for an authority that is none of those of clients stops the start, and so does a file that is not
/// there.
#[tokio::test]
async fn what_would_protect_nobody_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new("clients");
    let ca = authority.write(folder.path(), "clients");
    let _files = authority.server(&["a.test"]).write(folder.path(), "site");
    let rule = |issuer: &str| {
        format!(
            "  client_certificates:
    mode: required
    ca: [{}]
    rules: [{{issuer: {{common_name: {issuer}}}, subjects: [{{common_name: x}}]}}]
",
            ca.display()
        )
    };
    let path = folder.path().join("config.yml");
    for (further, told) in [
        (
            rule("typo"),
            "no authority of clients has the subject CN=typo",
        ),
        (
            "  domains: [{domain: a.b, ca: [/nowhere/ca.pem]}]\n".to_owned(),
            "/nowhere/ca.pem: cannot be read",
        ),
    ] {
        let text = speaks_tls(folder.path(), &further);
        std::fs::write(&path, text).expect("it can be written");
        let mut process = Process::spawn("data-plane", ["--config".as_ref(), path.as_os_str()]);
        let ended = process.ended(BOUND).await;
        assert!(!ended.success());
        assert!(process.log().contains(told), "{}", process.log());
    }
    let good = speaks_tls(folder.path(), &rule("clients"));
    let plane = Process::start("data-plane", &good).await;
    let config = authority.client_config(Some(&authority.client_of("x", &[])));
    assert_eq!(shown(&plane, &config).await, Ok(true));
}
