//! Bodies of requests that nobody reads to their end, and clients that leave in the middle of one.

use bytes::Bytes;
use http::HeaderMap;
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Reply};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::client::{Front, bare, request, send_all, whole};
use crate::support::{BOUND, Setup};

/// What HTTP/1.1 has no place for stays behind: trailers of a body whose length was said are no bytes of it, nor of what
/// comes after it on the connection.
#[tokio::test]
async fn trailers_behind_a_known_length_end_with_it() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let front = Front::before(&endpoint);
    let mut client = front.connect().await;
    for path in ["/one", "/two"] {
        let post = request("POST", path).header("content-length", 3);
        let (response, mut sending) = client.begin(bare(post), false).await;
        sending
            .send_data(Bytes::from_static(b"abc"), false)
            .expect("it is taken");
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "7".parse().expect("a value"));
        sending.send_trailers(trailers).expect("they are taken");
        let answer = whole(response.await.expect("an answer")).await;
        assert_eq!(answer.expect("whole").status, 200);
        let seen = endpoint.last_request();
        assert_eq!((&*seen.head.target, &*seen.body), (path, &b"abc"[..]));
    }
    assert_eq!(endpoint.accepted_connections(), 1, "the same one");
}

/// L-16: what a client sent of bodies that nobody took is given back to its connection: others have all of its window.
#[tokio::test]
async fn windows_of_abandoned_bodies_are_given_back() {
    const PIECE: usize = 60 * 1024;
    let endpoint = Endpoint::with(|head| match &*head.target {
        "/early" => Answer::Early(Reply::status(413).with_body("too much")),
        _ => Answer::Echo,
    })
    .await;
    let front = Front::before(&endpoint);
    let mut client = front.connect().await;
    // Two and a half times the window.
    for _ in 0..40 {
        let (response, mut sending) = client.begin(bare(request("POST", "/early")), false).await;
        let all = async {
            // It may be told before that the rest is of no use.
            let _stopped = send_all(&mut sending, &vec![b'x'; PIECE], false).await;
            whole(response.await.expect("an answer")).await
        };
        let answer = tokio::time::timeout(BOUND, all).await.expect("in time");
        assert_eq!(answer.expect("whole").status, 413);
    }
    let body = vec![b'y'; 2 << 20];
    let post = request("POST", "/").header("content-length", body.len());
    let (response, mut sending) = client.begin(bare(post), false).await;
    let both = async {
        let (sent, answer) = tokio::join!(send_all(&mut sending, &body, true), async {
            whole(response.await?).await
        });
        sent.expect("it is taken");
        answer.expect("whole")
    };
    let answer = tokio::time::timeout(BOUND, both).await.expect("in time");
    assert_eq!(answer.status, 200);
    assert_eq!(endpoint.last_request().body.len(), body.len());
}

/// A client whose whole connection ends has gone away with each of its requests: 499, and nobody is to blame.
#[tokio::test]
async fn a_connection_that_ends_takes_its_requests_along() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let front = Front::of(Setup::new().thing("app.test", address, |_| {}));
    let mut client = front.connect().await;
    let mut waiting = Vec::new();
    let mut sockets = Vec::new();
    for (method, ends) in [("GET", true), ("POST", false)] {
        let path = format!("/{method}");
        waiting.push(client.begin(bare(request(method, &path)), ends).await);
        let (mut socket, _) = listener.accept().await.expect("the data plane");
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            socket.read_buf(&mut seen).await.expect("a head");
        }
        sockets.push(socket);
    }
    client.ended.abort();
    for method in ["GET", "POST"] {
        let line = front.plane.line(&format!("/{method}")).await;
        assert!(line.contains("HTTP/2.0\" 499 0 0"), "{line}");
    }
    for mut socket in sockets {
        let ended = tokio::time::timeout(BOUND, socket.read_buf(&mut Vec::new())).await;
        // A reset is as good an end as any.
        assert!(matches!(ended.expect("it is left alone"), Ok(0) | Err(_)));
    }
    let totals = front.plane.settled().await;
    assert_eq!(
        (totals.retries, totals.ejections, totals.attempts),
        (0, 0, 2)
    );
}
