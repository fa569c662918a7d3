//! Tokens: how many are asked for, when, and what becomes of the source without one.

use pointsman_tests::eventually;
use pointsman_tests::routing_api::{Fault, route};

use super::scene::{NEVER, OFTEN, Scene, endpoint};
use crate::plane::BOUND;

const REFUSED: Fault = Fault::Status(401, r#"{"name":"UnauthorizedError"}"#);

/// C-474: one list takes one token
#[tokio::test]
async fn each_request_takes_one_token_where_none_lasts() {
    let scene = Scene::start().await;
    // Over before the buffer of 30 s.
    scene.uaa.expires_in(Some(20));
    let _plane = scene.following(NEVER).await;
    assert_eq!((scene.api.lists(), scene.api.subscriptions()), (2, 1));
    assert_eq!(scene.uaa.requests(), 3);
    let mut tokens = scene.api.authorizations();
    tokens.sort();
    assert_eq!(
        tokens,
        ["bearer token-1", "bearer token-2", "bearer token-3"]
    );
}

/// A token lasts until shortly before its end, or until it is refused where nothing is said of its end.
#[tokio::test]
async fn a_token_is_kept_as_long_as_it_lasts() {
    for life in [Some(43_199), Some(u64::MAX), None] {
        let scene = Scene::start().await;
        scene.uaa.expires_in(life);
        let plane = scene.following(OFTEN).await;
        plane
            .until_metric("pointsman_routing_api_lists_total", 4)
            .await;
        assert_eq!(scene.uaa.requests(), 1, "{life:?}");
    }
}

/// C-475: a token that is refused is replaced, and the list asked for again with the other one
#[tokio::test]
async fn a_refused_token_is_replaced() {
    let scene = Scene::start().await;
    scene.api.fail_lists([REFUSED]);
    scene
        .api
        .put_silently(route("a.example.com", endpoint(1), "g", 0));
    let plane = scene.following(NEVER).await;
    plane.until_routes(&["a.example.com"]).await;
    assert_eq!(scene.uaa.requests(), 2);
    let tokens = scene.api.authorizations();
    assert_eq!(tokens[..2], ["bearer token-1", "bearer token-2"]);
    assert!(plane.told("failed-to-fetch-routes").is_empty());
    assert_eq!(
        plane
            .metric("pointsman_routing_api_list_errors_total")
            .await,
        0
    );
}

/// C-478: a second refusal ends the attempt with two tokens and two requests
#[tokio::test]
async fn a_second_refusal_is_told() {
    let scene = Scene::start().await;
    let plane = scene.following(OFTEN).await;
    scene.api.fail_lists([REFUSED, REFUSED]);
    let told = plane.until_told("failed-to-fetch-routes", 1).await;
    assert_eq!(told[0]["error"], "unauthorized");
    plane
        .until_metric_is("pointsman_routing_api_connected", 1)
        .await;
    assert_eq!(
        scene.uaa.requests(),
        2,
        "the second token is good afterwards"
    );
    let mut tokens = scene.api.authorizations();
    tokens.dedup();
    assert_eq!(tokens, ["bearer token-1", "bearer token-2"]);
}

/// C-479: without a token nothing is asked for nor registered, and it is counted
#[tokio::test]
async fn without_a_token_the_api_is_not_asked() {
    let scene = Scene::start().await;
    scene
        .api
        .put_silently(route("a.example.com", endpoint(1), "g", 0));
    scene.uaa.set_down(true);
    let plane = scene.control_plane(NEVER).await;
    let told = plane
        .until_told("routing-api-connection-not-yet-made", 2)
        .await;
    let error = told[0]["error"].to_string();
    assert!(
        error.contains("unable-to-fetch-token") && error.contains("503"),
        "{error}"
    );
    plane.until_metric("token_fetch_errors_total", 2).await;
    assert_eq!((scene.api.lists(), scene.api.subscriptions()), (0, 0));
    assert!(scene.uaa.requests() >= 4, "each is repeated once");
    plane.until_routes(&[]).await;
    // A UAA that comes late is found.
    scene.uaa.set_down(false);
    plane.until_routes(&["a.example.com"]).await;
}

/// C-482: without a token the stream is not asked for, nor the list that belongs to it; it is told, counted, and tried again
#[tokio::test]
async fn without_a_token_there_is_no_stream() {
    let scene = Scene::start().await;
    scene.uaa.expires_in(Some(1));
    let plane = scene.following(NEVER).await;
    scene.uaa.set_down(true);
    scene.api.cut_streams();
    plane.until_told("failed-to-fetch-token", 3).await;
    plane.until_metric("token_fetch_errors_total", 3).await;
    assert_eq!((scene.api.lists(), scene.api.subscriptions()), (2, 1));
    scene.uaa.set_down(false);
    eventually("another stream and list", BOUND, async || {
        let now = (scene.api.lists(), scene.api.subscriptions());
        (now == (3, 2)).then_some(()).ok_or(format!("{now:?}"))
    })
    .await;
}

/// Answers that hold no token are told apart, and no token is ever written to the log.
#[tokio::test]
async fn what_is_no_token_is_told_without_being_shown() {
    let scene = Scene::start().await;
    scene.uaa.fail([
        Fault::Text(r#"{"access_token":"","expires_in":43199}"#),
        Fault::Text(r#"{"access_token":"s3cret-one"#),
        Fault::Text(r#"{"access_token":"s3cret\ntwo"}"#),
        Fault::Status(401, "Bad credentials"),
        Fault::Cut,
        Fault::Cut,
    ]);
    let plane = scene.following(NEVER).await;
    let message = "routing-api-connection-not-yet-made";
    let told = plane.until_told(message, 5).await;
    let said: Vec<_> = told.iter().map(|told| told["error"].to_string()).collect();
    for (at, words) in [
        (0, "empty token fetched"),
        (1, "no JSON with a token"),
        (2, "no header field"),
        (3, "unauthorized"),
        (4, "unable-to-fetch-token"),
    ] {
        assert!(said[at].contains(words), "{words}: {said:?}");
    }
    assert_eq!(
        said.len(),
        5,
        "a connection that breaks is tried again at once"
    );
    assert!(!plane.process.log().contains("s3cret"));
    assert!(!plane.process.log().contains("token-7"));
}
