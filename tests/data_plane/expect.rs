//! Connections to endpoints behind `Expect: 100-continue`.

use std::time::Duration;

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use crate::support::{Plane, Setup, head};

fn plane(endpoint: &Endpoint, keeps: bool) -> Plane {
    Setup::new()
        .endpoint("app.test", endpoint)
        .with(|settings| {
            settings.upstream.keep_alive_after_continue = keeps;
            settings.timeouts.wait_for_continue = Duration::from_millis(50);
        })
        .start()
}

async fn post(plane: &Plane, fields: &[&str]) {
    let fields = [fields, &["Content-Length: 3"]].concat();
    let mut client = plane.connect().await;
    client
        .write((head("POST /", &fields) + "abc").as_bytes())
        .await;
    let mut answer = client.read_head().await;
    while answer.status == 100 {
        answer = client.read_head().await;
    }
    assert_eq!(answer.status, 200);
    // The body of the answer is there when the endpoint has seen the request's.
    client.read_until(b"abc").await;
}

/// D-531: where it is configured, a request that expects 100-continue says close, and its connection is not used again.
/// D-532: neither does one that expects nothing, nor any where it is configured otherwise.
/// D-302: what the client says of the way before is kept.
/// D-530: what expects nothing goes on as ever.
#[tokio::test]
async fn connections_behind_a_continue() {
    for keeps in [true, false] {
        let endpoint = Endpoint::with(|_| Answer::Echo).await;
        let plane = plane(&endpoint, keeps);
        for _ in 0..2 {
            post(&plane, &[]).await;
            let seen = endpoint.last_request().head;
            assert_eq!(
                (seen.header("Expect"), seen.header("Connection")),
                (None, None)
            );
        }
        assert_eq!(endpoint.accepted_connections(), 1, "it is used again");
        for expect in ["Expect: 100-continue", "expect: 100-Continue"] {
            post(&plane, &[expect, "X-Forwarded-Host: h", "Forwarded: for=1"]).await;
            let seen = endpoint.last_request().head;
            assert!(seen.header("Expect").is_some());
            let kept = [seen.header("X-Forwarded-Host"), seen.header("Forwarded")];
            assert_eq!(kept, [Some("h"), Some("for=1")]);
            let said = if keeps { None } else { Some("close") };
            assert_eq!(seen.header("Connection"), said);
        }
        post(&plane, &[]).await;
        // The first to expect something came on the connection that there was.
        let expected = if keeps { 1 } else { 3 };
        assert_eq!(endpoint.accepted_connections(), expected, "keeps: {keeps}");
        let requests = endpoint.requests();
        assert!(requests.iter().all(|request| request.body == b"abc"));
    }
}
