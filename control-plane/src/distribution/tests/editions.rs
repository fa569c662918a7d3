//! What is read once for all.

use std::time::Duration;

use pointsman_proto::v1::{SegmentFilter, SegmentMode};
use pointsman_registry::Fields;

use super::scene::{DataPlane, Scene, Step, hello, message, saying, settings};

/// Data planes that hold what there is.
async fn fleet(scene: &Scene, replicas: usize, revision: u64) -> Vec<DataPlane> {
    let mut fleet = Vec::new();
    for number in 0..replicas {
        let mut one = scene.follow(hello(&format!("dp-{number}"))).await;
        let step = one.step_to(revision).await;
        one.ack(&step).await;
        fleet.push(one);
    }
    fleet
}

/// A figure of distribution.
fn counted(scene: &Scene, name: &str) -> u64 {
    let (text, name) = (
        scene.metrics(),
        format!("pointsman_distribution_{name}_total "),
    );
    let count = text.lines().find_map(|line| line.strip_prefix(&name));
    count.and_then(|count| count.parse().ok()).unwrap()
}

fn addresses(step: &Step) -> Vec<&str> {
    step.endpoints.iter().map(|it| &*it.address).collect()
}

#[tokio::test]
async fn a_change_is_read_once_for_all_who_see_the_same() {
    let scene = Scene::new(settings()).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    let mut fleet = fleet(&scene, 20, 2).await;
    let (taken, passed_on) = (counted(&scene, "editions"), counted(&scene, "passed_on"));
    scene.register(message("10.0.0.2:80", "foo")).await;
    scene.unregister(message("10.0.0.1:80", "foo")).await;
    for one in &mut fleet {
        let step = one.step_to(4).await;
        assert_eq!(addresses(&step), ["10.0.0.2:80"]);
        assert_eq!((step.routes.len(), step.removals.len()), (0, 1));
        assert_eq!((step.closing.things, step.closing.complete), (2, false));
        one.ack(&step).await;
    }
    // The two changes may have been one, as far as the clock has it.
    let taken = counted(&scene, "editions") - taken;
    let passed_on = counted(&scene, "passed_on") - passed_on;
    assert!(
        (1..=2).contains(&taken),
        "{taken} editions for 20 data planes"
    );
    assert!(
        (20..=40).contains(&passed_on),
        "{passed_on} of 20 data planes"
    );
}

#[tokio::test]
async fn each_view_has_editions_of_its_own() {
    let scene = Scene::new(settings()).await;
    let mut all = scene.follow(hello("all")).await;
    let mut narrow = scene
        .follow(pointsman_proto::v1::Hello {
            filter: Some(SegmentFilter {
                mode: SegmentMode::Segments.into(),
                segments: vec!["is1".to_owned()],
            }),
            ..hello("narrow")
        })
        .await;
    all.step().await;
    narrow.step().await;
    let mut hidden = saying("10.0.0.1:80", "foo", Fields::default());
    hidden.segment = "is2".into();
    scene.register(hidden).await;
    let mut shown = saying("10.0.0.2:80", "bar", Fields::default());
    shown.segment = "is1".into();
    scene.register(shown).await;
    let everything = all.step_to(4).await;
    assert_eq!(addresses(&everything), ["10.0.0.1:80", "10.0.0.2:80"]);
    let own = narrow.step_to(4).await;
    assert_eq!(addresses(&own), ["10.0.0.2:80"]);
    assert_eq!((own.closing.things, own.closing.removals.len()), (2, 0));
}

#[tokio::test]
async fn who_was_late_comes_to_hold_everything() {
    let scene = Scene::new(crate::distribution::Settings {
        gather: Duration::ZERO,
        ..settings()
    })
    .await;
    let mut late = scene.follow(hello("late")).await;
    late.step().await;
    // What it does not read fills the windows of its stream, and then it is behind.
    let uri = |number: u64| format!("app-{number}.{}.example.com", "a-long-name.".repeat(15));
    for number in 0..1_000 {
        scene.register(message("10.0.0.1:80", &uri(number))).await;
        if number % 3 == 0 {
            scene.unregister(message("10.0.0.1:80", &uri(number))).await;
        }
    }
    scene.register(message("10.0.0.1:80", "last")).await;
    let mut held = std::collections::BTreeSet::new();
    let mut came = false;
    while !came {
        let step = late.step().await;
        came = step.routes.iter().any(|it| it.host_as_registered == "last");
        held.extend(step.endpoints.iter().map(|it| format!("{:?}", it.route)));
        for gone in &step.removals {
            if !gone.address.is_empty() {
                held.remove(&format!("{:?}", gone.route));
            }
        }
        assert_eq!(2 * held.len() as u64, step.closing.things);
        late.ack(&step).await;
    }
    assert_eq!(held.len(), 667);
}
