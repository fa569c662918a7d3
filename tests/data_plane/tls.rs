//! Endpoints over TLS: reached only if they prove to be who they are registered as.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pointsman_tests::certs::Identity;
use pointsman_tests::endpoint::{Answer, Head, Reply};
use pointsman_tests::{Authority, Endpoint};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::ProducesTickets;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Plane, Setup, head};

const NAME: &str = "9f0b7f0e-instance";

fn safe(_: &Head) -> Answer {
    Reply::text("safe").into()
}

async fn endpoint(identity: &Identity) -> Endpoint {
    Endpoint::with_tls(identity.server_config(None), safe).await
}

/// A data plane that trusts `authority`, before an endpoint that is registered as [`NAME`].
fn plane(authority: &Authority, endpoint: &Endpoint) -> Plane {
    Setup::new()
        .trust(authority, None)
        .tls("app.test", endpoint, NAME)
        .start()
}

/// D-495: an endpoint with the registered name is reached.
/// D-501: the name as DNS SAN is enough.
/// D-503: whatever its common name.
/// D-511: its connection is used again.
#[tokio::test]
async fn the_registered_name_is_reached() {
    let authority = Authority::new("authority");
    let endpoint = endpoint(&authority.server(&["other-common-name", NAME])).await;
    let plane = plane(&authority, &endpoint);
    let mut client = plane.connect().await;
    for _ in 0..3 {
        client
            .write((head("POST /", &["Content-Length: 3"]) + "abc").as_bytes())
            .await;
        assert_eq!(client.read_answer().await.body, b"safe");
    }
    assert_eq!(endpoint.accepted_connections(), 1);
}

/// no byte of a request reaches an endpoint that does not prove the registered name.
/// such an endpoint is set aside at once.
/// D-494: an unknown authority is a 526.
/// D-500: another name is a 503.
/// D-502: a common name does not count.
/// D-504: an address as only SAN is another name.
/// D-507: the next request gets what an empty pool gets.
/// D-477: an expired certificate is a 526.
#[tokio::test]
async fn another_identity_is_not_reached() {
    let authority = Authority::new("authority");
    let stranger = Authority::new("stranger");
    let wildcard = "*.instance";
    for (identity, registered, status, what) in [
        (
            authority.server(&["another-instance"]),
            NAME,
            503,
            "another name",
        ),
        (
            authority.server(&["9f0b7f0e-instance-2"]),
            NAME,
            503,
            "a longer name",
        ),
        (
            authority.server(&[wildcard]),
            "one.instance",
            503,
            "a wildcard",
        ),
        (authority.server(&["127.0.0.1"]), NAME, 503, "an address"),
        (authority.expired_server(&[NAME]), NAME, 526, "expired"),
        (stranger.server(&[NAME]), NAME, 526, "an unknown authority"),
        (
            authority.client(&[NAME]),
            NAME,
            526,
            "a client's certificate",
        ),
    ] {
        let endpoint = endpoint(&identity).await;
        let plane = Setup::new()
            .trust(&authority, None)
            .tls("app.test", &endpoint, registered)
            .start();
        let answer = plane.get("/").await;
        assert_eq!(answer.status, status, "{what}");
        let error = answer.header("X-Cf-RouterError").expect("an error");
        assert!(
            error.starts_with("endpoint_failure (x509"),
            "{what}: {error}"
        );
        assert_eq!(endpoint.request_count(), 0, "{what}");
        assert_eq!(plane.get("/").await.status, 404, "{what}: set aside");
        let totals = plane.settled().await;
        let counted = [totals.backend_invalid_id, totals.backend_invalid_tls_cert];
        assert_eq!(
            counted,
            if status == 503 { [1, 0] } else { [0, 1] },
            "{what}"
        );
    }
}

/// the request goes to another endpoint, whatever its method.
#[tokio::test]
async fn another_endpoint_gets_the_request() {
    let authority = Authority::new("authority");
    let wrong = endpoint(&authority.server(&["another-instance"])).await;
    let right = endpoint(&authority.server(&[NAME])).await;
    let plane = Setup::new()
        .trust(&authority, None)
        .tls("app.test", &wrong, NAME)
        .tls("app.test", &right, NAME)
        .start();
    for _ in 0..4 {
        let answer = plane
            .ask(head("POST /", &["Content-Length: 3"]) + "abc")
            .await;
        assert_eq!(answer.body, b"safe");
    }
    assert_eq!((wrong.request_count(), right.request_count()), (0, 4));
    assert_eq!(
        wrong.accepted_connections(),
        1,
        "it is set aside after the first"
    );
}

/// D-505: an endpoint that does not speak TLS is a 525.
/// it is never reached in clear text.
/// D-470: an endpoint of clear text is told from other faults of TLS.
#[tokio::test]
async fn clear_text_is_no_substitute() {
    let authority = Authority::new("authority");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let plane = Setup::new()
        .trust(&authority, None)
        .thing("app.test", address, |thing| {
            thing.tls = Some(NAME.to_owned());
        })
        .start();
    let plain = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("the data plane");
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        socket.write_all(answer).await.expect("an answer");
        let mut seen = Vec::new();
        let _reset = socket.read_to_end(&mut seen).await;
        seen
    });
    let answer = plane.get("/secret").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (525, &b"525 SSL Handshake Failed\n"[..])
    );
    let seen = plain.await.expect("the endpoint goes on");
    assert!(!seen.windows(7).any(|window| window == b"/secret"));
}

/// without a configured CA no TLS endpoint is reached at all.
#[tokio::test]
async fn without_a_ca_nobody_is_trusted() {
    let authority = Authority::new("authority");
    let endpoint = endpoint(&authority.server(&[NAME])).await;
    let plane = Setup::new().tls("app.test", &endpoint, NAME).start();
    assert_eq!(plane.get("/").await.status, 526);
    assert_eq!(endpoint.request_count(), 0);
}

/// an endpoint that is registered without a name has to prove its address.
#[tokio::test]
async fn without_a_name_the_address_is_proven() {
    let authority = Authority::new("authority");
    for (names, status) in [
        (["127.0.0.1"], 200),
        (["10.0.0.1"], 503),
        (["some-name"], 503),
    ] {
        let endpoint = endpoint(&authority.server(&names)).await;
        let plane = Setup::new()
            .trust(&authority, None)
            .tls("app.test", &endpoint, "")
            .start();
        assert_eq!(plane.get("/").await.status, status, "{names:?}");
    }
}

/// D-496: an endpoint that demands our certificate gets it.
/// D-498: without one it is a 496.
/// D-497: with one that it does not trust, too.
/// D-473: under TLS 1.3, where the refusal comes after the handshake.
/// D-469: with one that it trusts the request is answered.
/// D-474: one that it does not trust is told as such.
#[tokio::test]
async fn endpoints_may_demand_our_certificate() {
    let authority = Authority::new("authority");
    let stranger = Authority::new("stranger");
    let identity = authority.server(&[NAME]);
    let ours = authority.client(&["gorouter"]);
    let unknown = stranger.client(&["gorouter"]);
    for (shown, status) in [(Some(&ours), 200), (None, 496), (Some(&unknown), 496)] {
        let config = identity.server_config(Some(&authority));
        let endpoint = Endpoint::with_tls(config, safe).await;
        let plane = Setup::new()
            .trust(&authority, shown)
            .tls("app.test", &endpoint, NAME)
            .start();
        assert_eq!(plane.get("/").await.status, status);
        assert_eq!(endpoint.request_count(), usize::from(status == 200));
    }
}

/// Tickets that say how often one was offered.
#[derive(Debug)]
struct Offered(Arc<dyn ProducesTickets>, AtomicUsize);

impl ProducesTickets for Offered {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.0.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.decrypt(cipher)
    }
}

/// no session with an endpoint goes on from an earlier one, so that no proof is skipped.
#[tokio::test]
async fn every_connection_proves_who_the_endpoint_is() {
    let authority = Authority::new("authority");
    let mut config = ServerConfig::clone(&authority.server(&[NAME]).server_config(None));
    let tickets = Arc::new(Offered(
        Ticketer::new().expect("tickets"),
        AtomicUsize::new(0),
    ));
    config.ticketer = Arc::<Offered>::clone(&tickets) as Arc<dyn ProducesTickets>;
    let closing = |_: &Head| {
        Reply::text("safe")
            .with_header("Connection", "close")
            .into()
    };
    let endpoint = Endpoint::with_tls(Arc::new(config), closing).await;
    let plane = plane(&authority, &endpoint);
    for _ in 0..3 {
        assert_eq!(plane.get("/").await.status, 200);
    }
    assert_eq!(endpoint.accepted_connections(), 3);
    assert_eq!(tickets.1.load(Ordering::Relaxed), 0);
}
