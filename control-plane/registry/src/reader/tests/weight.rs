//! How much a step weighs: what lies between a reader and a peer that has stopped is bounded by bytes, not only by things.

use super::cases::{all, steps};
use super::replica::Replica;
use crate::testing::{Scene, message};
use crate::{Settings, Step};

/// Bytes of each route's path.
const LONG: usize = 1_500;

const ROUTES: usize = 100;

/// Of steps that hold so many bytes at most, a few more things than fit into 32 KiB.
const FEW: std::ops::RangeInclusive<usize> = 1..=2 * 32 * 1024 / LONG;

#[test]
fn steps_are_bounded_by_bytes() {
    let mut scene = Scene::new(Settings::default());
    let mut replica = Replica::default();
    let (mut reader, _) = replica.connect(&scene.registry, all());
    let routes: Vec<_> = (0..ROUTES)
        .map(|number| {
            message(
                "10.0.0.1:80",
                &[&format!("a.com/{number}{}", "x".repeat(LONG))],
            )
        })
        .collect();
    for route in &routes {
        scene.register(route);
    }
    let (mut given, mut removed) = (0, 0);
    for step in steps(&scene, &mut reader) {
        if let Step::Batch(things) = step {
            assert!(FEW.contains(&things.len()), "{}", things.len());
            given += things.len();
        }
    }
    assert_eq!(given, 2 * ROUTES);
    for route in &routes {
        scene.unregister(route);
    }
    for step in steps(&scene, &mut reader) {
        if let Step::Closing(part) = step {
            assert!(
                FEW.contains(&part.removals.len()),
                "{}",
                part.removals.len()
            );
            removed += part.removals.len();
        }
    }
    assert_eq!(removed, 2 * ROUTES);
}
