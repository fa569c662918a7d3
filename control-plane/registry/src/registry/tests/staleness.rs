use std::time::Duration;

use crate::testing::{Scene, message, seconds};
use crate::{Expired, Settings, Time, WhileAway};

fn scene() -> Scene {
    Scene::new(Settings::default())
}

fn pruned(expired: &[Expired]) -> Vec<String> {
    let mut names: Vec<_> = expired
        .iter()
        .filter_map(|it| match it {
            Expired::Endpoint { route, address, .. } => Some(format!("{route} {address}")),
            Expired::Silent { .. } | Expired::Held { .. } | Expired::EmptyRoute { .. } => None,
        })
        .collect();
    names.sort();
    names
}

/// C-312: nothing stays of what is not heard
/// C-313: every endpoint is told
/// C-321: an endpoint goes once its threshold is over
/// C-323: each of them does
/// C-326: and not before
/// C-322: a fresh one stays
/// D-426: endpoints in clear text go that are older than their thresholds, and no others
#[test]
fn what_is_not_heard_goes() {
    let mut scene = scene();
    scene.register(&message("10.0.0.1:80", &["foo", "fooo"]));
    scene.register(&message("10.0.0.2:80", &["fooo"]).threshold(20));
    assert_eq!(scene.pass(Duration::ZERO), []);
    assert_eq!(scene.pass(seconds(20)), []);
    assert_eq!(pruned(&scene.pass(seconds(1))), ["fooo 10.0.0.2:80"]);
    assert_eq!(pruned(&scene.pass(seconds(98))), Vec::<String>::new());
    let last = scene.pass(seconds(2));
    assert_eq!(pruned(&last), ["foo 10.0.0.1:80", "fooo 10.0.0.1:80"]);
    assert!(last.iter().all(|it| matches!(
        it,
        Expired::Endpoint {
            route_gone: true,
            ..
        }
    )));
    assert_eq!(scene.routes(), Vec::<String>::new());
}

/// D-608: what is not heard goes, whatever route service it was registered with
#[test]
fn what_is_not_heard_goes_with_its_route_service() {
    let mut scene = scene();
    let outdated = message("10.0.0.1:80", &["foo"]).route_service("https://old");
    scene.register(&outdated);
    scene.pass(seconds(60));
    scene.register(&message("10.0.0.2:80", &["foo"]).route_service("https://new"));
    assert_eq!(pruned(&scene.pass(seconds(61))), ["foo 10.0.0.1:80"]);
    assert_eq!(pruned(&scene.pass(seconds(60))), ["foo 10.0.0.2:80"]);
    assert_eq!(scene.routes(), Vec::<String>::new());
}

/// C-314: a route goes alone, what is below it stays
/// C-315: what is refreshed stays as it is
/// C-318: and nothing is told of it
/// C-195: a refresh keeps alive
#[test]
fn what_is_refreshed_stays() {
    let mut scene = scene();
    scene.register(&message("10.0.0.1:80", &["foo", "foo/path"]));
    let before = scene.route("foo/path").unwrap().endpoints[0].revision;
    scene.pass(seconds(100));
    scene.register(&message("10.0.0.1:80", &["foo/path"]));
    assert_eq!(pruned(&scene.pass(seconds(50))), ["foo 10.0.0.1:80"]);
    assert_eq!(scene.routes(), ["foo/path"]);
    assert_eq!(
        scene.route("foo/path").unwrap().endpoints[0].revision,
        before
    );
}

/// C-324: a negative threshold is over with the next look, a positive one is not
#[test]
fn a_negative_threshold_lasts_one_interval() {
    let mut scene = scene();
    scene.register(&message("10.0.0.1:80", &["foo"]).threshold(-1));
    scene.register(&message("10.0.0.2:80", &["foo"]).threshold(60));
    assert_eq!(pruned(&scene.pass(seconds(31))), ["foo 10.0.0.1:80"]);
}

/// C-320: a TLS endpoint is not pruned, however old
/// D-428: a TLS endpoint is not removed for its age
#[test]
fn tls_endpoints_fall_silent_and_stay() {
    let mut scene = scene();
    scene.register(&message("10.0.0.1:443", &["foo"]).tls());
    let before = scene.route("foo").unwrap().endpoints.remove(0);
    let expired = scene.pass(seconds(121));
    assert!(
        matches!(&expired[..], [Expired::Silent { address, .. }] if **address == *"10.0.0.1:443")
    );
    let after = scene.route("foo").unwrap().endpoints.remove(0);
    assert_eq!(
        (before.endpoint.silent, after.endpoint.silent),
        (false, true)
    );
    assert_eq!(before.endpoint.generation, after.endpoint.generation);
    assert_eq!(after.revision, before.revision + 1);
    assert_eq!(scene.pass(seconds(1_000_000)), []);
}

/// C-237: a failure of what is not there any more changes nothing
#[test]
fn a_long_silent_endpoint_that_fails_goes() {
    let mut scene = scene();
    scene.register(&message("10.0.0.1:443", &["foo"]).tls().threshold(10));
    let key = crate::Uri::parse("foo").unwrap();
    let report = |scene: &mut Scene| {
        scene
            .registry
            .reported_failing(key.key(), "10.0.0.1:443", scene.now)
    };
    assert!(!report(&mut scene));
    scene.pass(seconds(11));
    assert!(!report(&mut scene));
    scene.pass(seconds(99));
    assert!(!report(&mut scene));
    scene.pass(seconds(1));
    assert!(report(&mut scene));
    assert!(!report(&mut scene));
    assert_eq!(scene.routes(), Vec::<String>::new());
}

#[test]
fn silent_endpoints_go_by_age_where_an_operator_wants_it() {
    let prune_stale_tls = Some(seconds(600));
    let mut scene = Scene::new(Settings {
        prune_stale_tls,
        ..Settings::default()
    });
    scene.register(&message("10.0.0.1:443", &["foo"]).tls());
    scene.pass(seconds(121));
    assert_eq!(pruned(&scene.pass(seconds(600))), Vec::<String>::new());
    assert_eq!(pruned(&scene.pass(seconds(1))), ["foo 10.0.0.1:443"]);
}

/// C-201: a plain endpoint that became a TLS one is not pruned
/// C-202: a TLS one that became plain is
#[test]
fn what_counts_is_how_it_was_registered_last() {
    let mut scene = scene();
    let plain = message("10.0.0.1:80", &["foo"]);
    scene.register(&plain);
    scene.register(&plain.clone().tls());
    assert!(matches!(
        scene.pass(seconds(121))[..],
        [Expired::Silent { .. }]
    ));
    scene.register(&plain);
    assert_eq!(pruned(&scene.pass(seconds(121))), ["foo 10.0.0.1:80"]);
}

#[test]
fn a_shorter_threshold_counts_at_once() {
    let mut scene = scene();
    scene.register(&message("10.0.0.1:80", &["foo"]));
    scene.register(&message("10.0.0.1:80", &["foo"]).threshold(5));
    assert_eq!(pruned(&scene.pass(seconds(6))), ["foo 10.0.0.1:80"]);
}

/// C-335: without an interval nothing is pruned
#[test]
fn nothing_is_pruned_without_an_interval() {
    let mut scene = Scene::new(Settings {
        prune_interval: None,
        ..Settings::default()
    });
    scene.register(&message("10.0.0.1:80", &["foo"]).threshold(-1));
    assert_eq!(scene.pass(seconds(1_000_000)), []);
    assert_eq!(scene.routes(), ["foo"]);
}

/// C-329: while the source is away nothing goes
/// C-331: without suspension everything goes
/// C-332: what is heard again stays, and the rest goes
/// C-333: with it everything stays
#[test]
fn ages_stand_still_while_the_source_is_away() {
    for (while_away, after_outage, after_return) in [
        (WhileAway::Wait, true, false),
        (WhileAway::Age, false, false),
    ] {
        let mut scene = scene();
        scene.source = scene.registry.add_source("other", while_away);
        scene.registry.source_returned(scene.source, scene.now);
        scene.pass(seconds(20));
        scene.register(&message("10.0.0.1:80", &["dead"]));
        scene.pass(seconds(100));
        scene.registry.source_lost(scene.source, scene.now);
        scene.pass(seconds(1_000));
        assert_eq!(scene.route("dead").is_some(), after_outage);
        scene.registry.source_returned(scene.source, scene.now);
        scene.register(&message("10.0.0.2:80", &["live"]));
        scene.pass(seconds(40));
        assert_eq!(scene.route("dead").is_some(), after_outage);
        scene.pass(seconds(1));
        assert_eq!(scene.route("dead").is_some(), after_return);
        assert!(scene.route("live").is_some());
    }
}

#[test]
fn what_was_heard_last_counts_not_when_the_loss_was_noticed() {
    let mut scene = scene();
    scene.source = scene.registry.add_source("other", WhileAway::Wait);
    scene.registry.source_returned(scene.source, scene.now);
    scene.pass(seconds(60));
    scene.register(&message("10.0.0.1:80", &["foo"]));
    let last_byte = scene.now;
    scene.pass(seconds(110));
    scene.registry.source_lost(scene.source, last_byte);
    scene.registry.source_returned(scene.source, scene.now);
    assert_eq!(scene.pass(seconds(20 + 120)), []);
    assert_eq!(pruned(&scene.pass(seconds(1))), ["foo 10.0.0.1:80"]);
}

#[test]
fn the_next_look_is_known_and_finds_something() {
    let mut scene = scene();
    assert_eq!(scene.registry.next_due(scene.now), None);
    scene.register(&message("10.0.0.1:80", &["foo"]).threshold(20));
    let due = scene.registry.next_due(scene.now).unwrap();
    let before = Time::since_origin(due.as_duration() - Duration::from_micros(1));
    assert_eq!(scene.registry.expire(before, 10).expired, []);
    assert_eq!(scene.registry.expire(due, 10).expired.len(), 1);
}

#[test]
fn a_look_is_bounded() {
    let mut scene = scene();
    for number in 0..100 {
        scene.register(&message(&format!("10.0.0.1:{number}"), &["foo"]));
    }
    scene.now = scene.now.plus(seconds(200));
    let first = scene.registry.expire(scene.now, 30);
    assert_eq!((first.expired.len(), first.more), (30, true));
    let rest = scene.registry.expire(scene.now, 71);
    assert_eq!((rest.expired.len(), rest.more), (70, false));
}
