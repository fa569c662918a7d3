use crate::testing::{Scene, message, seconds};
use crate::{Expired, Settings, Unregistered};

const KEPT: Unregistered = Unregistered::Removed {
    route_gone: false,
    other_segment: false,
};

fn keeping(seconds_kept: u64) -> Scene {
    Scene::new(Settings {
        empty_pool_timeout: seconds(seconds_kept),
        ..Settings::default()
    })
}

/// C-264: an emptied route stays for its timeout
/// C-270: a repeated unregistration does not shorten it, nor ends it
/// C-271: it is listed without endpoints, and counted
/// C-245: a route is empty, or not
#[test]
fn an_emptied_route_is_kept() {
    let mut scene = keeping(5);
    let foo = message("10.0.0.1:80", &["foo"]);
    scene.register(&foo);
    assert_eq!(scene.unregister(&foo), KEPT);
    scene.pass(seconds(5));
    assert_eq!(scene.addresses("foo"), Some(vec![]));
    assert_eq!(scene.registry.counts(scene.now).routes, 1);
    assert_eq!(scene.unregister(&foo), Unregistered::UnknownEndpoint);
    assert!(matches!(
        scene.pass(seconds(1))[..],
        [Expired::EmptyRoute { .. }]
    ));
    assert_eq!(scene.routes(), Vec::<String>::new());
}

/// C-265: without a timeout it goes at once
/// C-266: so it does without the 503 rule, which is no timeout here
#[test]
fn without_a_timeout_it_goes_at_once() {
    let mut scene = keeping(0);
    let foo = message("10.0.0.1:80", &["foo"]);
    scene.register(&foo);
    scene.unregister(&foo);
    assert_eq!(scene.routes(), Vec::<String>::new());
}

/// C-267: a pruned route stays for its timeout
/// C-268: without one it goes with its last endpoint
/// C-269: so it does without the 503 rule
#[test]
fn pruning_empties_by_the_same_rule() {
    for (kept, left) in [(0, false), (5, true)] {
        let mut scene = keeping(kept);
        scene.register(&message("10.0.0.1:80", &["foo"]));
        let expired = scene.pass(seconds(121));
        assert!(
            matches!(&expired[..], [Expired::Endpoint { route_gone, .. }] if *route_gone != left)
        );
        assert_eq!(scene.route("foo").is_some(), left);
        scene.pass(seconds(6));
        assert_eq!(scene.routes(), Vec::<String>::new());
    }
}

#[test]
fn a_refilled_route_is_the_same_route() {
    let mut scene = keeping(5);
    scene.register(&message("10.0.0.1:80", &["Foo"]));
    let birth = scene.route("foo").unwrap().attributes[0].birth;
    scene.unregister(&message("10.0.0.1:80", &["foo"]));
    scene.pass(seconds(3));
    scene.register(&message("10.0.0.2:80", &["foo"]));
    assert_eq!(scene.pass(seconds(10)), []);
    let attributes = &scene.route("foo").unwrap().attributes[0];
    assert_eq!(
        (attributes.birth, &*attributes.host_as_registered()),
        (birth, "Foo")
    );
}

#[test]
fn each_segment_is_kept_by_itself() {
    let mut scene = keeping(5);
    scene.register(&message("10.0.0.1:80", &["foo"]));
    scene.register(&message("10.0.0.1:80", &["foo"]).segment("is1"));
    let segments = |scene: &Scene| {
        let attributes = scene.route("foo").unwrap().attributes;
        let mut segments: Vec<_> = attributes.iter().map(|it| it.segment.to_string()).collect();
        segments.sort();
        segments
    };
    assert_eq!(segments(&scene), ["", "is1"]);
    assert_eq!(scene.pass(seconds(6)), []);
    assert_eq!(segments(&scene), ["is1"]);
}

/// C-123: of four routes those without endpoints go, the others stay
/// C-124: a deep empty route goes with everything that led to it
/// C-125: an empty route goes from above another one, which stays
/// C-128: what is left is listed by its key
#[test]
fn only_what_is_empty_goes() {
    let mut scene = keeping(5);
    let emptied = message("10.0.0.1:80", &["one", "example.com/a/b/c", "foo"]);
    scene.register(&emptied);
    scene.register(&message("10.0.0.2:80", &["two.com", "/foo/bar/baz/"]).tls());
    for uri in ["one", "example.com/a/b/c", "foo"] {
        assert_eq!(scene.unregister(&message("10.0.0.1:80", &[uri])), KEPT);
    }
    assert_eq!(scene.routes().len(), 5);
    scene.pass(seconds(6));
    assert_eq!(scene.routes(), ["foo/bar/baz", "two.com"]);
    assert_eq!(scene.addresses("foo/bar/baz").unwrap(), ["10.0.0.2:80"]);
    assert_eq!(scene.registry.counts(scene.now).routes, 2);
}
