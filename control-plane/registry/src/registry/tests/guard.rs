use crate::testing::{Message, Scene, message, seconds};
use crate::{Expired, Guard, Settings, Time};

fn scene(guard: Guard) -> Scene {
    Scene::new(Settings {
        guard,
        ..Settings::default()
    })
}

/// A tenth of the routes, and at least two.
fn small() -> Guard {
    Guard {
        percent: 10,
        at_least: 2,
        window: seconds(60),
    }
}

fn plain(number: usize) -> Message {
    message("10.0.0.1:80", &[&format!("r{number:04}")])
}

fn fill(scene: &mut Scene, routes: usize) {
    for number in 0..routes {
        scene
            .registry
            .register(scene.source, &plain(number).0, scene.now);
    }
}

/// How many went, and how many are held.
fn fates(expired: &[Expired]) -> (usize, usize) {
    let count = |is: fn(&Expired) -> bool| expired.iter().filter(|it| is(it)).count();
    (
        count(|it| matches!(it, Expired::Endpoint { .. })),
        count(|it| matches!(it, Expired::Held { .. })),
    )
}

/// a silence of everybody takes a fifth of the routes, and no time takes the rest
/// what would remove more than a fifth of the routes within a minute is held
#[test]
fn a_silence_of_everybody_is_held() {
    let mut scene = Scene::new(Settings::default());
    fill(&mut scene, 1_000);
    assert_eq!(fates(&scene.pass(seconds(121))), (200, 800));
    assert_eq!(scene.registry.held_expiries(), 800);
    assert_eq!(scene.pass(seconds(1_000_000)), []);
    assert_eq!(scene.routes().len(), 800);
    let kept = scene.routes();
    assert!(scene.route(&kept[0]).unwrap().endpoints[0].held);
}

/// a single stale route of many is pruned in time
/// small tables go as they do in Gorouter, up to fifty routes
#[test]
fn little_goes_as_ever() {
    let mut scene = Scene::new(Settings::default());
    fill(&mut scene, 50);
    assert_eq!(fates(&scene.pass(seconds(121))), (50, 0));
    assert_eq!(scene.routes(), Vec::<String>::new());

    fill(&mut scene, 30);
    scene.pass(seconds(100));
    for number in 1..30 {
        scene.register(&plain(number));
    }
    assert_eq!(fates(&scene.pass(seconds(21))), (1, 0));
    assert!(scene.route("r0000").is_none());
}

#[test]
fn fifty_one_routes_are_one_too_many() {
    let mut scene = Scene::new(Settings::default());
    fill(&mut scene, 51);
    assert_eq!(fates(&scene.pass(seconds(121))), (50, 1));
}

#[test]
fn what_is_held_is_let_off_when_it_is_heard_again() {
    let mut scene = scene(small());
    fill(&mut scene, 10);
    let repeated = plain(9).fingerprint(9);
    scene.register(&repeated);
    scene.pass(seconds(121));
    assert_eq!(scene.registry.held_expiries(), 8);
    assert!(scene.route("r0009").unwrap().endpoints[0].held);
    let revision = scene.registry.head();
    // Its fingerprint is not enough, so that the message is applied in full.
    assert!(!scene.heard(&repeated));
    scene.register(&repeated);
    assert!(!scene.route("r0009").unwrap().endpoints[0].held);
    assert_eq!(
        (scene.registry.held_expiries(), scene.registry.head()),
        (7, revision)
    );
    // And it ages as ever.
    assert_eq!(fates(&scene.pass(seconds(120))), (0, 0));
    assert_eq!(fates(&scene.pass(seconds(1))), (1, 0));
    assert!(scene.route("r0009").is_none());
}

/// an unregistration proves a removal, and is never held nor counted
#[test]
fn unregistrations_are_never_held_and_never_count() {
    let mut scene = scene(small());
    fill(&mut scene, 100);
    for number in 0..80 {
        scene.unregister(&plain(number));
    }
    assert_eq!(scene.routes().len(), 20);
    assert_eq!(fates(&scene.pass(seconds(121))), (2, 18));
    let held: Vec<_> = scene.routes();
    for uri in &held {
        scene.unregister(&message("10.0.0.1:80", &[uri]));
    }
    assert_eq!(scene.registry.held_expiries(), 0);
    assert_eq!(scene.routes(), Vec::<String>::new());
}

/// an operator releases what was held up to a revision, and nothing that came after
#[test]
fn an_operator_releases_up_to_a_revision() {
    let mut scene = scene(small());
    fill(&mut scene, 10);
    scene.pass(seconds(121));
    let first = scene.registry.head();
    scene.register(&message("10.0.0.2:80", &["late"]));
    for number in 0..5 {
        let uri = format!("later{number}");
        scene.register(&message("10.0.0.2:80", &[&uri]));
    }
    scene.pass(seconds(121));
    assert_eq!(scene.registry.held_expiries(), 8 + 4);
    assert_eq!(scene.registry.release(0), 0);
    assert_eq!(scene.registry.release(first), 8);
    assert_eq!(scene.registry.release(first), 0);
    assert_eq!(scene.registry.next_due(scene.now), Some(scene.now));
    // One is heard before its turn comes.
    scene.register(&plain(9));
    assert_eq!(fates(&scene.pass(seconds(0))), (7, 0));
    assert_eq!(scene.registry.held_expiries(), 4);
    assert!(scene.route("r0009").is_some());
}

#[test]
fn a_release_is_applied_in_bounded_looks() {
    let mut scene = scene(small());
    fill(&mut scene, 100);
    scene.pass(seconds(121));
    assert_eq!(scene.registry.release(u64::MAX), 90);
    let first = scene.registry.expire(scene.now, 40);
    assert_eq!((fates(&first.expired), first.more), ((40, 0), true));
    let rest = scene.registry.expire(scene.now, 1_000);
    assert_eq!(fates(&rest.expired), (50, 0));
    assert_eq!(scene.registry.held_expiries(), 0);
}

#[test]
fn a_route_counts_once_with_all_its_endpoints() {
    let mut scene = scene(small());
    for route in 0..4 {
        for instance in 0..100 {
            let address = format!("10.0.{route}.{instance}:80");
            let uri = format!("r{route}");
            let registration = message(&address, &[&uri]);
            scene
                .registry
                .register(scene.source, &registration.0, scene.now);
        }
    }
    assert_eq!(fates(&scene.pass(seconds(121))), (200, 200));
    assert_eq!(scene.routes().len(), 2);
}

#[test]
fn a_silence_that_goes_on_does_not_take_another_share_with_every_window() {
    let mut scene = scene(small());
    let mut gone = 0;
    // Ten of a hundred routes fall due in each of ten half minutes.
    for decade in 0..10 {
        for number in 0..10 {
            scene.register(&plain(decade * 10 + number));
        }
        scene.pass(seconds(10));
    }
    for _ in 0..10 {
        gone += fates(&scene.pass(seconds(30))).0;
    }
    assert_eq!((gone, scene.registry.held_expiries()), (10, 90));
}

#[test]
fn a_trickle_is_never_held() {
    let mut scene = scene(small());
    fill(&mut scene, 100);
    // All but one route are heard; it is another one each time.
    for dead in 0..20 {
        for _ in 0..2 {
            for number in (dead + 1)..100 {
                scene
                    .registry
                    .register(scene.source, &plain(number).0, scene.now);
            }
            scene.pass(seconds(61));
        }
    }
    assert_eq!(scene.registry.held_expiries(), 0);
    assert_eq!(scene.routes().len(), 80);
}

#[test]
fn the_share_is_that_of_the_table_before_it_shrank() {
    let mut scene = scene(Guard {
        percent: 50,
        ..small()
    });
    fill(&mut scene, 100);
    assert_eq!(fates(&scene.pass(seconds(121))), (50, 50));
}

#[test]
fn a_hundred_percent_is_no_guard() {
    let mut scene = scene(Guard {
        percent: 100,
        ..small()
    });
    fill(&mut scene, 500);
    assert_eq!(fates(&scene.pass(seconds(121))), (500, 0));
}

/// reports of failing endpoints remove long silent ones no faster than age does
#[test]
fn reports_of_failures_are_guarded_too() {
    let mut scene = scene(small());
    let uris: Vec<_> = (0..10).map(|number| format!("r{number}")).collect();
    for uri in &uris {
        scene.register(&message("10.0.0.1:443", &[uri]).tls());
    }
    scene.pass(seconds(121));
    scene.pass(seconds(1_200));
    let failing = |scene: &mut Scene, uri: &String| {
        let key = crate::Uri::parse(uri).unwrap();
        scene
            .registry
            .reported_failing(key.key(), "10.0.0.1:443", scene.now)
    };
    for _ in 0..3 {
        let went = uris.iter().filter(|uri| failing(&mut scene, uri)).count();
        assert!(went == 2 || went == 0);
        scene.now = scene.now.plus(seconds(100));
    }
    assert_eq!(
        (scene.routes().len(), scene.registry.held_expiries()),
        (8, 8)
    );
    scene.registry.check();
}

#[test]
fn nothing_is_remembered_of_what_came_due_long_ago() {
    let mut scene = scene(small());
    fill(&mut scene, 10);
    scene.pass(seconds(121));
    scene.now = Time::since_origin(scene.now.as_duration() + seconds(60));
    fill(&mut scene, 10);
    assert_eq!(scene.registry.held_expiries(), 0);
    scene.pass(seconds(100));
    for number in 2..10 {
        scene.register(&plain(number));
    }
    assert_eq!(fates(&scene.pass(seconds(21))), (2, 0));
}
