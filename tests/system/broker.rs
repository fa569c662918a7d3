//! The routes survive their broker, and credentials are used.

use hyper::StatusCode;
use pointsman_tests::broker::Access;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{
    Broker, Client, Endpoint, Fleet, Requests, eventually, fleet::BOUND, fleet::More,
};

use crate::assert_none_lost;

#[tokio::test(flavor = "multi_thread")]
async fn restarting_the_broker_loses_no_request_and_registrations_go_on() {
    let mut fleet = Fleet::start(2).await;
    let endpoint = Endpoint::named("old").await;
    let message = Emitted::plain("old.example.com", endpoint.address(), 0);
    fleet.register(&message, "old.example.com").await;

    let requests = Requests::keep_sending(&fleet.routers(), "old.example.com", 2);
    fleet.broker.kill();
    let before = endpoint.request_count();
    eventually("two hundred more requests", BOUND, async || {
        let count = endpoint.request_count() - before;
        if count >= 200 {
            Ok(())
        } else {
            Err(count.to_string())
        }
    })
    .await;
    fleet.broker.restart().await;

    // Core NATS drops what nobody listens to: a publisher repeats itself until the control plane is back.
    let new = Endpoint::named("new").await;
    let message = Emitted::plain("new.example.com", new.address(), 0);
    let interval = std::time::Duration::from_millis(200);
    let registered = fleet.publisher.keep_registered(&message, interval).await;
    fleet.answers("new.example.com", StatusCode::OK).await;
    drop(registered);
    assert_none_lost(&requests.stop().await);
}

/// C-332: after the broker came back, an application that is registered again and again answers, and one of which nobody
/// speaks is not found
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_speaks_of_any_more_is_gone_after_the_broker_came_back() {
    let more = More {
        registration: "interval: 1s\n  stale_threshold: 5s",
        ..More::default()
    };
    let mut fleet = Fleet::with(Broker::start().await, 1, more).await;
    let endpoint = Endpoint::named("app").await;
    let [live, dead] = ["live.example.com", "dead.example.com"];
    let message = Emitted::plain(live, endpoint.address(), 0);
    let interval = std::time::Duration::from_millis(200);
    let registered = fleet.publisher.keep_registered(&message, interval).await;
    let silent = Emitted::plain(dead, endpoint.address(), 0);
    fleet.register(&silent, dead).await;
    fleet.answers(live, StatusCode::OK).await;

    fleet.broker.kill();
    let lost = "nats-connection-disconnected";
    fleet.control_plane.until_logged(lost).await;
    fleet.broker.restart().await;
    fleet.answers(dead, StatusCode::NOT_FOUND).await;
    let before = endpoint.request_count();
    let mut client = Client::connect(fleet.routers()[0]).await;
    for (host, status) in [(live, StatusCode::OK), (dead, StatusCode::NOT_FOUND)] {
        let answer = client.get(host, "/").await.expect("an answer");
        assert_eq!(answer.status, status, "{host}");
    }
    assert_eq!(endpoint.request_count(), before + 1);
    drop(registered);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_plane_knows_a_user_and_a_password() {
    let access = Access::Password {
        user: "nats".to_owned(),
        password: "s3cr3t".to_owned(),
    };
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "s3cr3t\n").unwrap();
    registers_with(
        access,
        &format!("user: nats\n  password_file: {}", secret.path().display()),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_plane_knows_a_token() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "sesame\n").unwrap();
    let keys = format!("token_file: {}", secret.path().display());
    registers_with(Access::Token("sesame".to_owned()), &keys).await;
}

async fn registers_with(access: Access, keys: &str) {
    let broker = Broker::with(access).await;
    let fleet = Fleet::with(
        broker,
        1,
        More {
            nats: keys,
            ..More::default()
        },
    )
    .await;
    let endpoint = Endpoint::named("here").await;
    let message = Emitted::plain("app.example.com", endpoint.address(), 0);
    fleet.register(&message, "app.example.com").await;
}
