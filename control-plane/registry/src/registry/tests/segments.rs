use crate::testing::{Scene, message, seconds};
use crate::{Dropped, Put, SegmentFilter, Settings, Unregistered};

fn names(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| Box::from(*name)).collect()
}

const FOREIGN: Put = Put::Dropped(Dropped::ForeignSegment);

/// C-166: the listed segments are stored, another one is dropped
/// C-167: without the shared one, what names no segment is dropped
/// C-168: with it the listed ones are stored too
/// C-169: and what names no segment
/// C-170: unregistrations go by the same rule
/// C-171: what names no segment is ignored without the shared one
/// C-172: with it the listed ones are removed
/// C-173: and what names no segment
#[test]
fn a_shard_takes_its_segments_only() {
    let listed = || names(&["foo", "bar"]);
    let shards = [
        (SegmentFilter::SharedAnd(listed()), true),
        (SegmentFilter::Only(listed()), false),
    ];
    for (accepted, takes_shared) in shards {
        let mut scene = Scene::new(Settings {
            accepted,
            ..Settings::default()
        });
        for (segment, taken) in [
            ("foo", true),
            ("bar", true),
            ("baz", false),
            ("", takes_shared),
        ] {
            let message = message("10.0.0.1:80", &[&format!("r{segment}")]).segment(segment);
            let put = scene.register(&message);
            assert_eq!(put, if taken { Put::Added } else { FOREIGN }, "{segment}");
            let removed = scene.unregister(&message);
            let gone = Unregistered::Removed {
                route_gone: true,
                other_segment: false,
            };
            assert_eq!(
                removed,
                if taken {
                    gone
                } else {
                    Unregistered::ForeignSegment
                }
            );
        }
    }
}

#[test]
fn an_unregistration_applies_in_any_segment_that_is_taken() {
    let mut scene = Scene::new(Settings::default());
    scene.register(&message("10.0.0.1:80", &["foo"]).segment("is1"));
    let outcome = scene.unregister(&message("10.0.0.1:80", &["foo"]).segment("is2"));
    assert_eq!(
        outcome,
        Unregistered::Removed {
            route_gone: true,
            other_segment: true
        }
    );
}

#[test]
fn a_registration_that_names_another_segment_moves_the_endpoint() {
    let mut scene = Scene::new(Settings::default());
    let base = message("10.0.0.1:80", &["foo"]);
    scene.register(&base.clone().segment("is1"));
    scene.register(&message("10.0.0.2:80", &["foo"]).segment("is1"));
    assert_eq!(scene.register(&base.segment("is2")), Put::Updated);
    let route = scene.route("foo").unwrap();
    let segments: Vec<_> = route
        .endpoints
        .iter()
        .map(|it| &*it.endpoint.segment)
        .collect();
    assert_eq!(segments, ["is2", "is1"]);
    assert_eq!(route.attributes.len(), 2);
    assert_eq!(route.attributes[0].birth, route.attributes[1].birth);
}

#[test]
fn there_is_a_bound_on_segments_and_those_that_are_left_do_not_count() {
    let memory = crate::Memory {
        age: seconds(1),
        removals: 0,
    };
    let mut scene = Scene::new(Settings {
        memory,
        ..Settings::default()
    });
    let put = |scene: &mut Scene, number: usize| {
        let message = message("10.0.0.1:80", &[&format!("r{number}")]);
        let message = message.segment(&format!("is{number}")).0;
        scene.registry.register(scene.source, &message, scene.now)[0].put
    };
    for number in 0..4096 {
        assert_eq!(put(&mut scene, number), Put::Added);
    }
    assert_eq!(
        put(&mut scene, 4096),
        Put::Dropped(Dropped::TooManySegments)
    );
    scene.unregister(&message("10.0.0.1:80", &["r17"]));
    scene.pass(seconds(2));
    assert_eq!(put(&mut scene, 4096), Put::Added);
    scene.registry.check();
}

/// What somebody made up and took back does not keep others out for as long as removals are remembered.
#[test]
fn segments_that_only_remember_make_room() {
    let mut scene = Scene::new(Settings::default());
    scene.register(&message("10.0.0.9:80", &["mine"]).segment("lasting"));
    let made_up = |number: usize| message("10.0.0.1:80", &["foo"]).segment(&format!("is{number}"));
    for number in 0..4096 {
        scene.register(&made_up(number));
        scene.unregister(&made_up(number));
    }
    let other = message("10.0.0.2:80", &["bar"]).segment("production");
    assert_eq!(scene.register(&other), Put::Added);
    let declared = |name| scene.registry.segments.find(name).is_some();
    assert!(declared("lasting") && declared("production"));
    scene.registry.check();
}
