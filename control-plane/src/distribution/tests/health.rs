use std::time::Duration;

use pointsman_proto::v1;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::follow_response::Message;
use pointsman_registry::{Registration, Sum, Uri};
use tokio::time::Instant;
use tonic::Code;

use super::ends::{one, over_pipe};
use super::scene::{DataPlane, Scene, hello, message, parts, settings};
use crate::registry_task::{Event, Handle, Source};

/// signs of life carry the revision that should be held
#[tokio::test]
async fn signs_of_life_carry_what_should_be_held() {
    let heartbeat = Duration::from_millis(100);
    let scene = Scene::new(super::super::Settings {
        heartbeat,
        ..settings()
    })
    .await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    let mut data_plane = scene.follow(hello("one")).await;
    let step = data_plane.step_to(2).await;
    let beat = loop {
        if let Some(Message::Heartbeat(beat)) = data_plane.next().await.unwrap() {
            break beat;
        }
    };
    let wanted = v1::Heartbeat {
        revision: 2,
        things: step.closing.things,
        digest: step.closing.digest,
    };
    assert_eq!(beat, wanted);
}

/// A data plane at the other end of a pipe, under a clock that runs only while everybody waits.
pub(super) async fn on_a_paused_clock() -> (DataPlane, Handle, Source) {
    let (distribution, handle, source, _) = parts(settings());
    tokio::time::pause();
    let (client, server) = tokio::io::duplex(64 * 1024);
    tokio::spawn(distribution.serve(one(server), std::future::pending()));
    let data_plane = DataPlane::over(over_pipe(client).await, hello("one")).await;
    (data_plane.unwrap(), handle, source)
}

/// three missed signs of life end a session
#[tokio::test]
async fn who_is_silent_for_three_signs_of_life_is_left() {
    let (mut data_plane, handle, _source) = on_a_paused_clock().await;
    for _ in 0..10 {
        data_plane
            .say(Said::Heartbeat(v1::Heartbeat::default()))
            .await;
        tokio::time::advance(Duration::from_secs(14)).await;
    }
    assert_eq!(handle.replicas().len(), 1);
    let ended = data_plane.end().await;
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    assert_eq!(ended.message(), "nothing was heard for 15 seconds");
    while !handle.replicas().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_table_that_differs_is_sent_again_and_counted() {
    let scene = Scene::new(settings()).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    let mut data_plane = scene.follow(hello("one")).await;
    let first = data_plane.step_to(2).await;
    let held = first.expected();
    data_plane
        .ack_as(
            &first,
            Sum {
                digest: held.digest ^ 1,
                ..held
            },
            Vec::new(),
        )
        .await;
    let repair = data_plane.step().await;
    assert!(repair.closing.complete);
    assert_eq!(repair.sum(), held);
    assert_eq!(
        scene
            .until_replica(|it| it.digest_mismatches == 1)
            .await
            .acked_revision,
        2
    );
    // What differs again at once is counted, and not sent for ever.
    data_plane.ack_as(&repair, Sum::default(), Vec::new()).await;
    scene.until_replica(|it| it.digest_mismatches == 2).await;
    scene.register(message("10.0.0.2:80", "foo")).await;
    let step = data_plane.step_to(3).await;
    assert!(!step.closing.complete && step.endpoints.len() == 1);
    assert!(
        scene
            .metrics()
            .contains("pointsman_distribution_mismatches_total 2")
    );
}

/// What is behind the closing step that is acked may be held already, so that the sums are of different things.
#[tokio::test]
async fn an_ack_that_comes_in_the_next_step_is_not_compared() {
    let scene = Scene::new(settings()).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    let mut data_plane = scene.follow(hello("one")).await;
    let first = data_plane.step_to(2).await;
    // More than fits on its way, so that the step is not closed until it is read.
    let many = (0..40_000).map(|number| Uri::parse(&format!("{number}.example.com")).unwrap());
    let burst = Registration {
        uris: many.collect(),
        ..message("10.0.0.2:80", "foo")
    };
    scene.register(burst).await;
    let begun = data_plane.next().await.unwrap();
    assert!(matches!(begun, Some(Message::Batch(_))), "{begun:?}");
    let held = Sum {
        things: 258,
        digest: 1,
    };
    data_plane.ack_as(&first, held, Vec::new()).await;
    scene.until_replica(|it| it.acked_revision == 2).await;
    let rest = data_plane.step().await;
    assert!(!rest.closing.complete, "it is not sent all over again");
    data_plane.ack(&rest).await;
    let revision = rest.closing.revision;
    let replica = scene.until_replica(|it| it.acked_revision == revision);
    assert_eq!(replica.await.digest_mismatches, 0);
}

#[tokio::test]
async fn a_heartbeat_at_rest_is_compared_too() {
    let scene = Scene::new(settings()).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    let mut data_plane = scene.follow(hello("one")).await;
    let first = data_plane.step_to(2).await;
    let beat = |things| {
        Said::Heartbeat(v1::Heartbeat {
            revision: 2,
            things,
            digest: first.closing.digest,
        })
    };
    // Before the ack it says nothing about this revision.
    data_plane.say(beat(9)).await;
    data_plane.ack(&first).await;
    data_plane.say(beat(2)).await;
    scene
        .until_replica(|it| it.acked_revision == 2 && it.held.things == 2)
        .await;
    assert_eq!(scene.handle.replicas()[0].digest_mismatches, 0);
    data_plane.say(beat(1)).await;
    assert!(data_plane.step().await.closing.complete);
}

#[tokio::test]
async fn a_change_of_the_standing_is_told() {
    let (mut data_plane, _handle, source) = on_a_paused_clock().await;
    assert!(!data_plane.welcome.standing.clone().unwrap().open);
    source.send(Event::Returned).await.unwrap();
    let start = Instant::now();
    let mut told = Vec::new();
    while told.len() < 2 {
        data_plane
            .say(Said::Heartbeat(v1::Heartbeat::default()))
            .await;
        if let Some(Message::Standing(standing)) = data_plane.next().await.unwrap() {
            told.push((
                standing.open,
                standing.authoritative,
                start.elapsed().as_secs(),
            ));
        }
    }
    assert_eq!(told, [(true, false, 20), (true, true, 120)]);
}

#[tokio::test]
async fn reports_are_shown_and_failing_endpoints_are_considered() {
    let scene = Scene::new(settings()).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    let mut data_plane = scene.follow(hello("one")).await;
    let step = data_plane.step_to(2).await;
    let failing = v1::FailingEndpoint {
        route: step.endpoints[0].route.clone(),
        address: "10.0.0.1:80".to_owned(),
        reason: "it refuses".to_owned(),
        count: 3,
    };
    let load = v1::Load {
        requests: 10,
        in_flight: 2,
        connections: 4,
    };
    let report = v1::Report {
        failing: vec![failing, v1::FailingEndpoint::default()],
        load: Some(load),
        draining: true,
        ..v1::Report::default()
    };
    data_plane.say(Said::Report(report)).await;
    let replica = scene.until_replica(|it| it.draining).await;
    assert_eq!(
        (replica.requests, replica.in_flight, replica.connections),
        (10, 2, 4)
    );
    // A plain endpoint that is still heard stays, whatever a data plane thinks of it.
    let routes = scene
        .handle
        .read(|registry, now| registry.counts(now).routes)
        .await;
    assert_eq!(routes, Ok(1));
}
