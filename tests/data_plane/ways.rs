//! Which way a request took, for whoever knows the key.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Reply};

use crate::support::{Plane, Setup, head};

const TOLD: [&str; 3] = ["X-Vcap-Router", "X-Vcap-Backend", "X-Cf-RouteEndpoint"];

/// A data plane with this key.
fn plane(endpoint: &Endpoint, key: Option<&str>) -> Plane {
    Setup::new()
        .endpoint("app.test", endpoint)
        .with(|settings| settings.headers.trace_key = key.map(Into::into))
        .start()
}

/// D-323: with the key, the answer names the router and the endpoint.
/// C-516: the router in one field, the endpoint in the two others.
#[tokio::test]
async fn whoever_knows_the_key_is_told() {
    let script = |_: &_| {
        Reply::text("x")
            .with_header("X-Vcap-Backend", "mine")
            .into()
    };
    let endpoint = Endpoint::with(script).await;
    let plane = plane(&endpoint, Some("secret"));
    let answer = plane.ask(head("GET /", &["X-Vcap-Trace: secret"])).await;
    let address = endpoint.address().to_string();
    let told = TOLD.map(|name| answer.header(name).unwrap_or_default());
    assert_eq!(told, ["127.0.0.1", &address, &address]);
    assert_eq!(answer.head.matches("X-Vcap-Backend: ").count(), 1);
    let seen = endpoint.last_request().head;
    assert_eq!(
        seen.header("X-Vcap-Trace"),
        Some("secret"),
        "it is passed on"
    );
    endpoint.script(|_| Answer::Upgrade);
    let fields = [
        "X-Vcap-Trace: secret",
        "Connection: upgrade",
        "Upgrade: websocket",
    ];
    let mut client = plane.connect().await;
    client.write(head("GET /", &fields).as_bytes()).await;
    let answer = client.read_head().await;
    assert_eq!(answer.header("X-Vcap-Backend"), Some(&*address));
}

/// D-324: with another key nothing is told.
/// D-325: without a configured one nobody is, whatever is asked.
#[tokio::test]
async fn nobody_else_is_told() {
    let endpoint = Endpoint::named("x").await;
    for (key, fields) in [
        (Some("secret"), &["X-Vcap-Trace: Secret"][..]),
        (Some("secret"), &["X-Vcap-Trace:"]),
        (Some("secret"), &[]),
        (None, &["X-Vcap-Trace: secret"]),
        (None, &["X-Vcap-Trace:"]),
        (None, &[]),
    ] {
        let answer = plane(&endpoint, key).ask(head("GET /", fields)).await;
        for name in TOLD {
            assert_eq!(answer.header(name), None, "{key:?} {fields:?}");
        }
    }
}
