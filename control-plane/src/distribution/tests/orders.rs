use pointsman_proto::v1;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::follow_response::Message;

use super::scene::{DataPlane, Scene, hello, message, settings};

async fn release(data_plane: &mut DataPlane) -> v1::Release {
    loop {
        if let Some(Message::Release(release)) = data_plane.next().await.unwrap() {
            return release;
        }
    }
}

/// a release reaches every data plane, with its epoch and revision, and one that just came back
#[tokio::test]
async fn a_release_is_told_to_everybody_once_there_is_something_to_let_go() {
    let scene = Scene::new(settings()).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    let mut one = scene.follow(hello("one")).await;
    let mut two = scene.follow(hello("two")).await;
    let first = one.step_to(2).await;
    two.step_to(2).await;
    assert_eq!(scene.handle.release(7, 2).await, Ok(0));
    let wanted = v1::Release {
        epoch: 7,
        up_to_revision: 2,
    };
    assert_eq!(release(&mut one).await, wanted);
    assert_eq!(release(&mut two).await, wanted);
    // Whoever was away just then is told after its first closing step, before which it holds nothing back.
    let again = one.hello_again("one", &first);
    drop(one);
    let mut one = scene.follow(again).await;
    one.step().await;
    assert_eq!(release(&mut one).await, wanted);
    // And only once.
    one.say(Said::Heartbeat(v1::Heartbeat::default())).await;
    scene.register(message("10.0.0.2:80", "foo")).await;
    loop {
        match one.next().await.unwrap().unwrap() {
            Message::ClosingStep(step) if step.revision == 3 => break,
            Message::Release(release) => panic!("{release:?} again"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_a_data_plane_keeps_is_shown() {
    let scene = Scene::new(settings()).await;
    let mut data_plane = scene
        .follow(v1::Hello {
            epoch: 99,
            revision: 5,
            things: 40,
            ..hello("one")
        })
        .await;
    data_plane.step().await;
    assert_eq!(scene.handle.replicas()[0].of_others, 40);
    let report = v1::Report {
        held_removals: 12,
        orphans: 34,
        table_age: Some(prost_types::Duration {
            seconds: 56,
            nanos: 0,
        }),
        ..v1::Report::default()
    };
    data_plane.say(Said::Report(report)).await;
    let replica = scene.until_replica(|replica| replica.orphans == 34).await;
    assert_eq!(replica.held_removals, 12);
    assert_eq!(replica.table_age.map(|age| age.as_secs()), Some(56));
    let ours = v1::Hello {
        epoch: 7,
        revision: 1,
        things: 40,
        ..hello("two")
    };
    drop(data_plane);
    scene.until_gone().await;
    let _data_plane = scene.follow(ours).await;
    assert_eq!(scene.handle.replicas()[0].of_others, 0);
}
