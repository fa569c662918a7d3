//! Trailers both ways.

use bytes::Bytes;
use h2::server::Builder;
use http::HeaderMap;
use pointsman_tests::Authority;

use super::server::{Server, config, response};
use super::{NAME, trusting};
use crate::http2::client::Front;
use crate::support::head;

/// Trailers pass in both directions, but for what is none.
#[tokio::test]
async fn trailers_pass_in_both_directions() {
    let authority = Authority::new("authority");
    let server = Server::echo(config(&authority.server(&[NAME]), &["h2"])).await;
    let plane = trusting(&authority).http2(server.address()).start();
    let mut client = plane.connect().await;
    let fields = [
        "Transfer-Encoding: chunked",
        "TE: trailers",
        "Trailer: X-Sum",
    ];
    let body = "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\nHost: other\r\n\r\n";
    client
        .write((head("POST /", &fields) + body).as_bytes())
        .await;
    let answer = client.read_head().await;
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    let body = client.read_until(b"\r\n\r\n").await;
    let body = String::from_utf8(body).expect("text");
    assert!(body.contains("abc") && body.contains("de"), "{body}");
    assert!(body.ends_with("0\r\nx-sum: 5\r\n\r\n"), "{body}");
    let seen = server.requests().remove(0);
    assert_eq!(seen.body, b"abcde");
    assert_eq!(seen.header("trailer"), Some("X-Sum"));
    assert_eq!(seen.header("content-length"), None);
    let trailers = seen.trailers.expect("trailers");
    assert_eq!(trailers.len(), 1);
    assert_eq!(trailers["x-sum"], "5");
}

/// A server whose answers have a length where their path says one, and a trailer where it has a query.
async fn measured(authority: &Authority) -> Server {
    let config = config(&authority.server(&[NAME]), &["h2"]);
    Server::start(config, Builder::new(), |exchange| async {
        let (whole, mut reply) = exchange.read().await;
        let uri = &whole.head.uri;
        let body = if uri.path().ends_with("0") {
            ""
        } else {
            "abcde"
        };
        let length = [("content-length", if body.is_empty() { "0" } else { "5" })];
        let fields: &[_] = if uri.path().starts_with("/length") {
            &length
        } else {
            &[]
        };
        let has_trailers = uri.query().is_some();
        let mut stream = reply
            .send_response(response(200, fields), false)
            .expect("a client");
        if !body.is_empty() {
            stream
                .send_data(Bytes::from_static(body.as_bytes()), false)
                .expect("a client");
        }
        if has_trailers {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "5".parse().expect("a value"));
            stream.send_trailers(trailers).expect("a client");
        } else {
            stream.send_data(Bytes::new(), true).expect("a client");
        }
    })
    .await
}

/// Over HTTP/2 trailers come behind a body whatever its head says of its length, and none is lost on the way; over
/// HTTP/1.1 there is no place for them behind a known length, and the answer is whole without them.
#[tokio::test]
async fn trailers_come_behind_a_known_length_too() {
    let authority = Authority::new("authority");
    let server = measured(&authority).await;
    let front = Front::of(trusting(&authority).http2(server.address()));
    let mut client = front.connect().await;
    let mut old = front.plane.connect().await;
    for (path, length, body) in [
        ("/length/5", Some("5"), "abcde"),
        ("/length/0", Some("0"), ""),
        ("/chunked/5", None, "abcde"),
        ("/chunked/0", None, ""),
    ] {
        for query in ["", "?trailers"] {
            let path = format!("{path}{query}");
            let answer = client.get(&path).await;
            assert_eq!((answer.status, &*answer.text()), (200, body), "{path}");
            assert_eq!(answer.header("content-length"), length, "{path}");
            let told = answer.trailers.as_ref();
            let told = told.and_then(|trailers| trailers.get("grpc-status"));
            assert_eq!(told.is_some(), !query.is_empty(), "{path}");
            old.write(head(&format!("GET {path}"), &[]).as_bytes())
                .await;
            let answer = old.read_answer().await;
            assert_eq!((answer.status, &*answer.body), (200, body.as_bytes()));
        }
    }
}
