//! What is held against endpoints that fail, and what is said about it.

use std::time::Duration;

use pointsman_tests::endpoint::{Answer, Head, Reply};
use pointsman_tests::{Authority, Endpoint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::logs;
use crate::support::{Plane, Setup, head};

const NAME: &str = "an-instance";

fn well(_: &Head) -> Answer {
    Reply::text("well").into()
}

/// D-413: an endpoint in clear text that resets a connection is marked: for the mark time others are chosen.
/// D-434: the failure is logged with the number of the attempt, and told to the control plane.
#[tokio::test]
async fn a_reset_leaves_a_mark() {
    logs::keep();
    let resetting = Endpoint::with(|_| Answer::Reset).await;
    let other = Endpoint::with(well).await;
    let mut plane = Setup::new()
        .endpoint("app.test", &resetting)
        .endpoint("app.test", &other)
        .start();
    for _ in 0..6 {
        // What was reset may have been acted on, and a POST is not repeated.
        let _ = plane.ask(head("POST /", &["Content-Length: 0"])).await;
    }
    assert_eq!(
        (resetting.request_count(), other.request_count()),
        (1, 5),
        "it is passed over"
    );
    let address = resetting.address().to_string();
    assert_eq!(plane.told("reset").await, [(address.clone(), "reset")]);
    let line = logs::line(&["backend-endpoint-failed", &address]).await;
    assert!(line.contains("\"attempt\":1"), "{line}");
    assert!(line.contains("\"reason\":\"reset\""), "{line}");
}

/// D-418: an endpoint over TLS that resets a connection is not set aside: it is the only one, and gets the next
/// request.
#[tokio::test]
async fn a_reset_is_no_doubt_of_an_identity() {
    let authority = Authority::new("authority");
    let config = authority.server(&[NAME]).server_config(None);
    let endpoint = Endpoint::with_tls(config, |_| Answer::Reset).await;
    let plane = Setup::new()
        .trust(&authority, None)
        .tls("app.test", &endpoint, NAME)
        .start();
    let request = head("POST /", &["Content-Length: 0"]);
    assert_eq!(plane.ask(&request).await.status, 502);
    endpoint.script(well);
    assert_eq!(plane.ask(&request).await.status, 200);
}

/// D-417: an endpoint that is set aside is logged, and told to the control plane.
/// D-464: a failure of an endpoint stands in the access log, with the endpoint.
/// D-475: another fault of TLS than a refused certificate is no 496.
#[tokio::test]
async fn what_is_set_aside_is_told() {
    logs::keep();
    let authority = Authority::new("authority");
    let config = authority.server(&["another"]).server_config(None);
    let endpoint = Endpoint::with_tls(config, well).await;
    let mut plane = Setup::new()
        .trust(&authority, None)
        .tls("app.test", &endpoint, NAME)
        .start();
    assert_eq!(plane.get("/wrong").await.status, 503);
    let address = endpoint.address().to_string();
    let line = logs::line(&["prune-failed-endpoint", &address]).await;
    assert!(line.contains("\"reason\":\"wrong_name\""), "{line}");
    assert!(line.contains("\"route\":\"app.test\""), "{line}");
    let told = plane.told("wrong_name").await;
    assert_eq!(told, [(address.clone(), "wrong_name")]);
    let line = plane.line("/wrong").await;
    assert!(line.contains(&format!(" \"{address}\" ")), "{line}");
    let error = "x_cf_routererror:\"endpoint_failure (x509";
    assert!(line.contains(error), "{line}");
}

/// A TLS endpoint that answers every greeting with a fatal alert of this number.
async fn alerting(alert: u8) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut greeting = [0; 5];
            let read = socket.read_exact(&mut greeting).await;
            // A record of TLS 1.2 with two bytes: a fatal alert.
            let sent = socket.write_all(&[21, 3, 3, 0, 2, 2, alert]).await;
            if read.is_ok() && sent.is_ok() {
                let _ends_with_the_peer = socket.read_to_end(&mut Vec::new()).await;
            }
        }
    });
    address
}

/// D-476: an endpoint that has no cipher in common says so with the alert 40, which is a failed handshake.
/// D-506: that is a 525.
/// D-474: one that does not trust our certificate says that with 42, 48 or 116.
/// D-475: another alert says nothing of our certificate.
/// D-470: and only an endpoint that does not speak TLS is one of clear text.
#[tokio::test]
async fn alerts_of_endpoints_are_told_apart() {
    let authority = Authority::new("authority");
    for (alert, status, counted) in [
        (40, 525, "handshake_failed"),
        (42, 496, "client_certificate"),
        (48, 496, "client_certificate"),
        (116, 496, "client_certificate"),
    ] {
        let plane = Setup::new()
            .trust(&authority, None)
            .thing("app.test", alerting(alert).await, |thing| {
                thing.tls = Some(NAME.to_owned());
            })
            .start();
        let answer = plane.get("/").await;
        assert_eq!(answer.status, status, "{alert}: {}", answer.head);
        let metric = format!("pointsman_failures_total{{reason=\"{counted}\"}}");
        assert_eq!(plane.metric(&metric), Some(1.0), "{alert}");
        let plain = "pointsman_failures_total{reason=\"not_tls\"}";
        assert_eq!(plane.metric(plain), Some(0.0), "{alert}");
    }
    // 80 is an internal error of the endpoint.
    let plane = Setup::new()
        .trust(&authority, None)
        .thing("app.test", alerting(80).await, |thing| {
            thing.tls = Some(NAME.to_owned());
        })
        .start();
    assert_ne!(plane.get("/").await.status, 496);
}

/// D-499: the endpoint of a route that is out of date refuses our certificate: the client is told by a 496, the request
/// is repeated where there is another, and the endpoint is out of the choice.
/// D-469: with a certificate that it trusts, a request gets its answer.
#[tokio::test]
async fn an_endpoint_that_refuses_our_certificate_is_set_aside() {
    let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
    let ours = authority.client(&["gorouter"]);
    let identity = authority.server(&[NAME]);
    let refusing = Endpoint::with_tls(identity.server_config(Some(&stranger)), well).await;
    let plane = Setup::new()
        .trust(&authority, Some(&ours))
        .tls("app.test", &refusing, NAME)
        .start();
    assert_eq!(plane.get("/").await.status, 496);
    assert_eq!(plane.get("/").await.status, 404, "nobody is left");

    let refusing = Endpoint::with_tls(identity.server_config(Some(&stranger)), well).await;
    let there = Endpoint::with_tls(identity.server_config(Some(&authority)), well).await;
    let plane = Setup::new()
        .trust(&authority, Some(&ours))
        .tls("app.test", &refusing, NAME)
        .tls("app.test", &there, NAME)
        .start();
    for _ in 0..4 {
        assert_eq!(plane.get("/").await.body, b"well");
    }
    assert_eq!(refusing.accepted_connections(), 1);
}

/// D-481: with the answer to a failure the connection of the client goes on, and nothing is said of it.
/// D-482: nothing follows the answer but the next one.
/// D-092: what was answered is answered.
/// D-103: errors that leave the connection open say nothing of it.
#[tokio::test]
async fn the_answer_to_a_failure_is_the_only_one() {
    let endpoint = Endpoint::with(|_| Answer::Close).await;
    let plane = Plane::before(&endpoint);
    let mut client = plane.connect().await;
    for round in 0..3 {
        if round == 2 {
            endpoint.script(well);
        }
        let request = head("POST /", &["Content-Length: 3"]) + "abc";
        client.write(request.as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, if round == 2 { 200 } else { 502 });
        assert_eq!(answer.header("Connection"), None);
    }
    client.finish().await.expect("an open connection");
    assert_eq!(client.read_to_end().await, b"");
}

/// clients that go away while an endpoint thinks are never held against it, however many.
#[tokio::test]
async fn a_crowd_that_goes_away_blames_nobody() {
    let full = pointsman_tests::environment("POINTSMAN_FULL").is_some();
    let crowd = if full { 1500 } else { 300 };
    let endpoint = Endpoint::with(|head| {
        let reply = Reply::text("well");
        if head.target == "/slow" {
            reply.after(Duration::from_millis(100)).into()
        } else {
            reply.into()
        }
    });
    let (endpoint, sibling) = (endpoint.await, Endpoint::with(well).await);
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .endpoint("app.test", &sibling)
        .start();
    for _ in 0..crowd {
        let mut client = plane.connect().await;
        client.write(head("GET /slow", &[]).as_bytes()).await;
        drop(client);
        assert_eq!(plane.get("/").await.status, 200);
    }
    plane
        .until("the last has gone", |totals| totals.requests_in_flight == 0)
        .await;
    let totals = plane.settled().await;
    assert_eq!((totals.bad_gateways, totals.ejections), (0, 0));
    endpoint.forget();
    for _ in 0..10 {
        assert_eq!(plane.get("/").await.status, 200);
    }
    assert_eq!(endpoint.request_count(), 5, "it has its turns");
}
