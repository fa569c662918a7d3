//! Field names that apps cannot tell from others.

use pointsman_data_plane::{Settings, Underscores};
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use crate::support::{Setup, head};

const FIELDS: [&str; 4] = [
    "Content_Length: 9",
    "X_Forwarded_For: 6.6.6.6",
    "X-Fine: 1",
    "x_forwarded_client_cert: me",
];

/// fields whose names have a `_` pass and are counted, or are left out, or are a 400, as is configured.
#[tokio::test]
async fn names_with_an_underscore() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    for (underscores, status) in [
        (Underscores::Pass, 200),
        (Underscores::Drop, 200),
        (Underscores::Refuse, 400),
    ] {
        endpoint.forget();
        let change = |settings: &mut Settings| settings.checks.underscores = underscores;
        let plane = Setup::new()
            .endpoint("app.test", &endpoint)
            .with(change)
            .start();
        let mut client = plane.connect().await;
        client.write(head("GET /", &FIELDS).as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, status, "{underscores:?}");
        assert_eq!(plane.settled().await.underscored_names, 1);
        if underscores == Underscores::Refuse {
            assert_eq!(answer.header("X-Cf-RouterError"), Some("bad_request"));
            assert_eq!(endpoint.request_count(), 0);
        } else {
            let seen = endpoint.last_request().head;
            let passed = underscores == Underscores::Pass;
            assert_eq!(seen.header("X-Fine"), Some("1"));
            for name in [
                "Content_Length",
                "X_Forwarded_For",
                "X_Forwarded_Client_Cert",
            ] {
                assert_eq!(seen.header(name).is_some(), passed, "{name}");
            }
        }
        client
            .write(head("GET /", &["X-Fine: 1", "Cookie: a_b"]).as_bytes())
            .await;
        assert_eq!(client.read_answer().await.status, 200, "others are fine");
        assert_eq!(plane.settled().await.underscored_names, 1);
    }
}
