//! Requests of HTTP/2 as endpoints get them, and those that are none.

use http::Request;
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use super::client::{Front, bare, request};

/// D-316: several fields of cookies become one.
/// with a semicolon and a blank between them.
#[tokio::test]
async fn crumbs_are_put_together() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let front = Front::before(&endpoint);
    let mut client = front.connect().await;
    let crumbs = request("GET", "/")
        .header("cookie", "a=1")
        .header("x-other", "between")
        .header("cookie", "b=2")
        .header("cookie", "c=3; d=4");
    client.ask(bare(crumbs), b"").await;
    let seen = endpoint.last_request().head;
    assert_eq!(
        seen.values("Cookie").collect::<Vec<_>>(),
        ["a=1; b=2; c=3; d=4"]
    );
    assert_eq!(seen.header("X-Other"), Some("between"));
    client
        .ask(bare(request("GET", "/").header("cookie", "a=1")), b"")
        .await;
    assert_eq!(endpoint.last_request().head.header("Cookie"), Some("a=1"));
}

/// whom a request is for is said by `:authority`, or by `host`, and not by two that differ.
#[tokio::test]
async fn one_host_is_asked_for() {
    let endpoint = Endpoint::named("served").await;
    let front = Front::before(&endpoint);
    let mut client = front.connect().await;
    let agreed = request("GET", "/").header("host", "App.Test");
    assert_eq!(client.ask(bare(agreed), b"").await.status, 200);
    assert_eq!(endpoint.last_request().head.values("Host").count(), 1);
    let differing = request("GET", "/").header("host", "other.test");
    let refused = client.ask(bare(differing), b"").await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.header("x-cf-routererror"), Some("bad_request"));
    let twice = request("GET", "/")
        .header("host", "app.test")
        .header("host", "app.test");
    assert_eq!(client.ask(bare(twice), b"").await.status, 400);
    let user = Request::get("https://user@app.test/")
        .body(())
        .expect("a request");
    assert_eq!(client.ask(user, b"").await.status, 400);
    assert_eq!(endpoint.request_count(), 1);
}
