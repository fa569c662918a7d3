//! An endpoint with an identity is reached over TLS and only under its own name.

use hyper::StatusCode;
use pointsman_tests::certs::Identity;
use pointsman_tests::endpoint::Reply;
use pointsman_tests::fleet::More;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Authority, Broker, Client, Endpoint, Fleet};
use tempfile::TempDir;

const HOST: &str = "app.example.com";
const INSTANCE: &str = "3b5f4c1e-8a0b-4c7a-9a52-6f1f6f5b1c2d";

/// A fleet whose data plane believes an authority, and an app behind this identity. The endpoint registers as `INSTANCE`.
async fn fleet(authority: &Authority, identity: &Identity) -> (Fleet, Endpoint, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = authority.write(folder.path(), "ca");
    let data_plane = format!("upstream: {{ca: {}}}\n", ca.display());
    let more = More {
        data_plane: &data_plane,
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 1, more).await;
    let config = identity.server_config(None);
    let endpoint = Endpoint::with_tls(config, |_head| Reply::text("over TLS").into()).await;
    let message = Emitted::tls(HOST, endpoint.address(), 0, INSTANCE);
    fleet.publisher.register(&message).await;
    (fleet, endpoint, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_with_its_own_name_is_reached_over_tls() {
    let authority = Authority::new("instances");
    let (fleet, _endpoint, _folder) = fleet(&authority, &authority.server(&[INSTANCE])).await;
    fleet.answers(HOST, StatusCode::OK).await;
    let mut client = Client::connect(fleet.routers()[0]).await;
    assert_eq!(client.get(HOST, "/").await.unwrap().text(), "over TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_with_another_name_gets_no_request() {
    let authority = Authority::new("instances");
    let (fleet, endpoint, _folder) = fleet(&authority, &authority.server(&["somebody-else"])).await;
    fleet.answers(HOST, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(endpoint.request_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_another_authority_gets_no_request() {
    let authority = Authority::new("instances");
    let identity = Authority::new("a stranger").server(&[INSTANCE]);
    let (fleet, endpoint, _folder) = fleet(&authority, &identity).await;
    fleet
        .answers(HOST, StatusCode::from_u16(526).unwrap())
        .await;
    assert_eq!(endpoint.request_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_with_an_expired_certificate_gets_no_request() {
    let authority = Authority::new("instances");
    let (fleet, endpoint, _folder) =
        fleet(&authority, &authority.expired_server(&[INSTANCE])).await;
    fleet
        .answers(HOST, StatusCode::from_u16(526).unwrap())
        .await;
    assert_eq!(endpoint.request_count(), 0);
}
