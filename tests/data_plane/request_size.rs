//! Heads that their operator finds too large, though a data plane could hold them.

use pointsman_data_plane::RequestSize;
use pointsman_tests::Endpoint;

use crate::support::{APP, Plane, Setup, head};

async fn bounded(fields: Option<usize>) -> (Endpoint, Plane) {
    let endpoint = Endpoint::named("app").await;
    let size = RequestSize {
        bytes: 1024,
        fields,
    };
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.checks.request_size = Some(size))
        .start();
    (endpoint, plane)
}

/// D-229: a request under the bound passes.
/// D-230: a target or a query over it is a 431.
/// D-231: so is one header.
/// D-232: so are headers of one name together.
/// D-234: so is what reaches the bound in all.
/// D-238: the connection stays open.
/// CF-104: over the bound is a 431, under it is served.
/// OB-042: the log tells whose request it was, and an endpoint that did not get it.
#[tokio::test]
async fn a_head_over_the_bound_is_a_431() {
    let (endpoint, plane) = bounded(None).await;
    let long = "a".repeat(1000);
    let half = "b".repeat(500);
    let mut client = plane.connect().await;
    for (line, fields) in [
        (format!("GET /{long}"), vec![]),
        (format!("GET /?{long}"), vec![]),
        ("GET /".to_owned(), vec![format!("X-A: {long}")]),
        (
            "GET /".to_owned(),
            vec![format!("X-A: {half}"), format!("X-A: {half}")],
        ),
        (format!("GET /{half}"), vec![format!("X-A: {half}")]),
    ] {
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        client.write(head(&line, &fields).as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!((answer.status, &*answer.body), (431, &b""[..]), "{line}");
        assert_eq!(
            answer.header("X-Cf-RouterError"),
            Some("max-request-size-exceeded")
        );
        assert_eq!(answer.header("Connection"), None);
    }
    assert_eq!(endpoint.request_count(), 0);
    client
        .write(head(&format!("GET /{half}"), &[]).as_bytes())
        .await;
    assert_eq!(client.read_answer().await.body, b"app");
    let line = plane.line(" 431 ").await;
    for part in [
        format!(" \"{}\" x_forwarded_for:", endpoint.address()),
        format!(" app_id:\"{APP}\" "),
        " x_cf_routererror:\"max-request-size-exceeded\"".to_owned(),
    ] {
        assert!(line.contains(&part), "{part} is missing in\n{line}");
    }
}

/// D-233: more header lines than allowed are a 431; Host does not count, each line of a repeated name does.
#[tokio::test]
async fn too_many_fields_are_a_431() {
    let (_endpoint, plane) = bounded(Some(2)).await;
    let two = ["X-A: 1", "X-A: 2"];
    assert_eq!(plane.ask(head("GET /", &two)).await.status, 200);
    let three = ["X-A: 1", "X-A: 2", "X-B: 3"];
    assert_eq!(plane.ask(head("GET /", &three)).await.status, 431);
}

/// D-235: what is too large takes its turn of an endpoint, for the log, and goes to none. A request to nobody is a 404
/// first.
#[tokio::test]
async fn the_route_comes_first() {
    let (first, second) = (Endpoint::named("1").await, Endpoint::named("2").await);
    let size = RequestSize {
        bytes: 1024,
        fields: None,
    };
    let plane = Setup::new()
        .endpoint("app.test", &first)
        .endpoint("app.test", &second)
        .with(|settings| settings.checks.request_size = Some(size))
        .start();
    let long = "a".repeat(1000);
    let nobody = format!("GET /{long} HTTP/1.1\r\nHost: nobody.test\r\n\r\n");
    assert_eq!(plane.ask(nobody).await.status, 404);
    let one = plane.get("/").await.body;
    assert_eq!(
        plane.ask(head(&format!("GET /{long}"), &[])).await.status,
        431
    );
    assert_eq!(plane.get("/").await.body, one, "the turn was used up");
    assert_eq!(first.request_count() + second.request_count(), 2);
}
