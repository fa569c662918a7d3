use crate::testing::{Scene, message};
use crate::{Settings, Unregistered};

const GONE: Unregistered = Unregistered::Removed {
    route_gone: true,
    other_segment: false,
};
const LEFT: Unregistered = Unregistered::Removed {
    route_gone: false,
    other_segment: false,
};

const BOTH: &[&str] = &["10.0.0.1:80", "10.0.0.2:80"];
const ONE: &[&str] = &["10.0.0.1:80"];
const OTHER: &[&str] = &["10.0.0.2:80"];

/// The routes, their endpoints, what is unregistered with the first of two addresses, what comes of it, what is left.
type Case = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
    Unregistered,
    &'static [&'static str],
);

#[rustfmt::skip]
const CASES: &[Case] = &[
    (&["foo", "foo/bar"], ONE, "foo", GONE, &["foo/bar"]),
    (&["foo"], ONE, "foo", GONE, &[]),
    (&["example.com/foo/bar/baz"], ONE, "example.com/foo/bar/baz", GONE, &[]),
    (&["a/b/c", "a/x/c"], ONE, "a/b/c", GONE, &["a/x/c"]),
    (&["a/b/c", "a/b"], ONE, "a/b/c", GONE, &["a/b"]),
    (&["foo"], ONE, "bar", Unregistered::UnknownRoute, &["foo"]),
    (&["foo"], OTHER, "foo", Unregistered::UnknownEndpoint, &["foo"]),
    (&["foo", "bar"], BOTH, "foo", LEFT, &["bar", "foo"]),
    (&["foo"], ONE, "FOO", GONE, &[]),
    (&["foo", "bar"], ONE, "foo", GONE, &["bar"]),
    (&["*.foo.com", "foo.com"], ONE, "*.foo.com", GONE, &["foo.com"]),
    (&["dora.app.com"], ONE, "dora.app.com?foo=bar", GONE, &[]),
];

/// C-116: removing a route leaves what is below it
/// C-117: the last one leaves nothing
/// C-118: nor does a deep one
/// C-119: a neighbour stays
/// C-120: a shorter route stays
/// C-121: and is the only one that is counted
/// C-246: a known endpoint is removed, an unknown one is not
/// C-250: an unknown URI changes nothing
/// C-251: a route goes with its last endpoint
/// C-252: case does not count
/// C-253: other routes of an endpoint stay
/// C-254: wildcards go the same way
/// C-255: so do routes with a path
/// C-256: and leave what is below them
/// C-257: the query does not count
/// C-261: a known route without such an endpoint keeps the others
/// C-263: numbers of ports are compared, not their kinds
/// C-343: nothing is listed after the last one
/// C-515: an unregistration goes by address and URI only
/// D-425: a route has no endpoint once the last was removed
#[test]
fn unregistrations_remove_what_they_name() {
    for (registered, addresses, unregistered, outcome, left) in CASES {
        let mut scene = Scene::new(Settings::default());
        for address in *addresses {
            scene.register(&message(address, registered).tls());
        }
        assert_eq!(
            scene.unregister(&message(BOTH[0], &[unregistered])),
            *outcome,
            "{unregistered}"
        );
        assert_eq!(scene.routes(), *left, "{registered:?} - {unregistered}");
        let counted = scene.registry.counts(scene.now).routes;
        assert_eq!(counted, left.len(), "{registered:?} - {unregistered}");
    }
}

/// C-251: the second of two endpoints takes the routes with it
#[test]
fn the_last_endpoint_takes_the_route_with_it() {
    let mut scene = Scene::new(Settings::default());
    let (one, two) = (
        message("10.0.0.1:80", &["foo"]),
        message("10.0.0.2:80", &["foo"]),
    );
    scene.register(&one);
    scene.register(&two);
    assert_eq!(scene.unregister(&one), LEFT);
    assert_eq!(scene.addresses("foo").unwrap(), ["10.0.0.2:80"]);
    assert_eq!(scene.unregister(&two), GONE);
    assert_eq!(scene.unregister(&two), Unregistered::UnknownRoute);
    assert_eq!(scene.registry.counts(scene.now).addresses, 0);
}
