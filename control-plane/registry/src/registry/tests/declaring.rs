//! Routes that a source declares.

use std::sync::Arc;

use crate::testing::{Message, Scene, message, seconds};
use crate::{
    Absence, Declaration, Declared, Lapsed, Options, Put, Rules, Settings, SourceId, Unregistered,
    Uri,
};

struct Files {
    scene: Scene,
    files: SourceId,
}

impl Files {
    fn new(settings: Settings) -> Self {
        let mut scene = Scene::new(settings);
        let files = scene.registry.add_declaring_source("route files");
        scene.registry.source_returned(files, scene.now);
        Self { scene, files }
    }

    fn declare(&mut self, uri: &str, options: Options) -> Declared {
        let declaration = Declaration {
            uri: Uri::parse(uri).expect("a route"),
            segment: "".into(),
            options: Arc::new(options),
        };
        let (files, now) = (self.files, self.scene.now);
        let declared = self.scene.registry.declare(files, &declaration, now);
        self.scene.registry.check();
        declared
    }

    fn withdraw(&mut self, uri: &str) -> bool {
        let uri = Uri::parse(uri).expect("a route");
        let (files, now) = (self.files, self.scene.now);
        let gone = self.scene.registry.withdraw(files, uri.key(), "", now);
        self.scene.registry.check();
        gone
    }

    fn register(&mut self, message: &Message) -> Put {
        let (files, now) = (self.files, self.scene.now);
        let outcomes = self.scene.registry.register(files, &message.0, now);
        self.scene.registry.check();
        outcomes[0].put
    }

    fn lapse(&mut self, message: &Message, absence: Absence) -> Lapsed {
        let (files, now) = (self.files, self.scene.now);
        let registry = &mut self.scene.registry;
        let lapsed = registry.lapse(files, &message.0, absence, now)[0];
        registry.check();
        lapsed
    }

    fn rules(&self, uri: &str) -> Option<Rules> {
        let listing = self.scene.route(uri)?;
        let rules = listing.attributes[0].options()?.rules.as_deref();
        rules.cloned()
    }
}

fn repeatable() -> Options {
    Options {
        rules: Some(Arc::new(Rules {
            repeatable: true,
            ..Rules::default()
        })),
        ..Options::default()
    }
}

/// F-024: an endpoint that is taken away is gone, however often it was said
#[test]
fn a_declared_route_needs_no_endpoint_and_does_not_age() {
    let mut files = Files::new(Settings::default());
    assert_eq!(files.declare("a/b", repeatable()), Declared::Born);
    assert_eq!(files.declare("a/b", repeatable()), Declared::Unchanged);
    assert_eq!(files.declare("a/b", Options::default()), Declared::Changed);
    assert_eq!(files.scene.addresses("a/b"), Some(vec![]));
    assert_eq!(files.register(&message("1.1.1.1:1", &["a/b"])), Put::Added);
    assert!(files.scene.pass(seconds(1_000_000)).is_empty());
    assert_eq!(files.scene.addresses("a/b").unwrap(), ["1.1.1.1:1"]);
    let gone = files.lapse(&message("1.1.1.1:1", &["a/b"]), Absence::Explicit);
    assert_eq!(gone, Lapsed::Removed { route_gone: false });
    assert_eq!(files.scene.addresses("a/b"), Some(vec![]), "it is declared");
    assert!(files.withdraw("a/b"));
    assert_eq!(files.scene.addresses("a/b"), None);
    assert!(!files.withdraw("a/b"));
}

#[test]
fn what_is_declared_counts_more_than_what_endpoints_say() {
    for settings in [
        Settings::default(),
        Settings {
            effective_values: crate::EffectiveValues::LastWriter,
            ..Settings::default()
        },
    ] {
        let mut files = Files::new(settings);
        let said = message("1.1.1.1:1", &["a"]).algorithm("least-connection");
        assert_eq!(files.scene.register(&said), Put::Added);
        assert_eq!(files.declare("a", repeatable()), Declared::Changed);
        let another = message("1.1.1.2:1", &["a"]).algorithm("least-connection");
        files.scene.register(&another);
        let listing = files.scene.route("a").unwrap();
        let options = listing.attributes[0].options().unwrap();
        assert_eq!(options.balancing, None);
        assert!(options.rules.is_some());
        assert!(!files.withdraw("a"), "endpoints of others are left");
        let listing = files.scene.route("a").unwrap();
        let options = listing.attributes[0].options().unwrap();
        assert!(options.balancing.is_some() && options.rules.is_none());
    }
}

/// F-025: taking away what is not there changes nothing
#[test]
fn an_endpoint_of_a_declaring_source_is_its_own() {
    let mut files = Files::new(Settings::default());
    let endpoint = message("1.1.1.1:1", &["a"]);
    assert_eq!(files.scene.register(&endpoint), Put::Added);
    assert_eq!(files.register(&endpoint), Put::Refreshed, "it takes over");
    assert_eq!(files.scene.register(&endpoint), Put::Unmodified);
    let otherwise = message("1.1.1.1:1", &["a"]).tls();
    assert_eq!(files.scene.register(&otherwise), Put::Unmodified);
    assert_eq!(files.scene.unregister(&endpoint), Unregistered::OlderTag);
    let theirs = message("1.1.1.2:1", &["a"]);
    assert_eq!(files.scene.register(&theirs), Put::Added);
    assert_eq!(files.lapse(&theirs, Absence::Explicit), Lapsed::Unknown);
    assert_eq!(
        files.lapse(&endpoint, Absence::Inferred),
        Lapsed::Removed { route_gone: false }
    );
    assert_eq!(files.scene.addresses("a").unwrap(), ["1.1.1.2:1"]);
}

#[test]
fn two_sources_do_not_declare_the_same_route() {
    let mut files = Files::new(Settings::default());
    assert_eq!(files.declare("a", repeatable()), Declared::Born);
    let first = files.files;
    files.files = files.scene.registry.add_declaring_source("others");
    assert_eq!(files.declare("a", Options::default()), Declared::Taken);
    assert!(!files.withdraw("a"));
    assert!(files.rules("a").is_some());
    files.files = first;
    assert!(files.withdraw("a"));
}

/// What is left of a source that says nothing any more of 200 routes that it had: 150 of them are held.
fn suddenly_silent(endpoint: impl Fn(&String) -> Message) -> (Files, Vec<String>) {
    let mut files = Files::new(Settings::default());
    let uris: Vec<_> = (0..200).map(|number| format!("h{number}")).collect();
    for uri in &uris {
        files.declare(uri, repeatable());
        files.register(&endpoint(uri));
    }
    let mut held = Vec::new();
    for uri in &uris {
        match files.lapse(&endpoint(uri), Absence::Inferred) {
            Lapsed::Removed { .. } => assert!(files.withdraw(uri)),
            Lapsed::Held => {
                assert!(!files.withdraw(uri));
                held.push(uri.clone());
            }
            Lapsed::Unknown => panic!("{uri} was registered"),
        }
    }
    assert_eq!(held.len(), 150, "50 may go in any case");
    (files, held)
}

/// L-35: what is absent from a source goes through the guard, and what was said to be gone does not
#[test]
fn a_source_that_suddenly_says_little_is_held() {
    let endpoint = |uri: &String| message("1.1.1.1:1", &[uri]);
    let (mut files, held) = suddenly_silent(endpoint);
    assert!(files.rules(&held[0]).is_some(), "they stay as they were");
    // One is said again, one is said to be gone, an operator lets the rest go.
    assert_eq!(files.declare(&held[0], repeatable()), Declared::Changed);
    assert_eq!(files.register(&endpoint(&held[0])), Put::Refreshed);
    assert_eq!(
        files.lapse(&endpoint(&held[1]), Absence::Explicit),
        Lapsed::Removed { route_gone: true }
    );
    assert_eq!(files.scene.registry.held_expiries(), 148);
    let head = files.scene.registry.head();
    files.scene.registry.release(head);
    assert_eq!(files.scene.pass(seconds(1)).len(), 148);
    assert_eq!(files.scene.routes(), [held[0].clone()]);
}

/// What is said again without what was held: somebody has written that it is gone.
#[test]
fn what_is_held_goes_when_its_route_is_said_without_it() {
    let endpoint = |uri: &String| message("1.1.1.1:1", &[uri]);
    let (mut files, held) = suddenly_silent(endpoint);
    let (files_id, now) = (files.files, files.scene.now);
    assert!(files.scene.registry.settle(files_id, now).is_empty());
    files.declare(&held[0], repeatable());
    files.register(&message("1.1.1.2:1", &[&held[0]]));
    files.declare(&held[1], repeatable());
    files.register(&endpoint(&held[1]));
    let gone = files.scene.registry.settle(files_id, now);
    files.scene.registry.check();
    let gone: Vec<_> = gone
        .iter()
        .map(|(route, endpoint)| (route.to_string(), &*endpoint.address))
        .collect();
    assert_eq!(gone, [(held[0].clone(), "1.1.1.1:1")]);
    assert_eq!(files.scene.addresses(&held[0]).unwrap(), ["1.1.1.2:1"]);
    assert_eq!(files.scene.addresses(&held[1]).unwrap(), ["1.1.1.1:1"]);
    assert_eq!(files.scene.registry.held_expiries(), 148);
}

/// What a source says nothing of any more, and the guard keeps, another source may confirm, or say to be gone.
#[test]
fn what_is_held_is_anybodys() {
    let endpoint = |uri: &String| message("1.1.1.1:1", &[uri]);
    let (mut files, held) = suddenly_silent(endpoint);
    let removed = |route_gone| Unregistered::Removed {
        route_gone,
        other_segment: false,
    };
    assert_eq!(files.scene.unregister(&endpoint(&held[0])), removed(true));
    let theirs = endpoint(&held[1]).tls();
    assert_eq!(files.scene.register(&theirs), Put::Updated);
    assert!(files.rules(&held[1]).is_none(), "nobody declares it");
    assert_eq!(files.scene.registry.held_expiries(), 148);
    assert_eq!(files.scene.unregister(&theirs), removed(true));
    assert_eq!(files.scene.register(&endpoint(&held[2])), Put::Refreshed);
    assert!(files.rules(&held[2]).is_none());
}

#[test]
fn the_table_is_open_once_all_that_is_declared_was_said() {
    let mut registry = crate::Registry::new(Settings::default(), 7);
    let files = registry.add_declaring_source("route files");
    let now = crate::Time::ZERO;
    let standing = registry.standing(now, false);
    assert!(!standing.open);
    assert_eq!(standing.reason, "route files could not be read yet");
    registry.source_returned(files, now);
    let standing = registry.standing(now, false);
    assert!(standing.open && standing.authoritative, "{standing:?}");
    registry.source_lost(files, now);
    let standing = registry.standing(now.plus(seconds(500)), false);
    assert!(standing.open && !standing.authoritative);
    assert_eq!(standing.reason, "route files cannot all be read");
}
