//! Who is believed, and who is told who we are.

use pointsman_tests::certs::Identity;
use pointsman_tests::{Authority, RoutingApi, Uaa};

use super::scene::{NEVER, Scene};

/// Why there is no first list.
async fn refusal(scene: &Scene) -> String {
    let mut plane = scene.control_plane(NEVER).await;
    let told = plane
        .until_told("routing-api-connection-not-yet-made", 1)
        .await;
    assert!(plane.process.is_running());
    assert!(!plane.process.log().contains("s3cret"));
    told[0]["error"].to_string()
}

/// A Routing API that shows this is not given a token.
async fn foreign_api(scene: &mut Scene, identity: &Identity) -> String {
    scene.api = RoutingApi::start(identity, &scene.authority, Some(&scene.uaa)).await;
    let error = refusal(scene).await;
    assert!(scene.api.authorizations().is_empty());
    error
}

/// Neither a foreign authority, nor another name, nor a certificate that is over makes a server the Routing API.
#[tokio::test]
async fn another_server_is_not_given_a_token() {
    let mut scene = Scene::start().await;
    let foreign = Authority::new("foreign").server(&["127.0.0.1"]);
    let error = foreign_api(&mut scene, &foreign).await;
    assert!(error.contains("invalid peer certificate"), "{error}");
    let other = scene.authority.server(&["127.0.0.2"]);
    let error = foreign_api(&mut scene, &other).await;
    assert!(error.contains("not valid for name"), "{error}");
    let expired = scene.authority.expired_server(&["127.0.0.1"]);
    let error = foreign_api(&mut scene, &expired).await;
    assert!(error.contains("expired"), "{error}");
}

/// Nor does one become the UAA, which would be told the secret.
#[tokio::test]
async fn another_server_is_not_told_the_secret() {
    let mut scene = Scene::start().await;
    let foreign = Authority::new("foreign").server(&["127.0.0.1"]);
    scene.uaa = Uaa::start(&foreign, "gorouter", "s3cret").await;
    let error = refusal(&scene).await;
    assert!(
        error.contains("unable-to-fetch-token") && error.contains("invalid peer certificate"),
        "{error}"
    );
    assert_eq!(scene.uaa.requests(), 0);
}

/// The API asks for our certificate, and does not take us with another one.
#[tokio::test]
async fn the_api_may_insist_on_our_certificate() {
    let mut scene = Scene::start().await;
    let identity = scene.authority.server(&["127.0.0.1"]);
    let clients = Authority::new("clients");
    scene.api = RoutingApi::start(&identity, &clients, Some(&scene.uaa)).await;
    refusal(&scene).await;
    assert_eq!(scene.api.lists(), 0);
    // A renewed certificate is shown at the next connection, without a restart.
    let plane = scene.control_plane(NEVER).await;
    plane
        .until_told("routing-api-connection-not-yet-made", 1)
        .await;
    let _ = clients
        .client(&["control-plane"])
        .write(scene.path(), "control-plane");
    plane.until_told("certificate-reloaded", 1).await;
    plane
        .until_metric("pointsman_routing_api_lists_total", 1)
        .await;
}

/// Wrong credentials are told, and tried again.
#[tokio::test]
async fn refused_credentials_are_told() {
    let scene = Scene::start().await;
    std::fs::write(scene.path().join("secret"), "s3cret-of-another").expect("a file");
    let error = refusal(&scene).await;
    assert!(
        error.contains("unable-to-fetch-token: unauthorized"),
        "{error}"
    );
    assert_eq!(scene.api.lists(), 0);
}
