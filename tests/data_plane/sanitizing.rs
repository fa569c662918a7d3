//! What a client says about itself, and how much of it an endpoint gets to see.

use pointsman_data_plane::ForwardedClientCert;
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Head};

use crate::support::{Setup, head};

async fn seen(setup: impl FnOnce(Setup) -> Setup, fields: &[&str], body: &str) -> Head {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = setup(Setup::new().endpoint("app.test", &endpoint)).start();
    let request = head("POST /", fields) + body;
    let mut client = plane.connect().await;
    client.write(request.as_bytes()).await;
    let mut answer = client.read_answer().await;
    if answer.status == 100 {
        answer = client.read_answer().await;
    }
    assert_eq!(answer.status, 200);
    endpoint.last_request().head
}

/// D-264: with `sanitize_set`, a client in clear text gets no certificate through, with and without 100-continue.
/// D-265: nor with `forward`.
/// D-266: with `always_forward` what it sent survives.
#[tokio::test]
async fn a_certificate_that_was_not_shown_is_removed() {
    const SENT: &str = "X-Forwarded-Client-Cert: forged";
    for (mode, expected) in [
        (ForwardedClientCert::SanitizeSet, None),
        (ForwardedClientCert::Forward, None),
        (ForwardedClientCert::AlwaysForward, Some("forged")),
    ] {
        for expectation in ["X-None: 1", "Expect: 100-continue"] {
            let fields = [
                SENT,
                "Connection: X-Forwarded-Client-Cert",
                expectation,
                "Content-Length: 1",
            ];
            let set =
                |setup: Setup| setup.with(|settings| settings.headers.forwarded_client_cert = mode);
            let head = seen(set, &fields, "x").await;
            let found = head.header("X-Forwarded-Client-Cert");
            assert_eq!(found, expected, "{mode:?} {expectation}");
        }
    }
    let set = |setup: Setup| {
        setup.with(|settings| {
            settings.headers.forwarded_client_cert = ForwardedClientCert::SanitizeSet;
        })
    };
    let head = seen(set, &["Content-Length: 0"], "").await;
    assert_eq!(head.header("X-Forwarded-Client-Cert"), None);
}

/// D-268: names of the list cannot be removed by a client, others can.
#[tokio::test]
async fn a_client_cannot_remove_what_is_on_the_list() {
    let fields = [
        "Connection: keep-alive, x-mine, X-Foo",
        "X-Mine: 1",
        "X-Foo: 2",
        "Content-Length: 0",
    ];
    let keep = |setup: Setup| {
        setup.with(|settings| {
            settings.headers.kept_from_connection = vec!["X-Mine".to_owned()];
        })
    };
    let head = seen(keep, &fields, "").await;
    assert_eq!(head.header("X-Mine"), Some("1"));
    assert_eq!(head.header("X-Foo"), None);
    let head = seen(|setup| setup, &fields, "").await;
    assert_eq!((head.header("X-Mine"), head.header("X-Foo")), (None, None));
}

/// where certificates are set by the router only, no shape of a client's value gets through in clear text.
#[tokio::test]
async fn no_shape_of_a_certificate_gets_through() {
    for mode in [
        ForwardedClientCert::SanitizeSet,
        ForwardedClientCert::Forward,
    ] {
        let endpoint = Endpoint::named("seen").await;
        let plane = Setup::new()
            .endpoint("app.test", &endpoint)
            .with(|settings| settings.headers.forwarded_client_cert = mode)
            .start();
        let fields = [
            "X-Forwarded-Client-Cert: forged",
            "x-forwarded-client-cert: forged",
            "X-FORWARDED-CLIENT-CERT:forged",
            "X-Forwarded-client-cert: ,forged",
            "Connection: x-forwarded-client-cert, close",
            "Trailer: X-Forwarded-Client-Cert, X-Sum",
            "TE: trailers",
            "Transfer-Encoding: chunked",
        ];
        let body = "1\r\nx\r\n0\r\nX-Sum: 1\r\nX-Forwarded-Client-Cert: forged\r\n\r\n";
        let answer = plane.ask(head("POST /", &fields) + body).await;
        assert_eq!(answer.status, 200);
        let seen = endpoint.last_request();
        let bytes = [&seen.head.bytes[..], &seen.body].concat();
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        assert!(!text.contains("forged"), "{mode:?}: {text}");
        assert!(text.contains("x-sum: 1"), "{mode:?}: {text}");
        for refused in [
            "X-Forwarded-Client-Cert : forged",
            "X-Forwarded-Client-Cert\0: forged",
        ] {
            assert_eq!(plane.ask(head("GET /", &[refused])).await.status, 400);
        }
        assert_eq!(endpoint.request_count(), 1);
    }
}
