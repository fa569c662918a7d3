//! The access log, as a running data plane writes it.

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use crate::support::{APP, Plane, head};

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
