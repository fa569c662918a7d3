use std::time::Duration;

use pointsman_proto::v1::follow_response::Message;

use super::scene::{Scene, hello, message, settings};
use crate::distribution::Settings;

/// A table of some megabytes, and a control plane that gives one snapshot after the other.
pub(super) async fn crowded(settings: Settings) -> Scene {
    let scene = Scene::new(Settings {
        snapshots: 1,
        heartbeat: Duration::from_secs(60),
        ..settings
    })
    .await;
    for number in 0..20_000 {
        let uri = format!("app-{number:05}.a-rather-long-name-of-a-domain.example.com");
        scene.register(message("10.0.0.1:80", &uri)).await;
    }
    scene
}

/// a bounded number of snapshots is given at once; deltas never wait; and who does not read lets others go first
#[tokio::test]
async fn a_stopped_snapshot_holds_up_neither_deltas_nor_other_snapshots() {
    let scene = crowded(settings()).await;
    let mut current = scene.follow(hello("current")).await;
    let all = current.step_to(40_000).await;
    current.ack(&all).await;
    scene.until_replica(|it| it.acked_revision == 40_000).await;

    let mut stopped = scene.follow(hello("stopped")).await;
    // It has its turn, and takes what the windows hold.
    let first = stopped.next().await.unwrap();
    assert!(matches!(first, Some(Message::Batch(_))), "{first:?}");

    let mut waiting = scene.follow(hello("waiting")).await;
    scene.register(message("10.0.0.2:80", "news")).await;
    let news = current.step_to(40_002).await;
    assert_eq!(news.endpoints.len(), 1);
    let whole = waiting.step_to(40_002).await;
    assert_eq!(
        (whole.routes.len(), whole.endpoints.len()),
        (20_001, 20_001)
    );
    assert!(whole.closing.complete);
    // And it gets the rest of its own when it reads on.
    let rest = stopped.step_to(40_002).await;
    assert!(rest.closing.complete);
    assert!(
        scene
            .metrics()
            .contains("pointsman_distribution_snapshots_total 4")
    );
}

/// data planes that come back all at once are all served
#[tokio::test]
async fn a_crowd_is_served_in_turns() {
    let scene = crowded(settings()).await;
    let mut crowd = Vec::new();
    for number in 0..8 {
        crowd.push(scene.follow(hello(&format!("dp-{number}"))).await);
    }
    let served: Vec<_> = crowd
        .into_iter()
        .map(|mut one| tokio::spawn(async move { one.step_to(40_000).await }))
        .collect();
    for one in served {
        let step = one.await.unwrap();
        assert_eq!(step.sum(), step.expected());
        assert_eq!(step.routes.len(), 20_000);
    }
}
