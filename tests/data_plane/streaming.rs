//! Answers piece by piece.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{BOUND, Plane, Setup, head};

/// D-343: every piece of an answer is passed on at once, whether its length is known or not.
#[tokio::test]
async fn pieces_are_passed_on_at_once() {
    for (framing, pieces) in [
        (
            "Transfer-Encoding: chunked",
            ["2\r\nab\r\n", "2\r\ncd\r\n", "0\r\n\r\n"],
        ),
        ("Content-Length: 5", ["ab", "cd", "e"]),
        (
            "Content-Type: text/event-stream\r\nConnection: close",
            ["ab", "cd", "e"],
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let plane = Setup::new().thing("app.test", address, |_| {}).start();
        let mut client = plane.connect().await;
        client.write(head("GET /", &[]).as_bytes()).await;
        let (mut endpoint, _) = listener.accept().await.expect("the data plane");
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            endpoint.read_buf(&mut seen).await.expect("a head");
        }
        let start = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n");
        endpoint
            .write_all(start.as_bytes())
            .await
            .expect("the data plane");
        assert_eq!(client.read_head().await.status, 200, "the head comes alone");
        for piece in pieces
            .iter()
            .filter(|piece| piece.len() > 1 && !piece.starts_with('0'))
        {
            endpoint
                .write_all(piece.as_bytes())
                .await
                .expect("the data plane");
            let data = piece.trim_start_matches("2\r\n").trim_end();
            // The endpoint has said nothing more, and will not until this has arrived.
            let arrived = tokio::time::timeout(BOUND, client.read_until(data.as_bytes()));
            arrived.await.expect("it was passed on");
        }
    }
}

/// D-319: an answer without a Content-Type gets none, whatever its body looks like.
/// D-320: nor does a 204.
#[tokio::test]
async fn no_type_is_guessed() {
    let xml = "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n<?xml version=\"1.0\"?><a/>";
    for (bytes, status) in [(xml, 200), ("HTTP/1.1 204 No Content\r\n\r\n", 204)] {
        let endpoint = Endpoint::with(move |_| Answer::Raw(bytes.into())).await;
        let plane = Plane::before(&endpoint);
        for fields in [&[][..], &["Expect: 100-continue", "Content-Length: 1"]] {
            let body = if fields.is_empty() { "" } else { "x" };
            let mut client = plane.connect().await;
            client
                .write((head("POST /", fields) + body).as_bytes())
                .await;
            let mut answer = client.read_head().await;
            while answer.status == 100 {
                answer = client.read_head().await;
            }
            assert_eq!(
                (answer.status, answer.header("Content-Type")),
                (status, None)
            );
        }
    }
}
