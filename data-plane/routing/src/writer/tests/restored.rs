//! A persisted table.

use std::time::Duration;

use super::*;
use crate::{Algorithm, Attributes};

fn until() -> RestoredUntil {
    RestoredUntil::new(
        Duration::from_secs(3_600),
        Duration::from_secs(86_400),
        at(0),
    )
}

fn tls(address: &str) -> EndpointThing {
    EndpointThing {
        tls: Some("instance".to_owned()),
        tags: Some(vec![("a".to_owned(), "1".to_owned())]),
        max_connections: 7,
        ..endpoint("app", address)
    }
}

/// A writer to which what another one held was restored.
fn restored(before: &Writer) -> Writer {
    let mut writer = Writer::new(9);
    for thing in before.things() {
        assert!(writer.restore(thing, until()));
    }
    writer
}

/// a data plane that starts with a persisted table serves it without a control plane
#[test]
fn what_was_held_is_served_again_as_orphans() {
    let mut before = following(&[A]);
    send(&mut before, tls(B));
    let mut writer = restored(&before);
    assert!(writer.is_changed());
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    assert_eq!(orphans(&mut writer), [A, B]);
    assert_eq!((writer.orphans(), writer.unconfirmed()), (2, 3));
    assert_eq!(writer.held(), View::default());
    assert_eq!((writer.epoch(), writer.revision()), (0, 0));
}

#[test]
fn restored_endpoints_live_for_what_is_left() {
    let mut before = following(&[A]);
    send(&mut before, tls(B));
    let mut writer = restored(&before);
    assert_eq!(writer.expire(at(3_599_999)), Some(at(3_600_000)));
    assert_eq!(writer.orphans(), 2);
    assert_eq!(writer.expire(at(3_600_000)), Some(at(86_400_000)));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [B]);
    assert_eq!(writer.expire(at(86_400_000)), None);
    assert_eq!(addresses(&mut writer, "app"), None);
}

#[test]
fn a_control_plane_confirms_what_was_restored() {
    let mut writer = restored(&following(&[A, B]));
    drop(writer.publish());
    next_epoch(&mut writer, 5, &[A, B]);
    assert!(!writer.is_changed(), "the same costs no new table");
    assert!(complete(&mut writer, 5, &[A, B], at(0)).agrees);
    assert_eq!((writer.orphans(), writer.unconfirmed()), (0, 0));
    writer.expire(at(100_000_000));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
}

#[test]
fn a_young_control_plane_leaves_the_rest_as_it_is() {
    let mut writer = restored(&following(&[A, B]));
    next_epoch(&mut writer, 5, &[A]);
    assert!(complete(&mut writer, 5, &[A], at(0)).agrees);
    assert_eq!(orphans(&mut writer), [B]);
    assert_eq!(writer.expire(at(1_000_000)), Some(at(3_600_000)));
}

#[test]
fn an_authoritative_control_plane_shortens_its_life() {
    let mut writer = restored(&following(&[A, B]));
    replaced(&mut writer, 5, &[A], at(1_000));
    assert_eq!(orphans(&mut writer), [B]);
    assert_eq!(writer.expire(at(1_000)), Some(at(121_000)));
}

#[test]
fn what_is_left_of_a_restored_one_is_never_prolonged() {
    let before = following(&[A]);
    let mut writer = Writer::new(9);
    let until = RestoredUntil::new(Duration::from_secs(10), Duration::from_secs(10), at(0));
    for thing in before.things() {
        writer.restore(thing, until);
    }
    writer.begin(2);
    writer.set_authoritative(true);
    let nothing = Closing {
        complete: true,
        ..closing(5, vec![], View::default())
    };
    assert!(writer.close(nothing, at(1_000)).unwrap().agrees);
    assert_eq!(writer.expire(at(1_000)), Some(at(10_000)));
}

/// a control plane that lacks a restored table is not believed beyond the guard's share
#[test]
fn the_guard_holds_what_was_restored_with_what_is_left_of_its_life() {
    let mut before = following(&[]);
    for n in 0..60 {
        send(&mut before, endpoint("app", &format!("10.0.1.{n}:80")));
    }
    let mut writer = restored(&before);
    replaced(&mut writer, 5, &[], at(0));
    assert_eq!((writer.orphans(), writer.held_removals()), (60, 10));
    writer.expire(at(120_000));
    assert_eq!((writer.orphans(), writer.held_removals()), (10, 10));
    writer.expire(at(3_600_000));
    assert_eq!((writer.orphans(), writer.held_removals()), (0, 0));
}

/// Everything that is written, without the revisions, which mean nothing in another life.
fn written(writer: &Writer) -> Vec<String> {
    let text = |thing| match thing {
        Thing::Route(route) => format!(
            "{:?}",
            RouteThing {
                revision: 0,
                ..route
            }
        ),
        thing => format!("{thing:?}"),
    };
    let mut things: Vec<_> = writer.things().map(text).collect();
    things.sort();
    things
}

#[test]
fn what_comes_out_is_what_went_in() {
    let mut before = following(&[A]);
    send(&mut before, tls(B));
    let spelled = RouteThing {
        host_as_registered: "Foo.Example".to_owned(),
        path_as_registered: "/Up".to_owned(),
        ..route("foo.example/up", 2)
    };
    send_route(&mut before, spelled);
    send(&mut before, endpoint("foo.example/up", A));
    for (segment, revision, algorithm, address) in [
        ("east", 9, Algorithm::LeastConnection, A),
        ("", 8, Algorithm::RoundRobin, B),
    ] {
        let attributes = RouteThing {
            segment: segment.to_owned(),
            attributes: Attributes {
                algorithm: Some(algorithm),
                ..Attributes::default()
            },
            ..route("two.example", revision)
        };
        send_route(&mut before, attributes);
        let endpoint = EndpointThing {
            segment: segment.to_owned(),
            ..endpoint("two.example", address)
        };
        send(&mut before, endpoint);
    }
    let mut after = restored(&before);
    assert_eq!(written(&after), written(&before));
    assert_eq!(written(&after).len(), 9);
    let table = after.publish();
    assert_eq!(
        table.get(&key("two.example")).unwrap().algorithm(),
        Some(Algorithm::LeastConnection),
        "the latest of two segments still counts"
    );
    let spelled = table.get(&key("foo.example/up")).unwrap();
    assert_eq!(&*spelled.host_as_registered(), "Foo.Example");
    assert_eq!(spelled.path_as_registered(), "/Up");
}

#[test]
fn nothing_is_restored_over_what_a_control_plane_sent_nor_without_a_route() {
    let mut writer = Writer::new(9);
    assert!(!writer.restore(Thing::Endpoint(Box::new(endpoint("app", A))), until()));
    assert!(writer.restore(Thing::Route(route("app", 1)), until()));
    assert!(!writer.restore(Thing::Route(route("app", 1)), until()));
    next_epoch(&mut writer, 1, &[A]);
    assert!(!writer.restore(Thing::Endpoint(Box::new(endpoint("app", A))), until()));
    assert!(writer.restore(Thing::Endpoint(Box::new(endpoint("app", B))), until()));
    assert!(complete(&mut writer, 5, &[A], at(0)).agrees);
    let late = endpoint("app", "10.0.0.3:80");
    assert!(!writer.restore(Thing::Endpoint(Box::new(late)), until()));
    assert_eq!(orphans(&mut writer), [B]);
}
