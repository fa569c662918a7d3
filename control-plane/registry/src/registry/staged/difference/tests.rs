use super::Difference;
use crate::testing::{Scene, message};
use crate::{Capabilities, SegmentFilter, Settings};

const MANY: usize = 2_000;

fn uri(number: usize) -> String {
    format!("r{number}")
}

fn scene() -> Scene {
    let mut scene = Scene::new(Settings::default());
    for number in 0..MANY {
        let message = message("10.0.0.1:80", &[&uri(number)]).0;
        let _ = scene.registry.register(scene.source, &message, scene.now);
    }
    scene
}

impl Scene {
    fn stage(&mut self, numbers: std::ops::Range<usize>, algorithm: &str) {
        self.registry.begin_staging();
        self.registry.record_staged(true);
        for number in numbers {
            let message = message("10.0.0.1:80", &[&uri(number)]).algorithm(algorithm);
            let _ = self.registry.register(self.source, &message.0, self.now);
        }
        self.registry.record_staged(false);
    }

    fn count(&self, difference: &mut Difference, most: usize) -> bool {
        let view = (&SegmentFilter::All, Capabilities::ALL);
        self.registry.count_staged(difference, view, most)
    }

    /// What is counted is what somebody counts who begins now.
    fn agrees(&self, difference: &Difference) {
        let mut fresh = Difference::beyond(difference.reach);
        assert!(self.count(&mut fresh, usize::MAX));
        let sums = |it: &Difference| (it.lacks, it.exceeds);
        assert_eq!(sums(difference), sums(&fresh));
    }
}

/// a look costs what was staged since the last one, however much that is by now, and each look is bounded
#[test]
fn what_is_staged_is_counted_once() {
    let mut scene = scene();
    let mut difference = Difference::beyond(scene.registry.head());
    // While the change is being made, every look counts what came since the last one. A route and its endpoint change.
    for number in 0..MANY {
        scene.stage(number..number + 1, "round-robin");
        assert!(scene.count(&mut difference, 2), "{number}");
    }
    assert_eq!(difference.lacks.things, 2 * MANY as u64);
    scene.agrees(&difference);

    // What changes again is taken back by what is remembered of it, and counted anew.
    scene.stage(7..8, "least-connection");
    assert!(!scene.count(&mut difference, 3));
    assert!(scene.count(&mut difference, 1));
    scene.agrees(&difference);
    let other = message("10.0.0.1:80", &["r9"]).algorithm("least-connection");
    scene.register(&other);
    assert!(scene.count(&mut difference, 2));
    assert_eq!(difference.lacks.things, 2 * MANY as u64 - 2);
    scene.agrees(&difference);
}

/// somebody who was away for longer than is remembered counts again, in steps
#[test]
fn what_is_forgotten_is_counted_again() {
    let mut scene = scene();
    let mut difference = Difference::beyond(scene.registry.head());
    scene.stage(0..MANY, "round-robin");
    let mut looks = 1;
    while !scene.count(&mut difference, 100) {
        looks += 1;
    }
    assert_eq!(looks, 2 * MANY / 100);
    for algorithm in ["least-connection", "round-robin"] {
        scene.stage(0..MANY, algorithm);
    }
    while !scene.count(&mut difference, 100) {}
    scene.agrees(&difference);
}
