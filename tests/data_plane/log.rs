//! The access log, as a running data plane writes it.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use crate::support::{APP, Plane, Setup, head};

/// D-096: a line shows the bytes of the bodies.
/// D-116: it begins with the time of the request's receipt.
/// D-159: a line shows the fields that were sent to the endpoint.
#[tokio::test]
async fn a_proxied_request() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Plane::before(&endpoint);
    let fields = [
        "Referer: http://r/",
        "User-Agent: a\"b",
        "X-Forwarded-For: 1.2.3.4",
        "X-Vcap-Request-Id: spoofed",
        "Content-Length: 3",
    ];
    let answer = plane.ask(head("POST /a?b=c", &fields) + "abc").await;
    let line = plane.line("/a?b=c").await;
    let address = endpoint.address();
    let id = answer
        .header("X-Vcap-Request-Id")
        .expect("an id")
        .to_owned();
    let sent = answer.body.len();
    assert!(line.starts_with("app.test - [20"), "{line}");
    let time = line.split(['[', ']']).nth(1).expect("a time");
    assert_eq!((time.len(), time.ends_with('Z')), (30, true), "{line}");
    for part in [
        format!("] \"POST /a?b=c HTTP/1.1\" 200 3 {sent} \"http://r/\" \"a\\\"b\" \"127.0.0.1:"),
        format!(
            " \"{address}\" x_forwarded_for:\"1.2.3.4, 127.0.0.1\" x_forwarded_proto:\"http\" "
        ),
        format!(" vcap_request_id:\"{id}\" response_time:0."),
        format!(" app_id:\"{APP}\" app_index:\"0\" instance_id:\"instance-{address}\" "),
    ] {
        assert!(line.contains(&part), "{part} is missing in\n{line}");
    }
    assert!(line.ends_with(" x_cf_routererror:\"-\""), "{line}");
}

/// A request that was not forwarded shows the client's fields
/// and no endpoint.
#[tokio::test]
async fn a_refused_request() {
    let endpoint = Endpoint::named("x").await;
    let plane = Plane::before(&endpoint);
    plane
        .ask("GET /x HTTP/1.1\r\nHost: nope.test\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n")
        .await;
    let line = plane.line("nope.test").await;
    assert!(
        line.contains("\"GET /x HTTP/1.1\" 404 0 61 \"-\" \"-\" \"127.0.0.1:"),
        "{line}"
    );
    assert!(
        line.contains(" \"-\" x_forwarded_for:\"1.2.3.4\" x_forwarded_proto:\"-\" "),
        "{line}"
    );
    assert!(
        line.contains(" gorouter_time:0.000000 app_id:\"-\" app_index:\"-\" "),
        "{line}"
    );
    assert!(
        line.ends_with(" x_cf_routererror:\"unknown_route\""),
        "{line}"
    );
}

/// D-162: a semicolon in a target is warned of in the log, and the request goes its way as it is.
/// D-163: without one, or where nobody asked for it, nothing is.
#[tokio::test]
async fn a_semicolon_is_shown_as_deprecated() {
    let endpoint = Endpoint::named("app").await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.checks.semicolons = true)
        .start();
    let answer = plane.get("/?a;b").await;
    assert_eq!(
        (answer.status, answer.header("X-Cf-RouterError")),
        (200, None)
    );
    assert_eq!(endpoint.last_request().head.target, "/?a;b");
    let shown = " x_cf_routererror:\"deprecated-semicolon-params\"";
    let line = plane.line("/?a;b").await;
    assert!(line.ends_with(shown), "{line}");
    plane.get("/?a=b").await;
    let line = plane.line("/?a=b").await;
    assert!(line.ends_with(" x_cf_routererror:\"-\""), "{line}");
    let nobody = "GET /;c HTTP/1.1\r\nHost: nobody.test\r\n\r\n";
    plane.ask(nobody).await;
    let line = plane.line("/;c").await;
    assert!(line.ends_with("\"unknown_route\""), "{line}");
    let unasked = Plane::before(&endpoint);
    unasked.get("/?a;b").await;
    let line = unasked.line("/?a;b").await;
    assert!(line.ends_with(" x_cf_routererror:\"-\""), "{line}");
}
