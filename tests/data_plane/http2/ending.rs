//! How connections over HTTP/2 end.

use std::time::Duration;

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Reply;

use super::client::{Client, Front, bare, request, whole};
use crate::support::{BOUND, Setup};

/// Waits for the end of a connection, which has to be one that was told.
async fn ends_well(client: Client) {
    let ended = tokio::time::timeout(BOUND, client.ended).await;
    let ended = ended
        .expect("it ends within the bound")
        .expect("a connection");
    ended.expect("it was told that it ends");
}

/// in a drain a connection is told that it ends; what was accepted is answered, and it ends when that is done.
/// from the stage on in which nothing else is accepted, at the latest.
#[tokio::test]
async fn a_drain_loses_no_request() {
    let slow = Reply::text("late").after(Duration::from_millis(700));
    let endpoint = Endpoint::with(move |_| slow.clone().into()).await;
    let mut front = Front::before(&endpoint);
    let (mut busy, idle) = (front.connect().await, front.connect().await);
    let (response, _) = busy.begin(bare(request("GET", "/slow")), true).await;
    front
        .plane
        .until("the request is out", |totals| totals.attempts == 1)
        .await;
    front.plane.stages.close();
    ends_well(idle).await;
    let answer = whole(response.await.expect("an answer"))
        .await
        .expect("whole");
    assert_eq!(answer.text(), "late");
    ends_well(busy).await;
    front.plane.ended().await;
}

/// while the process is only leaving, connections are told one after the other, and everything that still comes
/// is served.
#[tokio::test]
async fn leaving_is_told_in_its_second_half() {
    let endpoint = Endpoint::named("served").await;
    let setup = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| {
            settings.timeouts.leaving = Duration::from_secs(2);
        });
    let front = Front::of(setup);
    let mut client = front.connect().await;
    assert_eq!(client.get("/").await.text(), "served");
    let begun = tokio::time::Instant::now();
    front.plane.stages.leave();
    assert_eq!(client.get("/").await.text(), "served");
    let mut fresh = front.connect().await;
    assert_eq!(
        fresh.get("/").await.text(),
        "served",
        "others are still accepted"
    );
    ends_well(fresh).await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "a fresh one ends after its requests"
    );
    ends_well(client).await;
    assert!(
        begun.elapsed() >= Duration::from_millis(950),
        "{:?}",
        begun.elapsed()
    );
}

/// L-25: a connection ends at its age; L-24: or after so many requests; L-07: or when nothing comes for a while.
#[tokio::test]
async fn connections_end_by_age_and_number_and_silence() {
    for (age, most, idle) in [(1, 1000, 900), (900, 3, 900), (900, 1000, 1)] {
        let endpoint = Endpoint::named("served").await;
        let setup = Setup::new()
            .endpoint("app.test", &endpoint)
            .with(|settings| {
                settings.limits.connection_age = Duration::from_secs(age);
                settings.limits.connection_requests = most;
                settings.timeouts.client_idle = Duration::from_secs(idle);
            });
        let front = Front::of(setup);
        let mut client = front.connect().await;
        for _ in 0..3 {
            assert_eq!(client.get("/").await.text(), "served");
        }
        ends_well(client).await;
    }
}
