//! What is kept, for how long, and with which reasons.

use std::time::Duration;

use pointsman_registry::{
    Description, Fields, ModificationTag, Registration, Registry, Settings, Time, Uri, WhileAway,
};

use super::*;

fn named(revision: u64) -> (Record, usize) {
    let record = Record {
        revision,
        at_ms: 0,
        what: What::Removed,
        why: Why::Expired,
        source: None,
        subject: Subject::Named(Removal {
            route: Arc::clone(Uri::parse("a").unwrap().key()),
            address: "".into(),
            segment: "".into(),
        }),
    };
    (record, 100)
}

fn revisions(read: Option<Vec<Record>>) -> Option<Vec<u64>> {
    Some(read?.iter().map(|record| record.revision).collect())
}

#[test]
fn the_oldest_are_forgotten_by_number_and_by_weight() {
    for history in [History::new(3, 10_000), History::new(100, 399)] {
        history.push((1..=5).map(named));
        let reach = Reach {
            first: 2,
            end: 5,
            complete_above: 2,
        };
        assert_eq!(history.reach(), reach);
        assert_eq!(revisions(history.read(1, 9)), None);
        assert_eq!(revisions(history.read(2, 2)), Some(vec![3, 4]));
        assert_eq!(revisions(history.read(5, 9)), Some(vec![]));
        let after = [1, 2, 3, 5, 9].map(|revision| history.after(revision));
        assert_eq!(after, [None, Some(2), Some(3), Some(5), Some(5)]);
    }
}

#[test]
fn a_full_ring_does_not_grow() {
    let history = History::new(4, 10_000);
    history.push((1..=4).map(named));
    let room = || history.ring().records.capacity();
    let before = room();
    history.push((5..=50).map(named));
    assert_eq!((before, room()), (4, 4));
    assert_eq!(revisions(history.read(46, 9)), Some(vec![47, 48, 49, 50]));
}

/// A registry, and what is written about it.
struct Scene {
    registry: Registry,
    source: pointsman_registry::SourceId,
    recorder: Recorder,
    now: Time,
}

fn message(uris: &[&str], tag: (&str, u32), tls: bool) -> Registration {
    let fields = Fields {
        tls: tls.then_some("san"),
        ..Fields::default()
    };
    Registration {
        uris: uris.iter().map(|uri| Uri::parse(uri).unwrap()).collect(),
        address: "10.0.0.1:80".into(),
        segment: "".into(),
        description: Arc::new(Description::new(fields).unwrap()),
        stale_threshold_seconds: 0,
        tag: ModificationTag {
            guid: tag.0.into(),
            index: tag.1,
        },
        fingerprint: None,
    }
}

impl Scene {
    fn new() -> Self {
        let settings = Settings {
            guard: pointsman_registry::Guard {
                percent: 0,
                at_least: 1,
                window: Duration::from_secs(3600),
            },
            ..Settings::default()
        };
        let mut registry = Registry::new(settings, 7);
        let source = registry.add_source("nats", WhileAway::Age);
        registry.source_returned(source, Time::ZERO);
        let mut recorder = Recorder::new(Arc::default());
        recorder.name(source, "nats");
        Self {
            registry,
            source,
            recorder,
            now: Time::ZERO.plus(Duration::from_secs(1)),
        }
    }

    fn register(&mut self, message: &Registration) {
        let outcomes = self.registry.register(self.source, message, self.now);
        self.recorder
            .registered(&self.registry, self.source, message, &outcomes);
    }

    fn unregister(&mut self, message: &Registration) {
        let outcomes = self.registry.unregister(message, self.now);
        self.recorder
            .unregistered(&self.registry, self.source, message, &outcomes);
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
        let expiry = self.registry.expire(self.now, 1000);
        self.recorder.expired(&self.registry, &expiry.expired);
    }

    /// What was written since a place, in words.
    fn told(&self, from: usize) -> Vec<String> {
        let records = self.recorder.history().read(0, 1000).unwrap();
        let told = records[from..].iter().map(|it| {
            let (what, why) = (it.what.word(), it.why.word());
            format!("{} {}: {what}, {why}", it.route(), it.address())
        });
        told.collect()
    }
}

/// K-143: what changed is kept with its reason, and a repetition that changes nothing is not
#[test]
fn each_change_has_its_reason() {
    let mut scene = Scene::new();
    let first = message(&["a", "b"], ("", 0), false);
    scene.register(&first);
    let born = [
        "a : added, registered",
        "a 10.0.0.1:80: added, registered",
        "b : added, registered",
        "b 10.0.0.1:80: added, registered",
    ];
    assert_eq!(scene.told(0), born);
    scene.register(&first);
    assert_eq!(scene.told(4).len(), 0, "a heartbeat");
    let tls = message(&["a"], ("", 0), true);
    scene.register(&tls);
    assert_eq!(scene.told(4), ["a 10.0.0.1:80: changed, registered"]);
    scene.unregister(&message(&["b"], ("", 0), false));
    let gone = [
        "b 10.0.0.1:80: removed, unregistered",
        "b : removed, unregistered",
    ];
    assert_eq!(scene.told(5), gone);
    scene.pass(121);
    assert_eq!(scene.told(7), ["a 10.0.0.1:80: silent, expired"]);
    scene.register(&tls);
    assert_eq!(scene.told(8), ["a 10.0.0.1:80: changed, registered"]);
    let head = scene.registry.head();
    let last = scene.recorder.history().read(8, 1).unwrap();
    assert_eq!(
        (last[0].revision, last[0].source.as_deref()),
        (head, Some("nats"))
    );
}

#[test]
fn what_is_held_and_what_does_not_count_is_kept_as_no_change() {
    let mut scene = Scene::new();
    scene.register(&message(&["a"], ("x", 2), false));
    for _ in 0..3 {
        scene.register(&message(&["a"], ("x", 1), false));
        scene.unregister(&message(&["a"], ("x", 1), false));
    }
    assert_eq!(scene.told(2), ["a 10.0.0.1:80: refused, older-tag"], "once");
    scene.register(&message(&["b"], ("", 0), false));
    scene.pass(121);
    let told = scene.told(5);
    assert!(
        told.contains(&"a 10.0.0.1:80: removed, expired".to_owned()),
        "{told:?}"
    );
    assert_eq!(told.last().unwrap(), "b 10.0.0.1:80: held, expired");
    let records = scene.recorder.history().read(0, 1000).unwrap();
    let quiet = records.iter().filter(|it| !it.is_change()).count();
    assert_eq!(quiet, 2);
    let before = records.len();
    scene.registry.release(scene.registry.head());
    scene.pass(1);
    let told = scene.told(before);
    assert_eq!(told[0], "b 10.0.0.1:80: removed, released");
}
