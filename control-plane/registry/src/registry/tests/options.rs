use crate::testing::{Scene, message};
use crate::{Algorithm, EffectiveValues, Fields, Options, Policy, Settings};

fn scene(effective_values: EffectiveValues) -> Scene {
    Scene::new(Settings {
        effective_values,
        ..Settings::default()
    })
}

fn options(scene: &Scene) -> Options {
    scene.route("foo").unwrap().attributes[0]
        .options()
        .cloned()
        .unwrap_or_default()
}

fn algorithm(scene: &Scene) -> Option<Algorithm> {
    options(scene)
        .balancing
        .map(|balancing| balancing.algorithm)
}

const BOTH: [EffectiveValues; 2] = [
    EffectiveValues::FunctionOfState,
    EffectiveValues::LastWriter,
];

/// C-145: the route service of an endpoint is that of its route
/// C-215: so is its algorithm
/// C-226: a valid one counts
/// C-227: one that nobody knows does not
/// C-216: and the default is used instead
/// C-222: nor does it when others are there
/// C-223: a route follows its endpoint
/// C-229: an algorithm that is taken back leaves the default
/// C-205: no route service is empty
/// D-409: an endpoint's own valid algorithm is its route's, when it comes and when it is changed
/// C-224: an endpoint shows the value that its route has
/// C-225: without an option the default counts
#[test]
fn a_single_endpoint_decides() {
    for mode in BOTH {
        let mut scene = scene(mode);
        let base = message("10.0.0.1:80", &["foo"]);
        scene.register(&base.clone().algorithm("wrong.algo"));
        assert_eq!(options(&scene), Options::default());
        assert!(
            scene.route("foo").unwrap().endpoints[0]
                .endpoint
                .description
                .has_unknown_algorithm()
        );
        // A hash of nothing is none.
        scene.register(&base.clone().algorithm("hash"));
        assert_eq!(options(&scene), Options::default());
        scene.register(&base.clone().algorithm("least-connection"));
        assert_eq!(algorithm(&scene), Some(Algorithm::LeastConnection));
        scene.register(&base.clone().algorithm("round-robin"));
        assert_eq!(algorithm(&scene), Some(Algorithm::RoundRobin));
        let shown = scene.route("foo").unwrap().endpoints.remove(0).endpoint;
        assert_eq!(shown.description.algorithm(), "round-robin");
        scene.register(&base.clone().route_service("https://rs"));
        assert_eq!(
            (algorithm(&scene), &*options(&scene).route_service_url),
            (None, "https://rs")
        );
        scene.register(&base);
        assert_eq!(options(&scene), Options::default());
    }
}

/// C-204: the last put decides about the route service
/// D-411: which is the most recent registration
/// C-206: and so on, in turn
/// C-207: a refresh decides nothing
/// C-219: and about the algorithm
/// C-228: the last one wins
/// C-222: one that nobody knows leaves it as it is
/// D-410: without one, or with one that nobody knows, the route's stays
#[test]
fn the_last_writer_wins_as_gorouters() {
    let mut scene = scene(EffectiveValues::LastWriter);
    let one = message("10.0.0.1:80", &["foo"]).route_service("https://one");
    let two = message("10.0.0.2:80", &["foo"]).route_service("https://two");
    scene.register(&message("10.0.0.3:80", &["foo"]));
    assert_eq!(options(&scene), Options::default());
    scene.register(&one);
    scene.register(&two);
    assert_eq!(&*options(&scene).route_service_url, "https://two");
    scene.register(&one);
    assert_eq!(&*options(&scene).route_service_url, "https://two");
    scene.register(&message("10.0.0.4:80", &["foo"]).algorithm("least-connection"));
    assert_eq!(algorithm(&scene), Some(Algorithm::LeastConnection));
    scene.register(&message("10.0.0.5:80", &["foo"]).algorithm("nonsense"));
    assert_eq!(algorithm(&scene), Some(Algorithm::LeastConnection));
    scene.unregister(&message("10.0.0.5:80", &["foo"]));
    assert_eq!(algorithm(&scene), Some(Algorithm::LeastConnection));
}

#[test]
fn the_greatest_decides_whoever_came_first() {
    let at = |port: u16, updated_at_ns, route_service_url| {
        message(&format!("10.0.0.1:{port}"), &["foo"]).says(Fields {
            updated_at_ns,
            route_service_url,
            ..Fields::default()
        })
    };
    let old = at(1, 1, "https://old");
    let new = at(2, 2, "https://new");
    let same = at(3, 2, "https://same");
    let mut urls = Vec::new();
    for order in [
        [&old, &new, &same],
        [&same, &new, &old],
        [&new, &old, &same],
    ] {
        let mut scene = scene(EffectiveValues::FunctionOfState);
        for message in order {
            scene.register(message);
        }
        let attributes = scene.route("foo").unwrap().attributes.remove(0);
        let of_three = options(&scene).route_service_url;
        scene.unregister(&same);
        scene.unregister(&new);
        urls.push((
            attributes.generation,
            of_three,
            options(&scene).route_service_url,
        ));
    }
    assert_eq!(urls[0], urls[1]);
    assert_eq!(urls[0], urls[2]);
    assert_ne!(&*urls[0].1, "https://old");
    assert_eq!(&*urls[0].2, "https://old");
}

#[test]
fn only_a_change_of_the_outcome_is_a_change_of_the_route() {
    let mut scene = scene(EffectiveValues::FunctionOfState);
    scene.register(&message("10.0.0.1:80", &["foo"]).route_service("https://rs"));
    let revision = scene.route("foo").unwrap().attributes[0].revision;
    scene.register(&message("10.0.0.2:80", &["foo"]).route_service("https://rs"));
    scene.unregister(&message("10.0.0.1:80", &["foo"]));
    assert_eq!(scene.route("foo").unwrap().attributes[0].revision, revision);
}

#[test]
fn a_policy_is_never_lost() {
    for mode in BOTH {
        let mut scene = scene(mode);
        let policy = Policy {
            scope: "space".into(),
            sources: [Box::from("cf:any")].into(),
        };
        let fields = Fields {
            policy: Some(policy.clone()),
            ..Fields::default()
        };
        scene.register(&message("10.0.0.1:80", &["foo"]).says(fields));
        assert_eq!(options(&scene).policy, Some(policy));
        assert!(!crate::Capabilities::NONE.cover(options(&scene).needs()));
    }
}

#[test]
fn segments_decide_by_themselves() {
    let mut scene = scene(EffectiveValues::FunctionOfState);
    scene.register(&message("10.0.0.1:80", &["foo"]).route_service("https://rs"));
    scene.register(&message("10.0.0.2:80", &["foo"]).segment("is1"));
    let attributes = scene.route("foo").unwrap().attributes;
    assert_eq!(
        attributes[0].options().unwrap().route_service_url,
        "https://rs".into()
    );
    assert_eq!(attributes[1].options(), None);
}
