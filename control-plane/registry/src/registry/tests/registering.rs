use crate::testing::{Scene, message, seconds};
use crate::{Dropped, Fields, Limits, Put, Settings, Time};

fn scene() -> Scene {
    Scene::new(Settings::default())
}

/// C-091: `foo` and `FOO` are one route
/// C-092: two trailing slashes do not count
/// C-093: a third one does
/// C-094: empty segments count
/// C-095: a scheme is taken for text
/// C-097: the path is compared without case, and keeps it
/// C-099: a deeper key finds its route
/// C-100: a shorter key does not find a deeper route
/// C-101: nor a deeper key a shorter route
/// C-141: the query is no part of a route
/// C-142: nor behind a path
/// C-143: the context path keeps its case
/// C-146: a wildcard is a route
/// D-404: two routes are one where their hosts and their paths are equal
#[test]
fn a_route_is_found_under_its_key_and_no_other() {
    for (registered, asked, path) in [
        ("foo", "FOO", Some("/")),
        ("foo.com//", "foo.com", Some("/")),
        ("foo.com///", "foo.com", None),
        ("foo/bar", "foo//bar", None),
        ("http://something", "http://something", Some("//something")),
        ("foo.com/A", "foo.com/a", Some("/A")),
        ("foo.com/bar", "foo.com/bar", Some("/bar")),
        ("foo.com/bar/baz", "foo.com/bar", None),
        ("foo.com/bar", "foo.com/bar/baz", None),
        ("dora.app.com?foo=bar", "dora.app.com", Some("/")),
        (
            "dora.app.com/snarf?foo=bar",
            "dora.app.com/snarf",
            Some("/snarf"),
        ),
        (
            "dora.app.com/app/UP/we/Go",
            "dora.app.com/app/up/we/go",
            Some("/app/UP/we/Go"),
        ),
        ("*.a.route", "*.a.route", Some("/")),
    ] {
        let mut scene = scene();
        scene.register(&message("10.0.0.1:80", &[registered]));
        let route = scene.route(asked);
        let found = route
            .as_ref()
            .map(|route| route.attributes[0].path_as_registered());
        assert_eq!(found, path, "{registered} {asked}");
    }
}

#[test]
fn the_first_spelling_of_a_route_stays() {
    let mut scene = scene();
    scene.register(&message("10.0.0.1:80", &["Foo.com/A"]));
    scene.register(&message("10.0.0.2:80", &["foo.com/a"]));
    let route = scene.route("foo.com/a").unwrap();
    assert_eq!(route.attributes[0].host_as_registered(), "Foo.com");
    assert_eq!(route.attributes[0].path_as_registered(), "/A");
}

/// C-122: two routes are counted as two
/// C-126: one route with two endpoints has two
/// C-127: one address on two routes is one address
/// C-138: the same again changes no figure
/// C-139: two URIs with one address are two routes
/// C-140: so are a host and a path below it
/// C-337: routes are counted
/// C-338: addresses are counted once
#[test]
fn figures_follow_registrations() {
    let mut scene = scene();
    let figures = |scene: &Scene| {
        let counts = scene.registry.counts(scene.now);
        (counts.routes, counts.addresses, counts.endpoints)
    };
    assert_eq!(figures(&scene), (0, 0, 0));
    for _ in 0..2 {
        scene.register(&message("10.0.0.1:80", &["foo", "foo/v1"]));
        assert_eq!(figures(&scene), (2, 1, 2));
    }
    scene.register(&message("10.0.0.1:80", &["bar"]));
    assert_eq!(figures(&scene), (3, 1, 3));
    scene.register(&message("10.0.0.2:80", &["bar"]));
    assert_eq!(figures(&scene), (3, 2, 4));
    assert_eq!(scene.routes(), ["bar", "foo", "foo/v1"]);
}

/// C-131: each URI has an outcome
/// C-194: an unknown address is added
/// C-196: an equal one is refreshed
#[test]
fn each_uri_has_its_own_outcome() {
    let mut scene = scene();
    scene.register(&message("10.0.0.1:80", &["foo"]));
    let outcomes = scene.register_all(&message("10.0.0.1:80", &["foo", "bar", "BAR"]));
    let told: Vec<_> = outcomes.iter().map(|it| (it.put, it.route_born)).collect();
    assert_eq!(
        told,
        [
            (Put::Refreshed, false),
            (Put::Added, true),
            (Put::Refreshed, false)
        ]
    );
}

/// C-201: a plain endpoint becomes a TLS one
/// C-202: and a TLS one plain
/// C-203: another port is another endpoint
/// C-514: the address alone decides which endpoint is meant
#[test]
fn what_differs_replaces_in_place() {
    let mut scene = scene();
    let base = message("10.0.0.1:8080", &["foo"]);
    assert_eq!(scene.register(&base), Put::Added);
    for changed in [
        base.clone().tls(),
        base.clone(),
        base.clone().says(Fields {
            app_id: "app",
            ..Fields::default()
        }),
        base.clone().threshold(60),
        base.clone().tag("abc", 1),
        base.clone().segment("is1"),
    ] {
        let before = scene.route("foo").unwrap().endpoints.remove(0);
        assert_eq!(scene.register(&changed), Put::Updated);
        let after = scene.route("foo").unwrap().endpoints.remove(0);
        assert_ne!(before.endpoint, after.endpoint);
        assert!(after.revision > before.revision);
        assert_eq!(scene.register(&changed), Put::Refreshed);
        assert_eq!(
            scene.route("foo").unwrap().endpoints[0].revision,
            after.revision
        );
    }
    scene.register(&message("10.0.0.1:8443", &["foo"]).tls());
    assert_eq!(
        scene.addresses("foo").unwrap(),
        ["10.0.0.1:8080", "10.0.0.1:8443"]
    );
}

#[test]
fn a_change_of_the_zone_alone_is_a_change() {
    let mut scene = scene();
    let zone = |availability_zone| {
        message("10.0.0.1:80", &["foo"]).says(Fields {
            availability_zone,
            ..Fields::default()
        })
    };
    scene.register(&zone("z1"));
    assert_eq!(scene.register(&zone("z2")), Put::Updated);
    let endpoint = &scene.route("foo").unwrap().endpoints[0].endpoint;
    assert_eq!(endpoint.description.availability_zone(), "z2");
}

/// C-155: no threshold is the default
/// C-156: a longer one is the default too
/// C-157: a shorter one counts
/// C-158: a negative one is kept
#[test]
fn thresholds_are_clamped() {
    for (asked, effective) in [(0, 120), (500, 120), (60, 60), (-1, -1)] {
        let mut scene = scene();
        scene.register(&message("10.0.0.1:80", &["foo"]).threshold(asked));
        let listing = scene.route("foo").unwrap();
        assert_eq!(
            listing.endpoints[0].endpoint.stale_threshold_seconds,
            effective
        );
    }
}

#[test]
fn there_is_a_bound_on_everything() {
    let limits = Limits {
        endpoints_per_route: 2,
        routes: 2,
    };
    let mut scene = Scene::new(Settings {
        limits,
        ..Settings::default()
    });
    scene.register(&message("10.0.0.1:80", &["foo", "bar"]));
    scene.register(&message("10.0.0.2:80", &["foo"]));
    let third = scene.register(&message("10.0.0.3:80", &["foo"]));
    assert_eq!(third, Put::Dropped(Dropped::TooManyEndpoints));
    assert_eq!(
        scene.register(&message("10.0.0.2:80", &["foo"])),
        Put::Refreshed
    );
    let outcomes = scene.register_all(&message("10.0.0.1:80", &["baz", "bar"]));
    assert_eq!(outcomes[0].put, Put::Dropped(Dropped::TooManyRoutes));
    assert_eq!(outcomes[1].put, Put::Refreshed);
    assert_eq!(
        scene.register(&message("", &["foo"])),
        Put::Dropped(Dropped::NoAddress)
    );
}

/// C-339: the last update is the last registration
/// C-340: its age grows
/// C-341: there is none before the first
/// C-262: an unregistration is none
#[test]
fn the_last_update_is_known() {
    let mut scene = scene();
    let age = |scene: &Scene| scene.registry.counts(scene.now).since_last_update;
    assert_eq!(age(&scene), None);
    scene.register(&message("10.0.0.1:80", &["foo"]));
    scene.now = scene.now.plus(seconds(3));
    scene.unregister(&message("10.0.0.1:80", &["foo"]));
    assert_eq!(age(&scene), Some(seconds(3)));
}

/// C-137: each registration is the last update from then on, and four URIs are four routes
#[test]
fn each_registration_is_the_last_update() {
    let mut scene = scene();
    let mut at = Vec::new();
    for uris in [["foo", "fooo"], ["bar", "baar"]] {
        scene.now = scene.now.plus(seconds(3));
        scene.register(&message("10.0.0.1:80", &uris));
        at.push(scene.registry.counts(Time::since_origin(seconds(60))));
    }
    let ages = at.iter().map(|counts| counts.since_last_update);
    assert!(ages.eq([Some(seconds(56)), Some(seconds(53))]), "{at:?}");
    let routes = at.iter().map(|counts| counts.routes);
    assert!(routes.eq([2, 4]), "{at:?}");
}

#[test]
fn a_route_is_born_once() {
    let mut scene = scene();
    let birth = |scene: &Scene| scene.route("foo").unwrap().attributes[0].birth;
    scene.register(&message("10.0.0.1:80", &["foo"]));
    let first = birth(&scene);
    scene.register(&message("10.0.0.2:80", &["foo"]).segment("is1"));
    assert_eq!(birth(&scene), first);
    scene.unregister(&message("10.0.0.1:80", &["foo"]));
    scene.unregister(&message("10.0.0.2:80", &["foo"]));
    scene.register(&message("10.0.0.1:80", &["foo"]));
    assert!(birth(&scene) > first);
}
