//! What changed since a revision.

use crate::testing::{Scene, message};
use crate::{Change, Now, Thing};

/// Each change as its revision and in a word.
fn told(changes: &[Change]) -> Vec<(u64, String)> {
    let word = |change: &Change| match &change.now {
        Now::Is(Thing::Route(route)) => format!("{}", route.key),
        Now::Is(Thing::Endpoint(endpoint)) => format!("{} {}", endpoint.route, endpoint.address),
        Now::Gone(gone) => format!("-{} {}", gone.route, gone.address),
    };
    let each = changes.iter();
    each.map(|it| (it.revision, word(it))).collect()
}

#[test]
fn changes_are_told_in_their_order_from_every_segment_and_once() {
    let mut scene = Scene::new(crate::Settings::default());
    assert_eq!(told(&scene.registry.changes_since(0)), []);
    scene.register(&message("10.0.0.1:80", &["a"]));
    let born = scene.registry.head();
    let after = |revision: u64, what: &str| (revision, what.to_owned());
    assert_eq!(
        told(&scene.registry.changes_since(0)),
        [after(born - 1, "a"), after(born, "a 10.0.0.1:80")]
    );
    assert_eq!(told(&scene.registry.changes_since(born)), []);
    scene.register(&message("10.0.0.2:80", &["b"]).segment("is1"));
    let head = scene.registry.head();
    let others = scene.registry.changes_since(born);
    assert_eq!(
        told(&others),
        [after(head - 1, "b"), after(head, "b 10.0.0.2:80")]
    );
    assert!(others.iter().all(|it| it.weight() > 0));
    scene.unregister(&message("10.0.0.1:80", &["a"]));
    let gone = told(&scene.registry.changes_since(head));
    let words: Vec<_> = gone.iter().map(|(_, word)| word.as_str()).collect();
    assert_eq!(words, ["-a 10.0.0.1:80", "-a "]);
    assert_eq!(told(&scene.registry.changes_since(0)).len(), 4);
}
