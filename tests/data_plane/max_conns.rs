//! How many requests an endpoint has at a time, and until when each counts.

use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::{Endpoint, RawConnection, eventually};

use crate::support::{BOUND, Plane, Setup, head};

/// An endpoint that answers with a head and half a body.
async fn half() -> Endpoint {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab";
    Endpoint::with(|_| Answer::Raw(half.to_vec())).await
}

fn plane(endpoint: &Endpoint, until_head: bool) -> Plane {
    Setup::new()
        .endpoint("app.test", endpoint)
        .with(|settings| {
            settings.limits.endpoint_connections = 1;
            settings.limits.endpoint_connections_until_head = until_head;
        })
        .start()
}

/// A client that has the head of its answer and waits for the rest.
async fn within_a_body(plane: &Plane) -> RawConnection {
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(client.read_head().await.status, 200);
    assert_eq!(client.read_exactly(2).await, b"ab");
    client
}

/// D-202: with every endpoint at its bound, the request is told so. A request counts until its body has ended.
/// D-098: what there is of an answer is sent on, head and body, before there is more.
#[tokio::test]
async fn a_request_counts_until_its_body_has_ended() {
    let endpoint = half().await;
    let plane = plane(&endpoint, false);
    let client = within_a_body(&plane).await;
    let answer = plane.get("/").await;
    assert_eq!(answer.status, 503);
    let error = answer.header("X-Cf-RouterError");
    assert_eq!(error, Some("Connection Limit Reached"));
    drop(client);
    plane
        .until("it ends", |totals| totals.requests_in_flight == 0)
        .await;
    within_a_body(&plane).await;
    assert_eq!(endpoint.request_count(), 2);
}

/// D-375: in Gorouter's way a request counts until the head of its response has come.
#[tokio::test]
async fn a_request_may_count_until_the_head_of_its_response() {
    let endpoint = half().await;
    let plane = plane(&endpoint, true);
    let _bodies = [within_a_body(&plane).await, within_a_body(&plane).await];
    assert_eq!(endpoint.request_count(), 2);
    endpoint.script(|_| Answer::Silence);
    let mut waiting = plane.connect().await;
    waiting.write(head("GET /", &[]).as_bytes()).await;
    plane
        .until("a third attempt", |totals| totals.attempts == 3)
        .await;
    assert_eq!(plane.get("/").await.status, 503, "without a head it counts");
}

/// Decision 9: a tunnel counts until it has ended; in Gorouter's way until it stands.
#[tokio::test]
async fn a_tunnel_counts_as_a_body_does() {
    for (until_head, status) in [(false, 503), (true, 200)] {
        let endpoint = Endpoint::with(|head| match head.header("upgrade") {
            Some(_) => Answer::Upgrade,
            None => Reply::text("plain").into(),
        });
        let endpoint = endpoint.await;
        let plane = plane(&endpoint, until_head);
        let mut client = plane.connect().await;
        let fields = [
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ];
        client.write(head("GET /", &fields).as_bytes()).await;
        assert_eq!(client.read_head().await.status, 101);
        assert_eq!(plane.get("/").await.status, status);
        drop(client);
        eventually("room again", BOUND, async || {
            match plane.get("/").await.status {
                200 => Ok(()),
                other => Err(other.to_string()),
            }
        })
        .await;
    }
}
