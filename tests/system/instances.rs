//! Instances come and go under load.

use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Endpoint, Fleet, Requests, eventually, fleet::BOUND};

use crate::assert_none_lost;

const HOST: &str = "app.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_unregisters_leaves_without_a_lost_request() {
    let fleet = Fleet::start(2).await;
    let staying = Endpoint::named("staying").await;
    let mut leaving = Endpoint::named("leaving").await;
    fleet
        .register(&Emitted::plain(HOST, staying.address(), 0), HOST)
        .await;
    let message = Emitted::plain(HOST, leaving.address(), 1);
    fleet.publisher.register(&message).await;

    let requests = Requests::keep_sending(&fleet.routers(), HOST, 2);
    has_had(&leaving, 100).await;
    fleet.publisher.unregister(&message).await;
    gets_nothing_more(&leaving).await;
    leaving.close().await;
    has_had(&staying, staying.request_count() + 200).await;
    let tally = requests.stop().await;
    assert_none_lost(&tally);
    assert!(tally.answered["leaving"] >= 100, "{:?}", tally.answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_nobody_listens_on_costs_no_request() {
    let fleet = Fleet::start(2).await;
    let staying = Endpoint::named("staying").await;
    let mut crashed = Endpoint::named("crashed").await;
    crashed.close().await;
    fleet
        .register(&Emitted::plain(HOST, staying.address(), 0), HOST)
        .await;
    fleet
        .publisher
        .register(&Emitted::plain(HOST, crashed.address(), 1))
        .await;

    let requests = Requests::keep_sending(&fleet.routers(), HOST, 2);
    has_had(&staying, 300).await;
    assert_none_lost(&requests.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_the_requests() {
    let fleet = Fleet::start(1).await;
    let one = Endpoint::named("one").await;
    let other = Endpoint::named("other").await;
    fleet
        .register(&Emitted::plain(HOST, one.address(), 0), HOST)
        .await;
    fleet
        .publisher
        .register(&Emitted::plain(HOST, other.address(), 1))
        .await;
    let requests = Requests::keep_sending(&fleet.routers(), HOST, 2);
    has_had(&other, 200).await;
    let tally = requests.stop().await;
    assert_none_lost(&tally);
    // Round robin: the one was alone for a moment at first, and that is the only difference.
    assert!(tally.answered["one"] >= 200, "{:?}", tally.answered);
}

async fn has_had(endpoint: &Endpoint, wanted: usize) {
    eventually(&format!("{wanted} requests"), BOUND, async || {
        let count = endpoint.request_count();
        if count >= wanted {
            Ok(())
        } else {
            Err(count.to_string())
        }
    })
    .await;
}

/// Waits until an endpoint's count stands still over a window in which it would have had dozens.
async fn gets_nothing_more(endpoint: &Endpoint) {
    eventually("no further request", BOUND, async || {
        let before = endpoint.request_count();
        // A window of observation, not a wait for anything.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let more = endpoint.request_count() - before;
        if more == 0 {
            Ok(())
        } else {
            Err(format!("{more} more"))
        }
    })
    .await;
}
