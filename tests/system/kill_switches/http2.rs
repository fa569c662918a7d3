//! HTTP/2 with clients, switched off for a while.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pointsman_tests::fleet::{BOUND, More};
use pointsman_tests::{Authority, Broker, Fleet};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{end, placed};

/// What is agreed on with a data plane that speaks TLS.
async fn agreed(router: SocketAddr, config: &Arc<ClientConfig>) -> Vec<u8> {
    let stream = TcpStream::connect(router).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(Arc::clone(config));
    let stream = connector.connect(name, stream).await.expect("a handshake");
    let agreed = stream.get_ref().1.alpn_protocol();
    agreed.unwrap_or_default().to_vec()
}

/// HTTP/2 is disabled by one command: it is not offered, and who speaks it is told to go
#[tokio::test(flavor = "multi_thread")]
async fn http2_is_disabled_for_a_while() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new("clients believe it");
    let site = authority
        .server(&["localhost"])
        .write(folder.path(), "site");
    let more = format!(
        "http2: {{enabled: true, h2c: true}}
tls:
  listen: ['127.0.0.1:0']
  certificates: [{{certificate: {}, key: {}}}]
",
        site.certificate.display(),
        site.key.display()
    );
    let more = More {
        data_plane: &more,
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 1, more).await;
    let data_plane = &fleet.data_planes[0];
    let mut config = ClientConfig::clone(&authority.client_config(None));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let https = data_plane.address("https");
    assert_eq!(agreed(https, &config).await, b"h2");

    // One that speaks it, without a request, is told at once.
    let stream = TcpStream::connect(fleet.routers()[0]).await;
    let stream = TokioIo::new(stream.expect("a connection"));
    let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
    let (sender, connection) = shaken.expect("HTTP/2 in clear text");
    let mut sender: hyper::client::conn::http2::SendRequest<Full<Bytes>> = sender;
    let ended = tokio::spawn(connection);
    let request = Request::get("http://nowhere.example.com/");
    let request = request.body(Full::new(Bytes::new())).expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let order = json!({"kind": "disable-http2", "reason": "a flood of resets"});
    let disabled = placed(data_plane, &order).await;
    let ended = tokio::time::timeout(BOUND, ended).await;
    drop(ended.expect("the connection to end").expect("no panic"));
    assert_eq!(agreed(https, &config).await, b"http/1.1");

    end(data_plane, &disabled).await;
    assert_eq!(agreed(https, &config).await, b"h2");
}
