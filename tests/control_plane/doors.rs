//! Who knocks at the door of data planes, and what does not close it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pointsman_tests::certs::{Authority, Identity};
use pointsman_tests::client::RawConnection;
use pointsman_tests::eventually;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::follower::{Follower, hello};
use crate::plane::{BOUND, Plane};

/// strangers, garbage and connections that say nothing do not stop the control plane from accepting
#[tokio::test]
async fn garbage_does_not_close_the_door() {
    let plane = Plane::start().await;
    let address = plane.process.address("distribution");
    let mut silent = Vec::new();
    for round in 0..50 {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        match round % 4 {
            0 => drop(stream),
            1 => silent.push(stream),
            2 => {
                let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
                stream.write_all(request).await.expect("a request");
                let mut rest = Vec::new();
                let read = stream.read_to_end(&mut rest);
                // It may be reset or closed, but not kept.
                let _closed = tokio::time::timeout(BOUND, read).await.expect("an end");
            }
            _ => {
                // Half of the preface, and gone.
                stream
                    .write_all(b"PRI * HTTP/2.0\r\n")
                    .await
                    .expect("bytes");
            }
        }
    }
    Follower::connect(address, hello("dp")).await.step().await;
}

/// when the control plane has no descriptors left it waits, says so, and accepts again when it has some
#[tokio::test]
async fn exhausted_descriptors_do_not_close_the_door() {
    let plane = Plane::start().await;
    let address = plane.process.address("distribution");
    let pid = i32::try_from(plane.process.id())
        .ok()
        .and_then(Pid::from_raw);
    let pid = pid.expect("the id of a process");
    // Fewer than it has open.
    let before = getrlimit(Resource::Nofile);
    let few = Rlimit {
        current: Some(5),
        ..before
    };
    prlimit(Some(pid), Resource::Nofile, few).expect("a limit");
    let refused = tokio::spawn(Follower::try_connect(address, hello("early")));
    plane.until_logged("accept-failed").await;
    prlimit(Some(pid), Resource::Nofile, before).expect("a limit");
    eventually("a welcome", BOUND, async || {
        let connected = Follower::try_connect(address, hello("late")).await;
        connected.map(drop).map_err(|error| error.to_string())
    })
    .await;
    // Whoever waited at the door comes in as well, or was told off; it is not left standing.
    let _either = tokio::time::timeout(Duration::from_secs(60), refused).await;
}

/// What a client of HTTP/2 says first: the preface, and settings of which none is named.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The connection of a client that speaks HTTP/2 over TLS, and shows this certificate.
async fn over_tls(
    address: SocketAddr,
    servers: &Authority,
    shown: Option<&Identity>,
) -> std::io::Result<RawConnection> {
    let mut config = (*servers.client_config(shown)).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut stream = RawConnection::connect_tls(address, Arc::new(config), "127.0.0.1").await?;
    stream.try_write(PREFACE).await?;
    Ok(stream)
}

/// without a certificate, with one that is not taken, without TLS, and for garbage there is no frame of HTTP/2
#[tokio::test]
async fn strangers_get_no_frame() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ours, other) = (Authority::new("planes"), Authority::new("other"));
    let server = ours.server(&["127.0.0.1"]).write(folder.path(), "server");
    let client_ca = ours.write(folder.path(), "ca");
    let tls = format!(
        "distribution:\n  tls: {{certificate: {}, key: {}, client_ca: {}}}\n",
        server.certificate.display(),
        server.key.display(),
        client_ca.display()
    );
    let plane = Plane::start_changed(|it| it.replace("distribution:\n", &tls)).await;
    let address = plane.process.address("distribution");

    let stranger = other.client(&["data-plane"]);
    let expired = ours.expired_client(&["data-plane"]);
    let not_for_clients = ours.server(&["data-plane"]);
    for (who, shown) in [
        ("nobody", None),
        ("of another authority", Some(&stranger)),
        ("expired", Some(&expired)),
        ("of a server", Some(&not_for_clients)),
    ] {
        // The handshake may be over before the client hears that its certificate is not taken.
        if let Ok(mut stream) = over_tls(address, &ours, shown).await {
            assert_eq!(stream.read_to_end().await, b"", "{who}");
        }
    }
    for said in [PREFACE, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &[0xa5; 64]] {
        let mut stream = RawConnection::connect(address).await;
        stream.write(said).await;
        let answer = stream.read_to_end().await;
        // An alert of TLS is all that there may be.
        let is_alert = answer.is_empty() || (answer[0] == 21 && answer.len() == 7);
        assert!(is_alert, "{said:?}: {answer:?}");
    }

    let invited = ours.client(&["data-plane"]);
    let stream = over_tls(address, &ours, Some(&invited)).await;
    let frame = stream.expect("a handshake").read_exactly(9).await;
    assert_eq!(frame[3], 4, "the first frame says the settings: {frame:?}");
}
