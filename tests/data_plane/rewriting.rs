//! Fields of answers that are removed and added.

use pointsman_data_plane::Rewrite;
use pointsman_tests::Endpoint;
use pointsman_tests::client::RawAnswer;
use pointsman_tests::endpoint::{Answer, Reply};

use crate::support::{Plane, Setup, head};

fn before(endpoint: &Endpoint, remove: &[&str], add: &[(&str, &str)]) -> Plane {
    let mut rewrite = Rewrite::default();
    for name in remove {
        rewrite.remove(name).expect("a name");
    }
    for (name, value) in add {
        rewrite.add(name, value).expect("a field");
    }
    Setup::new()
        .endpoint("app.test", endpoint)
        .with(|settings| settings.headers.rewrite = Some(rewrite))
        .start()
}

async fn answering() -> Endpoint {
    Endpoint::with(|_| {
        Reply::text("x")
            .with_header("Server", "app")
            .with_header("X-Own", "app")
            .with_header("X-Cf-Proxy-Signature", "secret")
            .into()
    })
    .await
}

fn all<'a>(answer: &'a RawAnswer, name: &str) -> Vec<&'a str> {
    let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

/// D-097: an answer is changed when its head is written.
/// D-169: it goes its way otherwise.
/// D-170: what the endpoint says stays.
/// D-171: what it does not say is added, and the rest stays.
/// D-172: the same name listed twice means both values.
/// D-175: a field on the list of removals does not reach the client.
/// D-176: in any case.
/// D-177: a field on both lists is replaced.
/// D-178: X-CF-Proxy-Signature never reaches the client.
#[tokio::test]
async fn an_endpoints_answer_is_rewritten() {
    let endpoint = answering().await;
    let add = [
        ("X-Own", "router"),
        ("Strict-Transport-Security", "max-age=31536000"),
        ("Via", "1"),
        ("Via", "2"),
        ("server", "router"),
    ];
    let plane = before(&endpoint, &["SERVER"], &add);
    let answer = plane.get("/").await;
    assert_eq!((answer.status, &*answer.body), (200, &b"x"[..]));
    assert_eq!(all(&answer, "X-Own"), ["app"]);
    assert_eq!(
        all(&answer, "Strict-Transport-Security"),
        ["max-age=31536000"]
    );
    assert_eq!(all(&answer, "Via"), ["1", "2"]);
    assert_eq!(all(&answer, "Server"), ["router"]);
    assert_eq!(all(&answer, "X-Cf-Proxy-Signature"), [""; 0]);
    assert_eq!(all(&answer, "X-Vcap-Request-Id").len(), 1);
    let removing = before(&endpoint, &["server", "x-own"], &[]);
    let answer = removing.get("/").await;
    assert_eq!(all(&answer, "Server"), [""; 0]);
    assert_eq!(all(&answer, "X-Own"), [""; 0]);
}

/// D-178: without rules too.
/// D-179: without rules nothing is changed.
/// D-182: the endpoint's fields and the router's reach the client.
#[tokio::test]
async fn without_rules_nothing_is_changed() {
    let endpoint = answering().await;
    let answer = Plane::before(&endpoint).get("/").await;
    assert_eq!(all(&answer, "Server"), ["app"]);
    assert_eq!(all(&answer, "X-Own"), ["app"]);
    assert_eq!(all(&answer, "X-Vcap-Request-Id").len(), 1);
    assert_eq!(all(&answer, "X-Cf-Proxy-Signature"), [""; 0]);
}

/// D-180: the router's own answers are changed as well.
/// D-181: X-Vcap-Request-Id can be removed, also the router's own.
#[tokio::test]
async fn the_routers_own_answers_and_fields_are_rewritten() {
    let endpoint = answering().await;
    let add = [("Strict-Transport-Security", "1"), ("Cache-Control", "x")];
    let plane = before(&endpoint, &["X-Vcap-Request-Id", "Content-Type"], &add);
    assert_eq!(all(&plane.get("/").await, "X-Vcap-Request-Id"), [""; 0]);
    let nobody = plane
        .ask("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n")
        .await;
    assert_eq!(nobody.status, 404);
    assert_eq!(all(&nobody, "Strict-Transport-Security"), ["1"]);
    assert_eq!(all(&nobody, "Cache-Control"), ["no-cache, no-store"]);
    assert_eq!(all(&nobody, "Content-Type"), [""; 0]);
    assert_eq!(all(&nobody, "X-Cf-RouterError"), ["unknown_route"]);
    endpoint.script(|_| Answer::Close);
    let failed = plane.get("/").await;
    assert_eq!(failed.status, 502);
    assert_eq!(all(&failed, "Strict-Transport-Security"), ["1"]);
}

/// D-094: the status of the final answer is recorded, not that of an interim one.
#[tokio::test]
async fn interim_answers_are_rewritten() {
    let bytes = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nServer: app\r\nX-CF-Proxy-Signature: s\r\n\r\n\
                 HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let endpoint = Endpoint::with(move |_| Answer::Raw(bytes.as_bytes().to_vec())).await;
    let plane = before(&endpoint, &["Server"], &[("X-Added", "1")]);
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    let hints = client.read_head().await;
    assert_eq!((hints.status, hints.header("Link")), (103, Some("</a>")));
    assert_eq!(
        (hints.header("X-Added"), hints.header("Server")),
        (Some("1"), None)
    );
    assert_eq!(hints.header("X-CF-Proxy-Signature"), None);
    assert_eq!(client.read_answer().await.header("X-Added"), Some("1"));
    let line = plane.line("app.test").await;
    assert!(line.contains(" HTTP/1.1\" 200 0 0 "), "{line}");
}
