use crate::testing::{Scene, message, seconds};
use crate::{Expired, Fields, Put, Settings};

fn scene() -> Scene {
    Scene::new(Settings::default())
}

#[test]
fn a_repetition_keeps_all_endpoints_of_a_message_alive() {
    let mut scene = scene();
    let both = message("10.0.0.1:80", &["foo", "bar"]).fingerprint(1);
    assert!(!scene.heard(&both));
    scene.register(&both);
    let head = scene.registry.head();
    for _ in 0..10 {
        assert_eq!(scene.pass(seconds(100)), []);
        assert!(scene.heard(&both));
    }
    assert_eq!(scene.registry.head(), head);
    assert_eq!(scene.pass(seconds(121)).len(), 2);
    assert!(!scene.heard(&both));
}

#[test]
fn a_message_is_unknown_once_one_of_its_endpoints_is_another() {
    let base = message("10.0.0.1:80", &["foo", "bar"]).fingerprint(1);
    type Change = fn(&mut Scene);
    let changes: [Change; 4] = [
        |scene| {
            let other = Fields {
                app_id: "other",
                ..Fields::default()
            };
            scene.register(&message("10.0.0.1:80", &["bar"]).says(other));
        },
        |scene| {
            scene.register(&message("10.0.0.1:80", &["foo"]).segment("is1"));
        },
        |scene| {
            scene.unregister(&message("10.0.0.1:80", &["bar"]));
        },
        |scene| {
            // The same content in another message that is known: it takes the endpoint over.
            scene.register(&message("10.0.0.1:80", &["bar"]).fingerprint(2));
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut scene = scene();
        scene.register(&base);
        scene.pass(seconds(100));
        assert!(scene.heard(&base));
        change(&mut scene);
        assert!(!scene.heard(&base), "change {number}");
        // What it was heard at still counts for what it carried.
        assert_eq!(scene.pass(seconds(100)), [], "change {number}");
        assert_eq!(
            scene.register(&base),
            [Put::Refreshed, Put::Updated][usize::from(number == 1)]
        );
        assert!(scene.heard(&base), "change {number}");
    }
}

#[test]
fn the_rest_of_a_message_stays_alive_by_what_was_heard() {
    let mut scene = scene();
    let both = message("10.0.0.1:80", &["foo", "bar"]).fingerprint(1);
    scene.register(&both);
    scene.pass(seconds(100));
    scene.heard(&both);
    scene.unregister(&message("10.0.0.1:80", &["bar"]));
    assert_eq!(scene.pass(seconds(100)), []);
    assert_eq!(scene.pass(seconds(21)).len(), 1);
}

#[test]
fn what_was_refused_in_part_is_never_known() {
    let mut scene = scene();
    scene.register(&message("10.0.0.1:80", &["foo"]).tag("abc", 2));
    let both = message("10.0.0.1:80", &["foo", "bar"])
        .tag("abc", 1)
        .fingerprint(1);
    let outcomes = scene.register_all(&both);
    assert_eq!(outcomes[0].put, Put::Unmodified);
    assert!(!scene.heard(&both));
}

#[test]
fn half_a_fingerprint_is_not_enough() {
    let mut scene = scene();
    scene.register(&message("10.0.0.1:80", &["foo"]).fingerprint(1));
    let other = message("10.0.0.2:80", &["bar"]).fingerprint(1 | 1 << 100);
    assert!(!scene.heard(&other));
    scene.register(&other);
    assert!(scene.heard(&other));
    assert!(!scene.heard(&message("10.0.0.1:80", &["foo"]).fingerprint(1)));
    scene.registry.check();
}

#[test]
fn another_source_is_not_believed_by_fingerprint() {
    let mut scene = scene();
    let one = message("10.0.0.1:80", &["foo"]).fingerprint(1);
    scene.register(&one);
    let other = scene.registry.add_source("other", crate::WhileAway::Age);
    assert!(
        !scene
            .registry
            .heard(other, one.0.fingerprint.unwrap(), scene.now)
    );
    scene.source = other;
    assert_eq!(scene.register(&one), Put::Refreshed);
    assert!(scene.heard(&one));
    assert_eq!(&*scene.route("foo").unwrap().endpoints[0].source, "other");
}

#[test]
fn a_heartbeat_ends_a_silence() {
    let mut scene = scene();
    let tls = message("10.0.0.1:443", &["foo"]).tls().fingerprint(1);
    scene.register(&tls);
    assert!(matches!(
        scene.pass(seconds(121))[..],
        [Expired::Silent { .. }]
    ));
    assert!(scene.route("foo").unwrap().endpoints[0].endpoint.silent);
    assert!(!scene.heard(&tls));
    let head = scene.registry.head();
    assert_eq!(scene.register(&tls), Put::Refreshed);
    assert!(!scene.route("foo").unwrap().endpoints[0].endpoint.silent);
    assert_eq!(scene.registry.head(), head + 1);
    assert!(scene.heard(&tls));
}
