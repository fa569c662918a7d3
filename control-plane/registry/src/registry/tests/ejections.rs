//! Endpoints that an operator took out.

use pointsman_route_key::RouteKey;

use crate::testing::{Scene, message, seconds};
use crate::{
    Capabilities, Ejection, Fields, Held, Memory, Put, Reader, SegmentFilter, Settings, Step,
    Thing, View,
};

fn ejection(address: &str) -> Ejection {
    Ejection {
        address: address.into(),
        route: None,
        app_id: None,
    }
}

fn of_route(address: &str, uri: &str) -> Ejection {
    Ejection {
        route: Some(RouteKey::from_uri(uri).expect("a route")),
        ..ejection(address)
    }
}

fn reader(scene: &Scene, held: Held) -> Reader {
    let view = View {
        filter: SegmentFilter::All,
        capabilities: Capabilities::ALL,
    };
    Reader::new(&scene.registry, view, held).0
}

/// What a reader is given up to its next closing step: addresses with their routes, and those that it is to give up.
fn given(scene: &Scene, reader: &mut Reader) -> (Vec<String>, Vec<String>) {
    let (mut given, mut gone) = (Vec::new(), Vec::new());
    loop {
        match reader.next(&scene.registry, 100) {
            Step::Batch(things) => given.extend(things.iter().filter_map(|thing| match thing {
                Thing::Endpoint(it) => Some(format!("{} {}", it.route, it.address)),
                Thing::Route(_) => None,
            })),
            Step::Closing(step) => {
                let named = step.removals.iter();
                gone.extend(named.map(|it| format!("{} {}", it.route, it.address)));
                if !step.continues {
                    given.sort();
                    gone.sort();
                    return (given, gone);
                }
            }
            Step::Idle => return (given, gone),
        }
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_taken_out_is_given_to_nobody_until_it_is_reinstated() {
    let mut scene = Scene::new(Settings::default());
    let (one, two) = (
        message("10.0.0.1:80", &["a", "b"]),
        message("10.0.0.2:80", &["a"]),
    );
    scene.register_all(&one);
    scene.register_all(&two);
    let mut reader = reader(&scene, Held::default());
    given(&scene, &mut reader);

    let out = ejection("10.0.0.1:80");
    assert_eq!(scene.registry.eject(out.clone()), 2);
    scene.registry.check();
    let gone = texts(&["a 10.0.0.1:80", "b 10.0.0.1:80"]);
    assert_eq!(given(&scene, &mut reader), (vec![], gone));
    assert!(
        scene.route("b").unwrap().endpoints[0].endpoint.ejected,
        "it is shown"
    );

    // Neither a heartbeat, nor a change, nor another route brings it back.
    assert_eq!(scene.register(&one), Put::Refreshed);
    assert_eq!(given(&scene, &mut reader), (vec![], vec![]));
    let changed = one.clone().says(Fields {
        app_id: "app",
        ..Fields::default()
    });
    assert_eq!(scene.register(&changed), Put::Updated);
    scene.register_all(&message("10.0.0.1:80", &["c"]));
    assert!(given(&scene, &mut reader).0.is_empty());
    scene.unregister(&changed);
    assert_eq!(scene.register(&changed), Put::Added);
    assert!(given(&scene, &mut reader).0.is_empty());
    assert_eq!(scene.registry.ejected_by(&out), 3);

    scene.registry.reinstate(&out);
    scene.registry.check();
    let back = texts(&["a 10.0.0.1:80", "b 10.0.0.1:80", "c 10.0.0.1:80"]);
    assert_eq!(given(&scene, &mut reader), (back, vec![]));
    assert_eq!(scene.registry.ejected(), 0);
}

#[test]
fn an_ejection_may_be_of_one_route_or_of_one_app() {
    let mut scene = Scene::new(Settings::default());
    scene.register_all(&message("10.0.0.1:80", &["a", "b"]));
    scene.register_all(&message("10.0.0.1:80", &["c"]).says(Fields {
        app_id: "app",
        ..Fields::default()
    }));
    let route = of_route("10.0.0.1:80", "B");
    assert_eq!(scene.registry.eject(route.clone()), 1);
    let app = Ejection {
        app_id: Some("app".into()),
        ..ejection("10.0.0.1:80")
    };
    assert_eq!(scene.registry.eject(app.clone()), 1);
    scene.registry.check();
    let mut reader = reader(&scene, Held::default());
    assert_eq!(given(&scene, &mut reader).0, texts(&["a 10.0.0.1:80"]));

    // Two that name the same are two, and what is still named stays out.
    scene.registry.eject(route.clone());
    scene.registry.eject(ejection("10.0.0.1:80"));
    for (ended, out) in [
        (&route, 3),
        (&app, 3),
        (&ejection("10.0.0.1:80"), 1),
        (&route, 0),
        (&route, 0),
    ] {
        scene.registry.reinstate(ended);
        scene.registry.check();
        assert_eq!(scene.registry.ejected(), out, "{ended:?}");
    }
}

#[test]
fn it_is_known_which_routes_an_ejection_would_leave_empty() {
    let mut scene = Scene::new(Settings::default());
    scene.register_all(&message("10.0.0.1:80", &["a", "b"]));
    scene.register_all(&message("10.0.0.2:80", &["a"]));
    scene.register_all(&message("10.0.0.3:80", &["b"]).segment("other"));
    let emptied = |scene: &Scene, ejection: &Ejection| {
        let (named, emptied) = scene.registry.would_eject(ejection);
        let emptied: Vec<_> = emptied.iter().map(ToString::to_string).collect();
        (named, emptied)
    };
    let one = ejection("10.0.0.1:80");
    assert_eq!(emptied(&scene, &one), (2, texts(&["b"])));
    assert_eq!(emptied(&scene, &of_route("10.0.0.1:80", "a")), (1, vec![]));
    assert_eq!(emptied(&scene, &ejection("10.0.0.9:80")), (0, vec![]));
    assert_eq!(emptied(&scene, &of_route("10.0.0.1:80", "z")), (0, vec![]));
    scene.registry.eject(ejection("10.0.0.2:80"));
    assert_eq!(emptied(&scene, &one), (2, texts(&["a", "b"])));
}

/// A data plane that comes from elsewhere with the endpoint is told that it is gone, however long ago it was taken out.
#[test]
fn who_comes_from_elsewhere_is_told_of_what_is_out() {
    let mut scene = Scene::new(Settings {
        memory: Memory {
            age: seconds(10),
            removals: 1,
        },
        ..Settings::default()
    });
    scene.register_all(&message("10.0.0.1:80", &["a"]));
    scene.registry.eject(ejection("10.0.0.1:80"));
    for number in 0..10 {
        let passing = message("10.0.0.2:80", &[&format!("r{number}")]);
        scene.register(&passing);
        scene.unregister(&passing);
        scene.pass(seconds(11));
    }
    assert!(scene.registry.horizon() > 5);
    let stranger = Held {
        epoch: 99,
        revision: 5,
        things: 2,
        ..Held::default()
    };
    let mut reader = reader(&scene, stranger);
    let gone = texts(&["a 10.0.0.1:80"]);
    assert_eq!(given(&scene, &mut reader), (vec![], gone));
}
