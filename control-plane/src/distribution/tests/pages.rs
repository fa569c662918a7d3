//! Snapshots that several data planes take at about the same time.

use std::time::Duration;

use super::scene::{DataPlane, Scene, Step, hello, message, settings};
use crate::distribution::Settings;

const ROUTES: usize = 3_000;

async fn filled(settings: Settings) -> (Scene, u64) {
    let scene = Scene::new(settings).await;
    for number in 0..ROUTES {
        let (address, uri) = (format!("10.0.0.1:{}", number + 1), format!("r{number}.com"));
        scene.register(message(&address, &uri)).await;
    }
    let head = 2 * ROUTES as u64;
    let mut at = scene.handle.head();
    at.wait_for(|at| *at == head).await.unwrap();
    (scene, head)
}

/// How many pages somebody got that were read for another one.
fn shared(scene: &Scene) -> u64 {
    let metrics = scene.metrics();
    let name = "pointsman_distribution_pages_shared_total ";
    let shown = metrics.lines().find_map(|line| line.strip_prefix(name));
    shown.unwrap().parse().unwrap()
}

async fn snapshot(data_plane: &mut DataPlane, head: u64) -> Step {
    let step = data_plane.step_to(head).await;
    assert!(step.closing.complete && step.batches > 3);
    step
}

/// a snapshot is read and encoded once for those who need it at about the same time
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_reads_the_table_once() {
    let (scene, head) = filled(settings()).await;
    let mut storm = Vec::new();
    for number in 0..10 {
        storm.push(scene.follow(hello(&format!("dp-{number}"))).await);
    }
    let taking = storm.into_iter().map(|mut data_plane| {
        tokio::spawn(async move {
            let step = snapshot(&mut data_plane, head).await;
            assert_eq!(step.sum(), step.expected());
            step.batches as u64
        })
    });
    let taking: Vec<_> = taking.collect();
    let mut batches = 0;
    for taken in taking {
        batches += taken.await.unwrap();
    }
    assert_eq!(shared(&scene), batches * 9 / 10, "nine of ten read nothing");
}

#[tokio::test]
async fn what_changed_since_a_page_was_read_comes_after_it() {
    let (scene, head) = filled(settings()).await;
    let mut first = scene.follow(hello("first")).await;
    snapshot(&mut first, head).await;
    assert_eq!(shared(&scene), 0);
    scene.unregister(message("10.0.0.1:1", "r0.com")).await;
    scene.register(message("10.0.0.9:1", "r1.com")).await;
    scene.register(message("10.0.0.9:1", "new.com")).await;
    let mut at = scene.handle.head();
    let head = *at.wait_for(|at| *at >= head + 4).await.unwrap();
    let mut second = scene.follow(hello("second")).await;
    let step = snapshot(&mut second, head).await;
    assert!(shared(&scene) > 3, "{}", shared(&scene));
    let gone: Vec<_> = step.removals.iter().map(|gone| &*gone.address).collect();
    assert!(gone.contains(&"10.0.0.1:1"), "a page names it: {gone:?}");
    let named = |address: &str| {
        step.endpoints
            .iter()
            .filter(|it| it.address == address)
            .count()
    };
    assert_eq!((named("10.0.0.1:1"), named("10.0.0.9:1")), (1, 2));
    let held = ROUTES + 1;
    assert_eq!(step.closing.things, 2 * held as u64 - 1);
}

#[tokio::test]
async fn others_share_nothing_and_neither_does_who_keeps_nothing() {
    use pointsman_proto::v1;
    let (scene, head) = filled(settings()).await;
    snapshot(&mut scene.follow(hello("all")).await, head).await;
    let only_shared = v1::SegmentFilter {
        mode: v1::SegmentMode::SharedAndSegments.into(),
        segments: vec![],
    };
    let mut other = scene
        .follow(v1::Hello {
            filter: Some(only_shared),
            ..hello("other")
        })
        .await;
    snapshot(&mut other, head).await;
    assert_eq!(shared(&scene), 0, "it may see something else");

    let (scene, head) = filled(Settings {
        snapshot_cache: 0,
        ..settings()
    })
    .await;
    for name in ["one", "two"] {
        let step = snapshot(&mut scene.follow(hello(name)).await, head).await;
        assert_eq!(step.sum(), step.expected());
    }
    assert_eq!(shared(&scene), 0);
}

#[tokio::test]
async fn pages_are_kept_for_seconds_only() {
    let (scene, head) = filled(settings()).await;
    let mut first = scene.follow(hello("first")).await;
    snapshot(&mut first, head).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    snapshot(&mut scene.follow(hello("second")).await, head).await;
    assert_eq!(shared(&scene), 0);
}
