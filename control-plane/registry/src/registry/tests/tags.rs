use crate::testing::{Scene, message, seconds};
use crate::{Fields, Put, Settings, Unregistered, WhileAway};

/// C-177: an endpoint keeps its tag
/// C-178: a greater count replaces
/// C-179: a smaller one is refused
/// C-180: another identity replaces
/// C-183: the empty tag is replaced by any
/// C-184: an older put is unmodified
/// D-423: a newer tag replaces an endpoint, an older one leaves it
#[test]
fn tags_decide_about_replacement() {
    for (stored, incoming, put) in [
        (("", 0), ("abc", 0), Put::Updated),
        (("abc", 0), ("abc", 1), Put::Updated),
        (("abc", 1), ("abc", 0), Put::Unmodified),
        (("abc", 0), ("def", 0), Put::Updated),
        (("abc", 1), ("abc", 1), Put::Refreshed),
    ] {
        let mut scene = Scene::new(Settings::default());
        let base = message("10.0.0.1:80", &["foo"]);
        scene.register(&base.clone().tag(stored.0, stored.1));
        assert_eq!(
            scene.register(&base.tag(incoming.0, incoming.1)),
            put,
            "{stored:?} {incoming:?}"
        );
        assert_eq!(scene.registry.counts(scene.now).endpoints, 1);
    }
}

/// Of two sources that say the same of an endpoint, one has tags and one has none: what is known stays, and so does its tag.
#[test]
fn a_source_without_tags_takes_no_turns_with_one_that_has_them() {
    let tagged = message("10.0.0.1:80", &["foo"]).tag("abc", 1);
    let plain = message("10.0.0.1:80", &["foo"]);
    for (first, second, put) in [
        (&tagged, &plain, Put::Refreshed),
        (&plain, &tagged, Put::Updated),
    ] {
        let mut scene = Scene::new(Settings::default());
        let other = scene.registry.add_source("other", WhileAway::Age);
        scene.registry.source_returned(other, scene.now);
        scene.register(first);
        let mine = std::mem::replace(&mut scene.source, other);
        assert_eq!(scene.register(second), put);
        let revision = scene.registry.head();
        for (source, said) in [(mine, first), (other, second), (other, second)].repeat(2) {
            scene.source = source;
            assert_eq!(scene.register(said), Put::Refreshed);
        }
        assert_eq!(scene.registry.head(), revision);
        let older = plain.clone().tag("abc", 0);
        assert_eq!(scene.register(&older), Put::Unmodified);
    }
}

/// What one without tags says otherwise replaces what one with tags said.
#[test]
fn a_source_without_tags_is_heard() {
    for change in [
        |message: crate::testing::Message| message.threshold(7),
        |message: crate::testing::Message| message.route_service("https://rs.example.com"),
    ] {
        let mut scene = Scene::new(Settings::default());
        scene.register(&message("10.0.0.1:80", &["foo"]).tag("abc", 1));
        let plain = change(message("10.0.0.1:80", &["foo"]));
        assert_eq!(scene.register(&plain), Put::Updated);
    }
}

/// C-184: the same tag with other content is unmodified
/// C-188: what is refused does not count longer
#[test]
fn a_refused_registration_does_not_keep_the_endpoint_alive() {
    let mut scene = Scene::new(Settings::default());
    let base = message("10.0.0.1:80", &["foo"]).tag("abc", 1);
    scene.register(&base);
    scene.pass(seconds(100));
    let other = base.says(Fields {
        app_id: "other",
        ..Fields::default()
    });
    assert_eq!(scene.register(&other), Put::Unmodified);
    assert_eq!(scene.pass(seconds(21)).len(), 1);
    assert_eq!(scene.routes(), Vec::<String>::new());
}

/// C-181: the stored tag removes
/// C-182: an older one does not
/// C-185: an equal one removes
/// C-186: an older one is refused
/// C-187: an unregistration from NATS removes what any source registered
/// D-424: the same tag or a newer one removes a known endpoint, an older one does not
#[test]
fn tags_decide_about_removal() {
    for (given, removed) in [
        (("abc", 10), true),
        (("abc", 8), false),
        (("abc", 11), true),
        (("", 0), true),
    ] {
        let mut scene = Scene::new(Settings::default());
        let base = message("10.0.0.1:80", &["foo"]);
        scene.register(&base.clone().tag("abc", 10));
        let outcome = scene.unregister(&base.tag(given.0, given.1));
        assert_eq!(outcome == Unregistered::OlderTag, !removed, "{given:?}");
        assert_eq!(scene.route("foo").is_none(), removed, "{given:?}");
    }
}

/// An endpoint that was updated at this time, as its publisher tells it.
fn updated(at: i64, app_id: &str) -> crate::testing::Message {
    message("10.0.0.1:80", &["foo"]).says(Fields {
        app_id,
        updated_at_ns: at,
        ..Fields::default()
    })
}

fn app(scene: &Scene) -> String {
    let route = scene.route("foo").expect("the route");
    route.endpoints[0].endpoint.description.app_id().to_owned()
}

/// a registration that was overtaken on its way does not replace what overtook it
/// nor does an unregistration remove it
#[test]
fn what_was_overtaken_does_not_count() {
    let mut scene = Scene::new(Settings::default());
    for (message, put) in [
        (updated(200, "new"), Put::Added),
        (updated(100, "old"), Put::Unmodified),
        (updated(200, "new"), Put::Refreshed),
        (updated(199, "old"), Put::Unmodified),
        (updated(201, "newer"), Put::Updated),
        (updated(201, "other"), Put::Updated),
        // Who does not say when cannot be compared.
        (updated(0, "unknown"), Put::Updated),
        (updated(100, "known"), Put::Updated),
    ] {
        assert_eq!(scene.register(&message), put, "{}", app(&scene));
    }
    let older = scene.unregister(&updated(99, "known"));
    assert_eq!(older, Unregistered::OlderTag);
    assert_eq!(app(&scene), "known");
    let same = scene.unregister(&updated(100, "known"));
    assert!(matches!(same, Unregistered::Removed { .. }), "{same:?}");
}

/// the clock of a publisher may be wrong: what is not heard any more gives way to who speaks, whatever the time
#[test]
fn a_clock_that_was_set_back_is_believed_once_nobody_contradicts() {
    let mut scene = Scene::new(Settings::default());
    let (ahead, behind) = (updated(200, "ahead"), updated(100, "behind"));
    scene.register(&ahead);
    scene.pass(seconds(40));
    assert_eq!(scene.register(&behind), Put::Unmodified);
    assert_eq!(scene.register(&ahead), Put::Refreshed);
    scene.pass(seconds(40));
    assert_eq!(scene.register(&behind), Put::Unmodified);
    scene.pass(seconds(1));
    assert_eq!(scene.register(&behind), Put::Updated);
    assert_eq!(app(&scene), "behind");
    scene.pass(seconds(41));
    let older = scene.unregister(&updated(1, ""));
    assert!(matches!(older, Unregistered::Removed { .. }), "{older:?}");
}
