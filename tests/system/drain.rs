//! A data plane that is told to end loses nothing.

use std::time::Duration;

use hyper::StatusCode;
use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::fleet::{BOUND, More};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Broker, Client, Endpoint, Fleet, Requests, eventually};

use crate::assert_none_lost;

const HOST: &str = "app.example.com";

/// Serves for two seconds after it became unready, in which balancers notice.
const DRAIN: &str = "drain: {wait: 2s, timeout: 20s}\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_data_plane_answers_everything_and_ends_well() {
    let more = More {
        data_plane: DRAIN,
        ..More::default()
    };
    let mut fleet = Fleet::with(Broker::start().await, 1, more).await;
    // One path takes longer than the wait: its request is in flight when the listener closes.
    let endpoint = Endpoint::with(|head| {
        let slow = Duration::from_secs(4);
        let delay = if head.target == "/slow" {
            slow
        } else {
            Duration::ZERO
        };
        Answer::Reply(Reply::text("here").after(delay))
    })
    .await;
    fleet
        .register(&Emitted::plain(HOST, endpoint.address(), 0), HOST)
        .await;
    let router = fleet.routers()[0];
    let admin = fleet.data_planes[0].address("admin");
    is_healthy(&mut Client::connect(admin).await, true).await;

    let mut client = Client::connect(router).await;
    let slow = tokio::spawn(async move { client.get(HOST, "/slow").await });
    let requests = Requests::keep_sending(&[router], HOST, 4);
    eventually(
        "the slow request and others at the app",
        BOUND,
        async || {
            let seen = endpoint.requests();
            let slow = seen.iter().any(|request| request.head.target == "/slow");
            if slow && seen.len() > 100 {
                Ok(())
            } else {
                Err(seen.len().to_string())
            }
        },
    )
    .await;

    fleet.data_planes[0].terminate();
    // A balancer that looks at the health stops sending; until then everything is answered.
    is_healthy(&mut Client::connect(admin).await, false).await;
    assert_none_lost(&requests.stop().await);
    let slow = slow.await.unwrap().unwrap();
    assert_eq!((slow.status, slow.text()), (StatusCode::OK, "here"));
    let status = fleet.data_planes[0].ended(BOUND).await;
    assert!(status.success(), "{status}");
}

async fn is_healthy(client: &mut Client, wanted: bool) {
    eventually(&format!("health to be {wanted}"), BOUND, async || {
        let response = client
            .get("admin", "/health")
            .await
            .map_err(|failure| failure.to_string())?;
        if response.status.is_success() == wanted {
            Ok(())
        } else {
            Err(format!("{response:?}"))
        }
    })
    .await;
}
