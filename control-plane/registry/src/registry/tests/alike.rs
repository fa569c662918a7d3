//! Repetitions that are recognised do what they would do if they were applied.

use std::time::Duration;

use proptest::prelude::*;

use crate::testing::{Message, Scene, message, seconds};
use crate::{Fields, Settings};

/// What happens to both.
#[derive(Clone, Debug)]
enum Step {
    Register(usize),
    Unregister(usize),
    Pass(Duration),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0..messages().len();
    let step = prop_oneof![
        8 => which.clone().prop_map(Step::Register),
        1 => which.prop_map(Step::Unregister),
        3 => (0_u64..150).prop_map(|time| Step::Pass(seconds(time))),
    ];
    prop::collection::vec(step, 0..60)
}

/// Messages about few endpoints, each of which several of them change.
fn messages() -> Vec<Message> {
    let app = |app_id| Fields {
        app_id,
        ..Fields::default()
    };
    vec![
        message("10.0.0.1:80", &["foo"]),
        message("10.0.0.1:80", &["foo", "bar"]),
        message("10.0.0.1:80", &["bar", "foo", "bar"]),
        message("10.0.0.1:80", &["bar"]).says(app("one")),
        message("10.0.0.1:80", &["foo", "baz"]).says(app("two")),
        message("10.0.0.1:80", &["foo"]).segment("is1"),
        message("10.0.0.1:80", &["foo"]).threshold(10),
        message("10.0.0.1:80", &["foo", "bar"]).tag("abc", 1),
        message("10.0.0.1:80", &["bar"]).tag("abc", 2),
        message("10.0.0.2:443", &["foo", "bar"]).tls(),
        message("10.0.0.2:443", &["bar"]).tls().threshold(30),
        message("10.0.0.2:443", &["foo"]),
    ]
}

/// Everything that somebody can see.
fn seen(scene: &Scene) -> String {
    let routes = ["foo", "bar", "baz"].map(|uri| scene.route(uri));
    let registry = &scene.registry;
    format!(
        "{} {:?} {routes:#?}",
        registry.head(),
        registry.counts(scene.now)
    )
}

proptest! {
    #[test]
    fn what_is_recognised_is_as_good_as_applied(steps in steps()) {
        let (mut recognising, mut applying) =
            (Scene::new(Settings::default()), Scene::new(Settings::default()));
        let messages = messages();
        for step in steps {
            match step {
                Step::Register(which) => {
                    let with = messages[which].clone().fingerprint(which as u128);
                    if !recognising.heard(&with) {
                        recognising.register_all(&with);
                    }
                    applying.register_all(&messages[which]);
                }
                Step::Unregister(which) => {
                    let outcome = recognising.unregister(&messages[which]);
                    prop_assert_eq!(outcome, applying.unregister(&messages[which]));
                }
                Step::Pass(time) => {
                    prop_assert_eq!(recognising.pass(time), applying.pass(time));
                }
            }
            prop_assert_eq!(seen(&recognising), seen(&applying));
        }
    }
}
