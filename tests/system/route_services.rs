//! An app that is registered with a route service gets no request past it.

use hyper::StatusCode;
use pointsman_tests::endpoint::{Answer, Head, Reply};
use pointsman_tests::fleet::{BOUND, More};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::route_service::{PASSED, call_back};
use pointsman_tests::{Broker, Client, Endpoint, Fleet, eventually};

const APP: &str = "app.example.com";
const SERVICE: &str = "service.example.com";

/// Says by which way a request came.
fn way(head: &Head) -> Answer {
    let passed = head.header(PASSED).is_some();
    Reply::text(if passed {
        "through the service"
    } else {
        "past it"
    })
    .into()
}

async fn until_answered(fleet: &Fleet, wanted: &str) {
    eventually(wanted, BOUND, async || {
        let mut client = Client::connect(fleet.routers()[0]).await;
        match client.get(APP, "/").await {
            Ok(answer) if answer.text() == wanted => Ok(()),
            Ok(answer) => Err(answer.text().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await;
}

/// D-607: from the registration on, requests pass through the service, until it is registered without one.
/// D-570: which is a route itself, and reached as one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_service_that_is_registered_sees_every_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a shared secret\n").expect("it can be written");
    let data_plane = format!(
        "route_services: {{secret_file: {}, hairpinning: ['*.example.com']}}\n",
        secret.display()
    );
    let more = More {
        data_plane: &data_plane,
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 1, more).await;
    let router = fleet.routers()[0];
    let service = Endpoint::with(move |head: &Head| {
        if head.header("X-CF-Forwarded-Url").is_some() {
            Answer::RawThenClose(call_back(head, router))
        } else {
            Reply::text("nothing to call").into()
        }
    })
    .await;
    let app = Endpoint::with(way).await;
    let of_service = Emitted::plain(SERVICE, service.address(), 0);
    fleet.publisher.register(&of_service).await;
    fleet.answers(SERVICE, StatusCode::OK).await;
    let unbound = Emitted::plain(APP, app.address(), 1);
    let bound = Emitted {
        route_service_url: Some(format!("https://{SERVICE}/mw")),
        ..unbound.clone()
    };
    fleet.publisher.register(&bound).await;
    until_answered(&fleet, "through the service").await;
    assert_eq!(service.last_request().head.target, "/mw");
    fleet.publisher.register(&unbound).await;
    until_answered(&fleet, "past it").await;
}

/// D-566: a data plane without a secret answers for it, and sends it to nobody.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_nobody_gets_the_request() {
    let fleet = Fleet::start(1).await;
    let app = Endpoint::with(way).await;
    let bound = Emitted {
        route_service_url: Some(format!("https://{SERVICE}/")),
        ..Emitted::plain(APP, app.address(), 0)
    };
    fleet.publisher.register(&bound).await;
    fleet.answers(APP, StatusCode::BAD_GATEWAY).await;
    assert_eq!(app.request_count(), 0);
}
