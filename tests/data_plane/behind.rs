//! Behind a load balancer that says who its clients are.

use std::net::SocketAddr;
use std::time::Duration;

use pointsman_data_plane::Behind;
use pointsman_tests::{Authority, Endpoint, RawConnection};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::front_support::front;
use crate::support::{Plane, Setup, head};

const LINE: &str = "PROXY TCP4 192.168.0.1 192.168.0.2 12345 80\r\n";

/// As a `gorouter.yml` has it, but for a wait that a busy machine keeps.
const OPTIONAL: Behind = Behind {
    wait: Duration::from_millis(500),
    optional: true,
};

const REQUIRED: Behind = Behind {
    wait: Duration::from_secs(1),
    optional: false,
};

fn setup(endpoint: &Endpoint, behind: Behind) -> Setup {
    let setup = Setup::new().endpoint("app.test", endpoint);
    setup.with(|settings| settings.behind = Some(behind))
}

/// Everything that comes back for these bytes, up to the end of the connection.
async fn said(plane: &Plane, bytes: impl AsRef<[u8]>) -> String {
    let mut raw = plane.connect().await;
    raw.write(bytes.as_ref()).await;
    String::from_utf8_lossy(&raw.read_to_end().await).into_owned()
}

fn request() -> String {
    head("GET /", &["Connection: close"])
}

fn binary(source: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(source) = source else {
        panic!("four bytes");
    };
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    bytes.extend(source.ip().octets());
    bytes.extend([10, 0, 0, 1]);
    bytes.extend(source.port().to_be_bytes());
    bytes.extend([0, 80]);
    bytes
}

/// D-033: the client is the one that the header names, for endpoints and in the log.
///
/// Version 2 is understood as well.
#[tokio::test]
async fn the_client_is_the_one_that_the_header_names() {
    let endpoint = Endpoint::named("served").await;
    for behind in [OPTIONAL, REQUIRED] {
        let plane = setup(&endpoint, behind).start();
        let source = SocketAddr::from(([192, 168, 0, 1], 12345));
        for header in [LINE.as_bytes().to_vec(), binary(source)] {
            let answer = said(&plane, [&header[..], request().as_bytes()].concat()).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            let seen = endpoint.last_request().head;
            assert_eq!(seen.header("X-Forwarded-For"), Some("192.168.0.1"));
        }
        plane.line("192.168.0.1:12345").await;
        // In pieces, and for every request of the connection.
        let mut raw = plane.connect().await;
        raw.write(&LINE.as_bytes()[..20]).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        raw.write(&LINE.as_bytes()[20..]).await;
        for _ in 0..2 {
            raw.write(head("GET /", &[]).as_bytes()).await;
            assert_eq!(raw.read_answer().await.body, b"served");
            let seen = endpoint.last_request().head;
            assert_eq!(seen.header("X-Forwarded-For"), Some("192.168.0.1"));
        }
    }
}

/// D-033: so it is over TLS, where the header comes before the handshake.
/// D-034: a client over TLS without a header is served as its own, and the endpoint is told `https`.
#[tokio::test]
async fn the_header_comes_before_a_handshake() {
    let endpoint = Endpoint::named("served").await;
    let authority = Authority::new("authority");
    let front = front(&[&authority.server(&["app.test"])]);
    let plane = setup(&endpoint, OPTIONAL).front(front).start();
    let config = authority.client_config(None);
    for (header, source) in [(LINE, "192.168.0.1"), ("", "127.0.0.1")] {
        let mut socket = TcpStream::connect(plane.tls()).await.expect("it listens");
        socket
            .write_all(header.as_bytes())
            .await
            .expect("it is taken");
        let name = ServerName::try_from("app.test").expect("a name");
        let connector = TlsConnector::from(std::sync::Arc::clone(&config));
        let stream = connector.connect(name, socket).await;
        let mut stream = stream.expect("a handshake");
        stream
            .write_all(request().as_bytes())
            .await
            .expect("it is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let seen = endpoint.last_request().head;
        assert_eq!(seen.header("X-Forwarded-For"), Some(source));
        assert_eq!(seen.header("X-Forwarded-Proto"), Some("https"));
    }
}

/// D-035: where the header is optional, a connection without one is its sender's own.
/// D-036: a header that names nobody ends its connection without an answer.
/// D-038: one that comes too late is a bad request.
#[tokio::test]
async fn an_optional_header() {
    let endpoint = Endpoint::named("served").await;
    let plane = setup(&endpoint, OPTIONAL).start();
    assert!(said(&plane, request()).await.starts_with("HTTP/1.1 200 "));
    let seen = endpoint.last_request().head;
    assert_eq!(seen.header("X-Forwarded-For"), Some("127.0.0.1"));
    for header in [
        "PROXY UNKNOWN\r\n",
        "PROXY TCP4 1.2.3.4\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.2 12345 8",
    ] {
        let mut raw = plane.connect().await;
        raw.write(header.as_bytes()).await;
        assert_eq!(raw.read_to_end().await, b"", "{header}");
    }
    plane
        .until("they are counted", |totals| totals.prefixes_refused == 3)
        .await;
    let mut late: RawConnection = plane.connect().await;
    tokio::time::sleep(OPTIONAL.wait + Duration::from_millis(200)).await;
    late.write(format!("{LINE}{}", request()).as_bytes()).await;
    let answer = String::from_utf8_lossy(&late.read_to_end().await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

/// L-06: where the header is required, a connection without one in time ends without an answer.
#[tokio::test]
async fn a_required_header() {
    let endpoint = Endpoint::named("served").await;
    let plane = setup(&endpoint, REQUIRED).start();
    assert_eq!(said(&plane, request()).await, "");
    assert_eq!(said(&plane, "").await, "");
    assert_eq!(endpoint.request_count(), 0);
    // Whoever looks whether we are there speaks for itself.
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    let answer = said(&plane, [&local[..], request().as_bytes()].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// D-039: where nobody says who clients are, a header is a bad request.
#[tokio::test]
async fn without_a_load_balancer_a_header_is_a_bad_request() {
    let endpoint = Endpoint::named("served").await;
    let plane = Plane::before(&endpoint);
    let answer = said(&plane, format!("{LINE}{}", request())).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(endpoint.request_count(), 0);
}
