//! Pruning that an operator froze.

use crate::testing::{Scene, message, seconds};
use crate::{Absence, Expired, Guard, Settings, Unregistered};

fn scene() -> Scene {
    Scene::new(Settings {
        guard: Guard {
            percent: 10,
            at_least: 2,
            window: seconds(60),
        },
        ..Settings::default()
    })
}

/// How many went, and how many are held.
fn fates(expired: &[Expired]) -> (usize, usize) {
    let count = |is: fn(&Expired) -> bool| expired.iter().filter(|it| is(it)).count();
    (
        count(|it| matches!(it, Expired::Endpoint { .. })),
        count(|it| matches!(it, Expired::Held { .. })),
    )
}

#[test]
fn nothing_goes_by_age_while_pruning_is_frozen() {
    let mut scene = scene();
    for number in 0..5 {
        scene.register(&message("10.0.0.1:80", &[&format!("r{number}")]));
    }
    scene.register(&message("10.0.0.2:80", &["safe"]).tls());
    scene.registry.freeze_pruning(true, scene.now);
    assert!(scene.registry.is_pruning_frozen());
    assert_eq!(scene.pass(seconds(100_000)), []);
    assert_eq!(scene.registry.next_due(scene.now), None, "nobody is woken");
    assert_eq!(scene.registry.held_expiries(), 0);
    let silent = |scene: &Scene| scene.route("safe").unwrap().endpoints[0].endpoint.silent;
    assert!(!silent(&scene), "silence is a matter of age as well");
    let gone = scene.unregister(&message("10.0.0.1:80", &["r4"]));
    assert!(matches!(gone, Unregistered::Removed { .. }), "{gone:?}");

    // What came due meanwhile is looked at in the end, and the guard lets through what it ever does.
    scene.registry.freeze_pruning(false, scene.now);
    assert!(scene.registry.next_due(scene.now).is_some());
    assert_eq!(fates(&scene.pass(seconds(0))), (2, 2));
    assert!(silent(&scene));
    assert_eq!(scene.registry.held_expiries(), 2);
}

#[test]
fn what_was_released_waits_while_pruning_is_frozen() {
    let mut scene = scene();
    for number in 0..5 {
        scene.register(&message("10.0.0.1:80", &[&format!("r{number}")]));
    }
    assert_eq!(fates(&scene.pass(seconds(121))), (2, 3));
    scene.registry.freeze_pruning(true, scene.now);
    let head = scene.registry.head();
    assert_eq!(scene.registry.release(head), 3);
    assert_eq!(scene.pass(seconds(1)), []);
    scene.registry.freeze_pruning(false, scene.now);
    assert_eq!(fates(&scene.pass(seconds(0))), (3, 0));
}

#[test]
fn what_a_source_says_no_more_waits_while_pruning_is_frozen() {
    let mut scene = scene();
    let files = scene.registry.add_declaring_source("files");
    let declared: Vec<_> = (0..4)
        .map(|number| message("10.0.0.1:80", &[&format!("r{number}")]))
        .collect();
    for message in &declared {
        scene.registry.register(files, &message.0, scene.now);
    }
    scene.registry.freeze_pruning(true, scene.now);
    for message in &declared {
        let absence = Absence::Inferred;
        scene.registry.lapse(files, &message.0, absence, scene.now);
    }
    scene.registry.check();
    assert_eq!(scene.registry.held_expiries(), 4);
    assert_eq!(scene.pass(seconds(1_000)), []);

    // One of them is said again, and stays.
    scene.registry.register(files, &declared[0].0, scene.now);
    scene.registry.freeze_pruning(false, scene.now);
    assert_eq!(fates(&scene.pass(seconds(0))), (2, 0));
    assert_eq!(scene.routes().len(), 2);
    assert_eq!(scene.registry.held_expiries(), 1);
}
