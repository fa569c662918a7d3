use super::replica::Replica;
use crate::testing::{Message, Scene, message, seconds};
use crate::{
    Capabilities, Fields, Held, Reader, Removal, SegmentFilter, Settings, Step, Thing, Transfer,
    View,
};

pub(super) fn all() -> View {
    View {
        filter: SegmentFilter::All,
        capabilities: Capabilities::ALL,
    }
}

fn only(segments: &[&str]) -> View {
    let names = segments.iter().map(|name| Box::from(*name)).collect();
    View {
        filter: SegmentFilter::Only(names),
        ..all()
    }
}

fn endpoint(number: usize) -> Message {
    message(
        &format!("10.0.{}.{}:80", number / 250, number % 250),
        &["foo"],
    )
}

/// Everything that a reader gives until it has nothing left.
pub(super) fn steps(scene: &Scene, reader: &mut Reader) -> Vec<Step> {
    let mut steps = Vec::new();
    loop {
        match reader.next(&scene.registry, 512) {
            Step::Idle => return steps,
            step => steps.push(step),
        }
    }
}

#[test]
fn a_changed_instance_of_a_large_pool_is_one_small_message() {
    let mut scene = Scene::new(Settings::default());
    for number in 0..1000 {
        scene
            .registry
            .register(scene.source, &endpoint(number).0, scene.now);
    }
    let mut replica = Replica::default();
    let (mut reader, transfer) = replica.connect(&scene.registry, all());
    assert_eq!(transfer, Transfer::Snapshot);
    replica.follow(&mut reader, &scene.registry, 512);
    assert_eq!(replica.received, 1001);
    scene.register(&endpoint(17).says(Fields {
        app_id: "other",
        ..Fields::default()
    }));
    let given = steps(&scene, &mut reader);
    let [Step::Batch(things), Step::Closing(closing)] = &given[..] else {
        panic!("{given:?}")
    };
    assert!(matches!(&things[..], [Thing::Endpoint(it)] if &*it.address == "10.0.0.17:80"));
    assert!(closing.removals.is_empty() && !closing.complete && !closing.continues);
}

#[test]
fn the_answer_always_comes_and_then_nothing() {
    let mut scene = Scene::new(Settings::default());
    for filled in [false, true] {
        let mut replica = Replica::default();
        let (mut reader, _) = replica.connect(&scene.registry, all());
        replica.follow(&mut reader, &scene.registry, 512);
        assert_eq!(replica.revision, scene.registry.head());
        let (mut again, transfer) = replica.connect(&scene.registry, all());
        // A table that was never filled has nothing to resume from.
        assert_eq!(
            transfer,
            if filled {
                Transfer::Delta
            } else {
                Transfer::Snapshot
            }
        );
        let given = steps(&scene, &mut again);
        assert!(matches!(&given[..], [Step::Closing(closing)] if closing.complete != filled));
        assert_eq!(again.next(&scene.registry, 512), Step::Idle);
        scene.register(&endpoint(1));
    }
}

#[test]
fn heartbeats_give_nothing() {
    let mut scene = Scene::new(Settings::default());
    scene.register(&endpoint(1).fingerprint(1));
    let mut replica = Replica::default();
    let (mut reader, _) = replica.connect(&scene.registry, all());
    replica.follow(&mut reader, &scene.registry, 512);
    scene.register(&endpoint(1));
    assert_eq!(reader.next(&scene.registry, 512), Step::Idle);
}

#[test]
fn what_was_overwritten_is_skipped() {
    let mut scene = Scene::new(Settings::default());
    let mut replica = Replica::default();
    let (mut reader, _) = replica.connect(&scene.registry, all());
    for round in 0..1000 {
        scene.register(&endpoint(1).threshold(1 + round % 100));
        if round % 7 == 0 {
            scene.unregister(&endpoint(1));
        }
    }
    scene.register(&endpoint(1));
    replica.follow(&mut reader, &scene.registry, 512);
    assert_eq!(replica.received, 2);
}

#[test]
fn what_comes_and_goes_is_remembered_once() {
    let mut scene = Scene::new(Settings::default());
    scene.register(&endpoint(1));
    for _ in 0..1000 {
        scene.register(&endpoint(2));
        scene.unregister(&endpoint(2));
    }
    assert_eq!(scene.registry.counts(scene.now).removals, 1);
    scene.register(&endpoint(2));
    assert_eq!(scene.registry.counts(scene.now).removals, 0);
    assert_eq!(scene.registry.horizon(), 0);
}

/// whoever comes back always gets an answer: what changed since, or everything
#[test]
fn another_epoch_filter_or_a_forgotten_revision_gets_a_snapshot() {
    let memory = crate::Memory {
        removals: 2,
        age: seconds(3600),
    };
    let mut scene = Scene::new(Settings {
        memory,
        ..Settings::default()
    });
    for number in 0..9 {
        scene.register(&endpoint(number));
    }
    let held = |epoch, revision, filter: &View| Held {
        things: 0,
        epoch,
        revision,
        filter_digest: filter.filter.digest(),
        may_hold_more: false,
        rejected: Vec::new(),
    };
    let transfer = |scene: &Scene, held| Reader::new(&scene.registry, all(), held).1;
    let (epoch, head) = (scene.registry.epoch(), scene.registry.head());
    assert_eq!(transfer(&scene, held(epoch, head, &all())), Transfer::Delta);
    assert_eq!(transfer(&scene, held(epoch, 1, &all())), Transfer::Delta);
    assert_eq!(transfer(&scene, held(epoch, 0, &all())), Transfer::Snapshot);
    assert_eq!(
        transfer(&scene, held(epoch, head + 1, &all())),
        Transfer::Snapshot
    );
    assert_eq!(
        transfer(&scene, held(epoch + 1, head, &all())),
        Transfer::Snapshot
    );
    assert_eq!(
        transfer(&scene, held(epoch, head, &only(&["a"]))),
        Transfer::Snapshot
    );
    for number in 0..4 {
        scene.unregister(&endpoint(number));
    }
    assert_eq!(
        transfer(&scene, held(epoch, head, &all())),
        Transfer::Snapshot
    );
    assert_eq!(
        transfer(&scene, held(epoch, head + 2, &all())),
        Transfer::Delta
    );
}

#[test]
fn a_session_that_the_horizon_overtakes_gets_a_snapshot() {
    let memory = crate::Memory {
        removals: 2,
        age: seconds(3600),
    };
    let mut scene = Scene::new(Settings {
        memory,
        ..Settings::default()
    });
    for number in 0..9 {
        scene.register(&endpoint(number));
    }
    let mut replica = Replica::default();
    let (mut reader, _) = replica.connect(&scene.registry, all());
    replica.follow(&mut reader, &scene.registry, 512);
    for number in 0..6 {
        scene.unregister(&endpoint(number));
    }
    let given = steps(&scene, &mut reader);
    assert!(matches!(given.last(), Some(Step::Closing(closing)) if closing.complete));
    given
        .into_iter()
        .for_each(|step| assert_ne!(replica.apply(step), Some(false)));
    assert_eq!(replica.endpoints.len(), 3);
}

#[test]
fn as_many_removals_are_remembered_as_a_quarter_of_what_lives() {
    let memory = crate::Memory {
        removals: 2,
        age: seconds(3600),
    };
    let mut scene = Scene::new(Settings {
        memory,
        ..Settings::default()
    });
    // One route with its endpoints.
    for number in 0..60 {
        scene.register(&endpoint(number));
    }
    for number in 0..20 {
        scene.unregister(&endpoint(number));
    }
    // Each further removal forgets at most one, so while the table shrinks the clock forgets the rest.
    scene.pass(seconds(0));
    assert_eq!(scene.registry.counts(scene.now).removals, (40 + 1) / 4);
    for number in 20..58 {
        scene.unregister(&endpoint(number));
    }
    scene.pass(seconds(0));
    assert_eq!(scene.registry.counts(scene.now).removals, 2);
}

#[test]
fn removals_are_forgotten_by_age() {
    let mut scene = Scene::new(Settings::default());
    for number in 0..2 {
        scene.register(&endpoint(number).tls());
    }
    scene.unregister(&endpoint(0));
    assert_eq!(scene.registry.counts(scene.now).removals, 1);
    scene.pass(seconds(3600));
    assert_eq!(scene.registry.horizon(), 0);
    scene.pass(seconds(1));
    assert_eq!(scene.registry.counts(scene.now).removals, 0);
    assert!(scene.registry.horizon() > 0);
}

#[test]
fn a_move_is_a_removal_only_to_those_who_do_not_see_where_it_went() {
    let mut scene = Scene::new(Settings::default());
    scene.register(&endpoint(1).segment("a"));
    let readers = [(only(&["a"]), 0), (only(&["b"]), 1), (all(), 1)];
    let mut readers = readers.map(|(view, left)| {
        let mut replica = Replica::default();
        let (mut reader, _) = replica.connect(&scene.registry, view);
        replica.follow(&mut reader, &scene.registry, 512);
        (replica, reader, left)
    });
    scene.register(&endpoint(1).segment("b"));
    for (replica, reader, left) in &mut readers {
        let given = steps(&scene, reader);
        let Some(Step::Closing(closing)) = given.last() else {
            panic!("{given:?}")
        };
        let named = closing.removals.iter().any(|it| !it.address.is_empty());
        assert_eq!(named, *left == 0, "{given:?}");
        given
            .into_iter()
            .for_each(|step| assert_ne!(replica.apply(step), Some(false)));
        assert_eq!(replica.endpoints.len(), *left);
    }
}

#[test]
fn attributes_that_changed_later_come_before_the_endpoint_all_the_same() {
    let mut scene = Scene::new(Settings::default());
    scene.register(&endpoint(1));
    scene.register(&endpoint(2));
    let rs = Fields {
        route_service_url: "https://rs",
        updated_at_ns: 9,
        ..Fields::default()
    };
    scene.register(&endpoint(3).says(rs));
    let (mut reader, _) = Reader::new(&scene.registry, all(), Held::default());
    let mut routes = 0;
    // The replica of the model test refuses an endpoint without attributes; here each one comes alone.
    let mut replica = Replica::default();
    loop {
        let step = reader.next(&scene.registry, 1);
        if let Step::Batch(things) = &step {
            routes += things
                .iter()
                .filter(|it| matches!(it, Thing::Route(_)))
                .count();
        }
        if let Some(agrees) = replica.apply(step) {
            assert!(agrees);
            break;
        }
    }
    assert!(routes >= 1);
    assert_eq!(replica.endpoints.len(), 3);
}

#[test]
fn what_a_reader_cannot_honour_is_withheld_and_counted() {
    let mut scene = Scene::new(Settings::default());
    scene.register(&message("10.0.0.1:80", &["plain", "service"]));
    scene.register(&message("10.0.0.2:443", &["plain"]).tls());
    let service = message("10.0.0.3:80", &["service"]).route_service("https://rs");
    let mut replica = Replica::default();
    let view = View {
        capabilities: Capabilities::NONE,
        ..all()
    };
    let (mut reader, _) = replica.connect(&scene.registry, view);
    replica.follow(&mut reader, &scene.registry, 512);
    assert_eq!(
        (
            replica.endpoints.len(),
            reader.sums(&scene.registry).1.things
        ),
        (2, 1)
    );
    // A route service comes: the route goes, with all of its endpoints.
    scene.register(&service.clone().says(Fields {
        route_service_url: "https://rs",
        updated_at_ns: 1,
        ..Fields::default()
    }));
    replica.follow(&mut reader, &scene.registry, 512);
    assert_eq!((replica.routes.len(), replica.endpoints.len()), (1, 1));
    assert_eq!(reader.sums(&scene.registry).1.things, 4);
    // And leaves: the route is back, with all of its endpoints.
    scene.unregister(&service);
    replica.follow(&mut reader, &scene.registry, 512);
    assert_eq!((replica.routes.len(), replica.endpoints.len()), (2, 2));
}

#[test]
fn what_was_refused_is_given_again_on_reconnect() {
    let mut scene = Scene::new(Settings::default());
    scene.register(&endpoint(1));
    scene.register(&endpoint(2));
    let key = std::sync::Arc::clone(crate::Uri::parse("foo").unwrap().key());
    let name = |address: &str| Removal {
        route: std::sync::Arc::clone(&key),
        address: address.into(),
        segment: "".into(),
    };
    let held = Held {
        things: 0,
        epoch: scene.registry.epoch(),
        revision: scene.registry.head(),
        filter_digest: all().filter.digest(),
        may_hold_more: false,
        rejected: vec![name(""), name("10.0.0.2:80"), name("10.0.0.9:80")],
    };
    let (mut reader, transfer) = Reader::new(&scene.registry, all(), held);
    assert_eq!(transfer, Transfer::Delta);
    let given = steps(&scene, &mut reader);
    let [Step::Batch(things), Step::Closing(_)] = &given[..] else {
        panic!("{given:?}")
    };
    assert!(
        matches!(&things[..], [Thing::Route(_), Thing::Endpoint(it)] if &*it.address == "10.0.0.2:80")
    );
}

#[test]
fn a_long_closing_step_comes_in_parts_and_what_comes_back_meanwhile_stays() {
    let mut scene = Scene::new(Settings::default());
    for number in 0..100 {
        scene.register(&endpoint(number));
    }
    let mut replica = Replica::default();
    let (mut reader, _) = replica.connect(&scene.registry, all());
    replica.follow(&mut reader, &scene.registry, 512);
    for number in 0..90 {
        scene.unregister(&endpoint(number));
    }
    let mut parts = 0;
    loop {
        let step = reader.next(&scene.registry, 10);
        if let Step::Closing(closing) = &step {
            parts += usize::from(closing.continues);
            assert!(closing.removals.len() <= 10);
            if parts == 3 {
                // One whose removal was told, and one whose removal was not told yet.
                scene.register(&endpoint(5));
                scene.register(&endpoint(85));
            }
        }
        if let Some(agrees) = replica.apply(step) {
            assert!(agrees);
            break;
        }
    }
    assert!(parts >= 8, "{parts}");
    assert_eq!(replica.endpoints.len(), 12);
}

#[test]
fn a_repair_gives_everything_and_tells_that_it_did() {
    let mut scene = Scene::new(Settings::default());
    for number in 0..10 {
        scene.register(&endpoint(number));
    }
    let mut replica = Replica::default();
    let (mut reader, _) = replica.connect(&scene.registry, all());
    replica.follow(&mut reader, &scene.registry, 512);
    replica.endpoints.pop_first();
    reader.restart(&scene.registry);
    replica.follow(&mut reader, &scene.registry, 3);
    assert_eq!(replica.endpoints.len(), 10);
    assert_eq!(replica.sum(), reader.sums(&scene.registry).0);
}

/// The removals that a reader gives to somebody who has something of another life of the registry.
fn told_to_a_stranger(scene: &Scene) -> Vec<String> {
    told_to(scene, scene.registry.epoch().wrapping_add(1).max(1), 1)
}

/// The removals in the snapshot for somebody who has something of this life, or of another.
fn told_to(scene: &Scene, epoch: u64, revision: u64) -> Vec<String> {
    let held = Held {
        things: 0,
        epoch,
        revision,
        ..Held::default()
    };
    let (mut reader, transfer) = Reader::new(&scene.registry, all(), held);
    assert_eq!(transfer, Transfer::Snapshot);
    let given = steps(scene, &mut reader);
    let closings = given.into_iter().filter_map(|step| match step {
        Step::Closing(closing) => Some(closing.removals),
        Step::Batch(_) | Step::Idle => None,
    });
    let endpoints = closings.flatten().filter(|it| !it.address.is_empty());
    endpoints
        .map(|it| format!("{} {}", it.route, it.address))
        .collect()
}

#[test]
fn who_has_something_of_another_life_is_told_what_was_removed_in_this_one() {
    let mut scene = Scene::new(Settings::default());
    scene.register(&endpoint(1));
    scene.register(&endpoint(2));
    scene.unregister(&endpoint(1));
    assert_eq!(told_to_a_stranger(&scene), ["foo 10.0.0.1:80"]);
    let cut = told_to(&scene, scene.registry.epoch(), 0);
    assert_eq!(cut, ["foo 10.0.0.1:80"], "a first snapshot was cut");
    let (mut reader, _) = Reader::new(&scene.registry, all(), Held::default());
    let given = steps(&scene, &mut reader);
    let told = given
        .iter()
        .any(|step| matches!(step, Step::Closing(closing) if !closing.removals.is_empty()));
    assert!(!told, "who has nothing needs no removals");
}

#[test]
fn a_removal_of_what_was_never_heard_is_told_while_others_may_have_it() {
    let mut scene = Scene::new(Settings::default());
    scene.unregister(&endpoint(1));
    let head = scene.registry.head();
    scene.unregister(&endpoint(1));
    assert_eq!(scene.registry.head(), head, "once");
    assert_eq!(told_to_a_stranger(&scene), ["foo 10.0.0.1:80"]);
    scene.register(&endpoint(1));
    assert_eq!(told_to_a_stranger(&scene), [""; 0]);
    scene.pass(seconds(200));
    assert!(scene.registry.standing(scene.now, false).authoritative);
    scene.unregister(&endpoint(2));
    // The first one went stale meanwhile; of the second the absence tells the same.
    assert_eq!(told_to_a_stranger(&scene), ["foo 10.0.0.1:80"]);
}

#[test]
fn a_delta_is_whole_or_left_to_the_others() {
    let mut scene = Scene::new(Settings::default());
    let mut reader = Reader::resting(all(), scene.registry.head());
    assert_eq!(reader.delta(&scene.registry, 512), None, "nothing is new");
    for number in 0..20 {
        scene.register(&endpoint(number));
    }
    let from = reader.clone();
    let (things, closing) = reader.delta(&scene.registry, 512).expect("a delta");
    // The attributes of the route are one of them.
    assert_eq!((things.len(), closing.removals.len()), (21, 0));
    let ends = (closing.revision, closing.continues, closing.complete);
    assert_eq!(ends, (scene.registry.head(), false, false));
    assert_eq!(closing.sum, reader.sums(&scene.registry).0);
    let mut small = from;
    assert_eq!(
        small.delta(&scene.registry, 20),
        None,
        "it is more than that"
    );
    let head = Some(scene.registry.head());
    assert_eq!((reader.rests_at(), small.rests_at()), (head, head));
}
