//! Readers of a table with a change that not everybody is to have yet.

use super::replica::Replica;
use crate::testing::{Scene, message};
use crate::{
    Capabilities, Fields, Memory, Reader, Registry, SegmentFilter, Settings, Transfer, View,
};

fn view() -> View {
    View {
        filter: SegmentFilter::All,
        capabilities: Capabilities::ALL,
    }
}

/// A data plane that follows by a reader.
struct Follower {
    replica: Replica,
    reader: Reader,
}

impl Follower {
    fn new(registry: &Registry) -> Self {
        Self::seeing(registry, view())
    }

    fn seeing(registry: &Registry, view: View) -> Self {
        let mut replica = Replica::default();
        let (reader, _) = replica.connect(registry, view);
        let mut follower = Self { replica, reader };
        follower.follow(registry);
        follower
    }

    /// Reads everything, and checks that the sums agree whenever they can be compared.
    fn follow(&mut self, registry: &Registry) {
        while !self.reader.is_idle(registry) {
            let step = self.reader.next(registry, 3);
            assert_ne!(self.replica.apply(step), Some(false), "the sums differ");
        }
    }

    fn reconnect(&mut self, registry: &Registry) -> Transfer {
        let (reader, transfer) = self.replica.connect(registry, view());
        self.reader = reader;
        self.follow(registry);
        transfer
    }

    fn addresses(&self) -> Vec<String> {
        let endpoints = self.replica.endpoints.keys();
        endpoints
            .map(|(key, address)| format!("{key} {address}"))
            .collect()
    }

    /// The birth that a route was given with.
    fn birth(&self, uri: &str) -> u64 {
        let mut routes = self.replica.routes.values();
        let found = routes.find(|it| it.key.to_string() == uri);
        found.expect("it is held").birth
    }

    /// The algorithm that the endpoints of a route were given with.
    fn algorithms(&self, uri: &str) -> Vec<String> {
        let endpoints = self.replica.endpoints.iter();
        let of_route = endpoints.filter(|((key, _), _)| key.to_string() == uri);
        of_route
            .map(|(_, it)| it.description.algorithm().to_owned())
            .collect()
    }
}

fn scene() -> Scene {
    let mut scene = Scene::new(Settings::default());
    for route in ["a", "b", "c"] {
        scene.register(&message("10.0.0.1:80", &[route]));
    }
    scene
}

fn staged(scene: &mut Scene, change: impl FnOnce(&mut Scene)) -> u64 {
    let part = scene.registry.begin_staging();
    scene.registry.record_staged(true);
    change(scene);
    scene.registry.record_staged(false);
    part
}

/// who is not admitted keeps what was changed or removed, and gets what was added, and what others change meanwhile
#[test]
fn who_is_not_admitted_passes_over_what_is_staged() {
    let mut scene = scene();
    let mut waiting = Follower::new(&scene.registry);
    let mut first = Follower::new(&scene.registry);
    let before = scene.registry.head();
    let part = staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["a"]).algorithm("least-connection"));
        scene.unregister(&message("10.0.0.1:80", &["b"]));
        scene.register(&message("10.0.0.9:80", &["new"]));
    });
    assert_eq!(scene.registry.staged_routes(), 2);
    waiting.follow(&scene.registry);
    assert_eq!(
        waiting.addresses(),
        [
            "a 10.0.0.1:80",
            "b 10.0.0.1:80",
            "c 10.0.0.1:80",
            "new 10.0.0.9:80"
        ]
    );
    assert_eq!(waiting.algorithms("a"), [""]);
    assert_eq!(
        waiting.replica.revision, before,
        "what it is told is the truth"
    );

    first.reader.admit(part);
    first.follow(&scene.registry);
    assert_eq!(first.algorithms("a"), ["least-connection"]);
    assert_eq!(first.replica.revision, scene.registry.head());
    assert!(!first.addresses().contains(&"b 10.0.0.1:80".to_owned()));

    // Somebody else's changes do not wait: of what is not staged, and of what is.
    scene.register(&message("10.0.0.2:80", &["c"]));
    scene.register(&message("10.0.0.1:80", &["a"]).algorithm("hash"));
    waiting.follow(&scene.registry);
    assert!(waiting.addresses().contains(&"c 10.0.0.2:80".to_owned()));
    assert_eq!(waiting.algorithms("a"), ["hash"]);

    // It comes back, and still waits; then it is admitted.
    assert_eq!(waiting.reconnect(&scene.registry), Transfer::Delta);
    assert!(waiting.addresses().contains(&"b 10.0.0.1:80".to_owned()));
    waiting.reader.admit(part);
    waiting.follow(&scene.registry);
    assert!(!waiting.addresses().contains(&"b 10.0.0.1:80".to_owned()));
    assert_eq!(waiting.replica.revision, scene.registry.head());
}

/// what is staged on top of what is staged waits at whoever had the first of it as well; the end admits everybody
#[test]
fn a_second_part_is_staged_on_top_of_the_first() {
    let mut scene = scene();
    let mut waiting = Follower::new(&scene.registry);
    let mut first = Follower::new(&scene.registry);
    let part = staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["a"]).algorithm("least-connection"));
        scene.unregister(&message("10.0.0.1:80", &["b"]));
    });
    first.reader.admit(part);
    first.follow(&scene.registry);
    waiting.follow(&scene.registry);
    let second = staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["a"]).algorithm("hash"));
        scene.register(&message("10.0.0.1:80", &["b"]));
    });
    first.follow(&scene.registry);
    waiting.follow(&scene.registry);
    assert_eq!(first.algorithms("a"), ["least-connection"]);
    assert_eq!(waiting.algorithms("a"), [""]);
    assert!(waiting.addresses().contains(&"b 10.0.0.1:80".to_owned()));
    assert_eq!(scene.registry.staged_routes(), 1, "b is as it was");
    waiting.reader.admit(second);
    waiting.follow(&scene.registry);
    assert_eq!(waiting.algorithms("a"), ["hash"]);
    scene.registry.end_staging(scene.now);
    first.follow(&scene.registry);
    assert_eq!(first.algorithms("a"), ["hash"]);
    assert_eq!(first.replica.revision, scene.registry.head());
    assert_eq!(first.addresses(), waiting.addresses());
}

/// whoever had the first part agrees about it while a second one is staged that changes something else
#[test]
fn a_second_part_leaves_the_first_as_it_is_held() {
    let mut scene = scene();
    let mut first = Follower::new(&scene.registry);
    let part = staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["a"]).algorithm("least-connection"));
    });
    first.reader.admit(part);
    first.follow(&scene.registry);
    staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["c"]).algorithm("hash"));
    });
    first.follow(&scene.registry);
    assert_eq!(first.algorithms("a"), ["least-connection"]);
    assert_eq!(first.algorithms("c"), [""]);
}

/// what was passed over is given when that has ended, though something else is staged by then
#[test]
fn another_change_may_be_staged_before_the_end_of_one_was_seen() {
    let mut scene = scene();
    let mut waiting = Follower::new(&scene.registry);
    staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["a"]).algorithm("least-connection"));
    });
    waiting.follow(&scene.registry);
    assert_eq!(waiting.algorithms("a"), [""]);
    scene.registry.end_staging(scene.now);
    staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["c"]).algorithm("hash"));
    });
    assert!(!waiting.reader.is_idle(&scene.registry));
    waiting.follow(&scene.registry);
    assert_eq!(waiting.algorithms("a"), ["least-connection"]);
    assert_eq!(waiting.algorithms("c"), [""]);
}

/// a first fill is exempt, and what changes while something is given is not lost
#[test]
fn who_has_nothing_is_given_everything() {
    let mut scene = scene();
    staged(&mut scene, |scene| {
        scene.unregister(&message("10.0.0.1:80", &["b"]));
    });
    let stranger = Follower::new(&scene.registry);
    assert_eq!(stranger.addresses(), ["a 10.0.0.1:80", "c 10.0.0.1:80"]);
    assert_eq!(stranger.replica.revision, scene.registry.head());
}

/// a route that others bring back while its removal is staged is theirs at once, and the sums agree
#[test]
fn what_comes_back_by_others_is_not_staged_any_more() {
    let mut scene = scene();
    let mut waiting = Follower::new(&scene.registry);
    staged(&mut scene, |scene| {
        scene.unregister(&message("10.0.0.1:80", &["b"]));
        scene.unregister(&message("10.0.0.1:80", &["c"]));
    });
    waiting.follow(&scene.registry);
    scene.register(&message("10.0.0.7:80", &["b"]));
    scene.register(&message("10.0.0.1:80", &["c"]));
    waiting.follow(&scene.registry);
    assert_eq!(
        waiting.addresses(),
        ["a 10.0.0.1:80", "b 10.0.0.7:80", "c 10.0.0.1:80"]
    );
    assert_eq!(scene.registry.staged_routes(), 0);
}

fn only(segment: &str) -> View {
    View {
        filter: SegmentFilter::Only(vec![segment.into()]),
        capabilities: Capabilities::ALL,
    }
}

/// an endpoint whose removal is staged, and that others register in another segment, is nowhere else any more
#[test]
fn what_others_register_in_another_segment_is_told_to_have_gone() {
    let mut scene = scene();
    let mut waiting = Follower::new(&scene.registry);
    let mut narrow = Follower::seeing(&scene.registry, only(""));
    staged(&mut scene, |scene| {
        scene.unregister(&message("10.0.0.1:80", &["a"]));
        scene.unregister(&message("10.0.0.1:80", &["b"]));
    });
    waiting.follow(&scene.registry);
    narrow.follow(&scene.registry);
    scene.register(&message("10.0.0.1:80", &["b"]).segment("s"));
    waiting.follow(&scene.registry);
    narrow.follow(&scene.registry);
    assert_eq!(narrow.addresses(), ["a 10.0.0.1:80", "c 10.0.0.1:80"]);
    let moved = waiting.replica.endpoints.values();
    let segments: Vec<_> = moved
        .map(|it| (it.route.to_string(), &*it.segment))
        .collect();
    let wanted = [("a", ""), ("b", "s"), ("c", "")];
    assert_eq!(
        segments,
        wanted.map(|(route, segment)| (route.to_owned(), segment))
    );
}

/// a move between segments that is staged waits as any other change, and so does the way back
#[test]
fn a_staged_move_waits() {
    let mut scene = scene();
    let mut waiting = Follower::new(&scene.registry);
    let mut first = Follower::new(&scene.registry);
    let segment = |follower: &Follower| {
        let mut endpoints = follower.replica.endpoints.values();
        let found = endpoints.find(|it| it.route.to_string() == "b").unwrap();
        found.segment.to_string()
    };
    let part = staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["b"]).segment("s"));
    });
    first.reader.admit(part);
    for part in ["t", ""] {
        first.follow(&scene.registry);
        waiting.follow(&scene.registry);
        assert_eq!(
            (segment(&first), segment(&waiting)),
            ("s".into(), "".into())
        );
        staged(&mut scene, |scene| {
            scene.register(&message("10.0.0.1:80", &["b"]).segment(part));
        });
    }
    first.follow(&scene.registry);
    waiting.follow(&scene.registry);
    assert_eq!(
        (segment(&first), segment(&waiting)),
        ("s".into(), "".into())
    );
    // It is removed, and comes back elsewhere, which is still a change of what is held.
    staged(&mut scene, |scene| {
        scene.unregister(&message("10.0.0.1:80", &["b"]));
    });
    staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["b"]).segment("t"));
    });
    first.follow(&scene.registry);
    waiting.follow(&scene.registry);
    assert_eq!(
        (segment(&first), segment(&waiting)),
        ("s".into(), "".into())
    );
    scene.registry.end_staging(scene.now);
    first.follow(&scene.registry);
    waiting.follow(&scene.registry);
    assert_eq!(
        (segment(&first), segment(&waiting)),
        ("t".into(), "t".into())
    );
}

/// what is staged of the earlier life of a route that others have born again is told to everybody
#[test]
fn a_route_that_others_bear_again_keeps_nothing_of_its_earlier_life() {
    for segment in ["", "s"] {
        let mut scene = scene();
        scene.register(&message("10.0.0.2:80", &["b"]));
        let mut waiting = Follower::new(&scene.registry);
        staged(&mut scene, |scene| {
            scene.unregister(&message("10.0.0.1:80", &["b"]));
        });
        waiting.follow(&scene.registry);
        scene.unregister(&message("10.0.0.2:80", &["b"]));
        waiting.follow(&scene.registry);
        staged(&mut scene, |scene| {
            scene.register(&message("10.0.0.3:80", &["b"]).segment(segment));
        });
        waiting.follow(&scene.registry);
        scene.register(&message("10.0.0.4:80", &["b"]));
        waiting.follow(&scene.registry);
        assert!(waiting.addresses().contains(&"b 10.0.0.4:80".to_owned()));
        scene.registry.end_staging(scene.now);
        waiting.follow(&scene.registry);
        let mut stranger = Follower::new(&scene.registry);
        stranger.follow(&scene.registry);
        assert_eq!(waiting.addresses(), stranger.addresses(), "{segment:?}");
    }
}

/// more staged removals than are remembered otherwise are all remembered: who comes back goes on to wait
#[test]
fn staged_removals_are_remembered_beside_the_others() {
    let mut scene = Scene::new(Settings {
        memory: Memory {
            removals: 2,
            age: crate::testing::seconds(250),
        },
        ..Settings::default()
    });
    let routes: Vec<_> = (0..20).map(|number| format!("r{number}")).collect();
    for route in &routes {
        scene.register(&message("10.0.0.1:80", &[route]));
    }
    let mut waiting = Follower::new(&scene.registry);
    staged(&mut scene, |scene| {
        for route in &routes[..15] {
            scene.unregister(&message("10.0.0.1:80", &[route]));
        }
    });
    assert_eq!(waiting.reconnect(&scene.registry), Transfer::Delta);
    assert_eq!(waiting.addresses().len(), 20);
    // Others go; that they went is forgotten in time, and what is staged is not.
    for route in &routes[17..] {
        scene.unregister(&message("10.0.0.1:80", &[route]));
        waiting.follow(&scene.registry);
    }
    assert!(scene.registry.horizon() > waiting.replica.revision);
    assert_eq!(waiting.addresses().len(), 17);
    scene.register(&message("10.0.0.1:80", &["r3"]));
    waiting.follow(&scene.registry);
    scene.registry.end_staging(scene.now);
    assert_eq!(scene.registry.counts(scene.now).removals, 30);
    waiting.follow(&scene.registry);
    assert_eq!(waiting.addresses().len(), 3);
    scene.pass(crate::testing::seconds(301));
    assert!(scene.registry.counts(scene.now).removals < 10);
}

/// who is in the middle of being given one part ends that before another one is kept from it, and the sums agree
#[test]
fn a_part_that_begins_in_the_middle_of_another_waits_for_the_end_of_that() {
    let mut scene = scene();
    let mut first = Follower::new(&scene.registry);
    let part = staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["a"]).algorithm("hash"));
        scene.register(&message("10.0.0.1:80", &["b"]).segment("s"));
    });
    first.reader.admit(part);
    let step = first.reader.next(&scene.registry, 3);
    assert_eq!(first.replica.apply(step), None);
    staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.1:80", &["a"]).algorithm("least-connection"));
        scene.unregister(&message("10.0.0.1:80", &["b"]));
    });
    first.follow(&scene.registry);
    // Now it is at rest, so that the next one is kept from it.
    staged(&mut scene, |scene| {
        scene.unregister(&message("10.0.0.1:80", &["a"]));
    });
    first.follow(&scene.registry);
    assert_eq!(first.algorithms("a"), ["least-connection"]);
}

/// what was given of a route whose rebirth is staged is given again when others make that rebirth known
#[test]
fn what_came_before_the_rebirth_was_told_stays() {
    let mut scene = scene();
    let mut waiting = Follower::new(&scene.registry);
    staged(&mut scene, |scene| {
        scene.unregister(&message("10.0.0.1:80", &["b"]));
        scene.unregister(&message("10.0.0.1:80", &["c"]));
    });
    staged(&mut scene, |scene| {
        scene.register(&message("10.0.0.3:80", &["b"]));
    });
    let before = waiting.birth("b");
    waiting.follow(&scene.registry);
    assert!(waiting.addresses().contains(&"b 10.0.0.3:80".to_owned()));
    assert_eq!(waiting.birth("b"), before, "it was not told");
    // The latest decides about the attributes, which are told with it; they need nothing else, so that the other endpoint
    // does not change with them. Something else is staged still, so that nobody is given everything anew.
    scene.register(&message("10.0.0.4:80", &["b"]).says(Fields {
        protocol: "http1",
        algorithm: "round-robin",
        updated_at_ns: 1,
        ..Fields::default()
    }));
    waiting.follow(&scene.registry);
    assert!(waiting.birth("b") > before);
    assert_eq!(
        waiting.addresses(),
        [
            "a 10.0.0.1:80",
            "b 10.0.0.3:80",
            "b 10.0.0.4:80",
            "c 10.0.0.1:80"
        ]
    );
}
