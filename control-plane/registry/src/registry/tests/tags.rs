use crate::testing::{Scene, message, seconds};
use crate::{Fields, Put, Settings, Unregistered};

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
        (("abc", 1), ("", 0), Put::Updated),
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
