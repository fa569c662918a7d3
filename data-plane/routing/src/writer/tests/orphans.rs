//! What an inferred removal leaves.

use super::*;

/// A writer whose new control plane lacks all of `app`, which has these endpoints.
fn orphaned(endpoints: Vec<EndpointThing>) -> Writer {
    let mut writer = following(&[]);
    for endpoint in endpoints {
        send(&mut writer, endpoint);
    }
    close(&mut writer, 11, vec![]);
    forgotten(&mut writer, 2, at(0));
    writer
}

/// A new control plane that is authoritative knows nothing.
fn forgotten(writer: &mut Writer, epoch: u64, now: Time) {
    writer.begin(epoch);
    writer.set_authoritative(true);
    let nothing = Closing {
        complete: true,
        ..closing(5, vec![], View::default())
    };
    assert!(writer.close(nothing, now).unwrap().agrees);
}

fn tls(address: &str) -> EndpointThing {
    EndpointThing {
        tls: Some("instance".to_owned()),
        ..endpoint("app", address)
    }
}

fn counting(seconds: i64) -> EndpointThing {
    EndpointThing {
        stale_threshold_seconds: seconds,
        ..endpoint("app", A)
    }
}

/// what an authoritative control plane's complete table lacks is kept for a while
#[test]
fn what_a_complete_table_lacks_is_kept_and_counted() {
    let mut writer = following(&[A, B]);
    replaced(&mut writer, 2, &[A], at(0));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    assert_eq!(orphans(&mut writer), [B]);
    assert_eq!((writer.orphans(), writer.unconfirmed()), (1, 1));
    assert_eq!(writer.held(), known(&[A]), "nobody sent it in this epoch");
}

#[test]
fn a_confirmed_orphan_is_as_any_other() {
    let mut writer = following(&[A, B]);
    replaced(&mut writer, 2, &[A], at(0));
    send(&mut writer, endpoint("app", B));
    assert!(
        writer
            .close(closing(6, vec![], known(&[A, B])), at(1))
            .unwrap()
            .agrees
    );
    assert!(orphans(&mut writer).is_empty());
    assert_eq!((writer.orphans(), writer.unconfirmed()), (0, 0));
    assert_eq!(writer.expire(at(1_000_000)), None);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    assert!(!writer.failed(&key("app"), B), "it is no orphan any more");
}

#[test]
fn an_orphan_is_dropped_at_its_first_failure_and_nobody_else() {
    let mut writer = following(&[A, B]);
    replaced(&mut writer, 2, &[A], at(0));
    drop(writer.publish());
    assert!(!writer.failed(&key("app"), A));
    assert!(!writer.failed(&key("other"), B));
    assert!(!writer.is_changed());
    assert!(writer.failed(&key("app"), B));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
    assert_eq!((writer.orphans(), writer.unconfirmed()), (0, 0));
}

#[test]
fn an_orphan_is_dropped_by_a_removal_that_was_heard() {
    let mut writer = following(&[A, B]);
    replaced(&mut writer, 2, &[A], at(0));
    let step = closing(6, vec![removal("app", B)], known(&[A]));
    assert!(writer.close(step, at(1)).unwrap().agrees);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
    assert_eq!(writer.orphans(), 0);
}

#[test]
fn an_orphan_lives_as_long_as_its_kind_may() {
    let cases = [
        (endpoint("app", A), 120, "its own threshold"),
        (counting(30), 30, "its own threshold"),
        (counting(0), 120, "the default"),
        (counting(-1), 0, "it never counts"),
        (counting(i64::MAX), 600, "no longer than over TLS"),
        (tls(A), 600, "ten minutes"),
    ];
    for (thing, seconds, why) in cases {
        let mut writer = orphaned(vec![thing]);
        let end = at(seconds * 1_000);
        if seconds > 0 {
            assert_eq!(writer.expire(at(seconds * 1_000 - 1)), Some(end), "{why}");
            assert_eq!(writer.orphans(), 1, "{why}");
        }
        assert_eq!(writer.expire(end), None, "{why}");
        assert_eq!((writer.orphans(), writer.unconfirmed()), (0, 0), "{why}");
        assert_eq!(addresses(&mut writer, "app"), None, "its route goes too");
    }
}

#[test]
fn each_orphan_goes_when_its_own_time_is_over() {
    let mut writer = orphaned(vec![counting(30), tls(B)]);
    assert_eq!(writer.expire(at(0)), Some(at(30_000)));
    assert_eq!(writer.expire(at(30_000)), Some(at(600_000)));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [B]);
    assert_eq!(writer.expire(at(600_000)), None);
    assert_eq!(addresses(&mut writer, "app"), None);
}

#[test]
fn a_second_control_plane_that_lacks_it_does_not_prolong_its_life() {
    let mut writer = orphaned(vec![endpoint("app", A)]);
    forgotten(&mut writer, 3, at(100_000));
    assert_eq!(writer.expire(at(119_999)), Some(at(120_000)));
    assert_eq!(writer.orphans(), 1);
    assert_eq!(writer.expire(at(120_000)), None);
    assert_eq!(writer.orphans(), 0);
}

#[test]
fn ends_are_rounded_up_to_a_full_second() {
    let mut writer = following(&[A, B]);
    replaced(&mut writer, 2, &[A], at(1_001));
    assert_eq!(writer.expire(at(0)), Some(at(122_000)));
}

#[test]
fn becoming_an_orphan_shows_in_the_table_that_is_served() {
    let mut writer = following(&[A, B]);
    let table = writer.publish();
    replaced(&mut writer, 2, &[A], at(0));
    assert!(!writer.is_changed(), "it costs no new table");
    let route = table.get(&key("app")).unwrap();
    let orphans: Vec<_> = route.endpoints().iter().map(|it| it.is_orphan()).collect();
    assert_eq!(orphans, [false, true]);
}

#[test]
fn attributes_go_with_the_last_orphan_of_their_segment() {
    let mut writer = following(&[A]);
    let east = RouteThing {
        segment: "east".to_owned(),
        ..route("app", 12)
    };
    send_route(&mut writer, east);
    let b = EndpointThing {
        segment: "east".to_owned(),
        ..endpoint("app", B)
    };
    send(&mut writer, b);
    close(&mut writer, 12, vec![]);
    replaced(&mut writer, 2, &[A], at(0));
    assert_eq!(writer.unconfirmed(), 2, "the endpoint and its attributes");
    assert!(writer.failed(&key("app"), B));
    assert_eq!(writer.unconfirmed(), 0);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

#[test]
fn attributes_go_when_the_last_orphan_of_their_segment_moves() {
    let mut writer = orphaned(vec![endpoint("app", A)]);
    let east = RouteThing {
        segment: "east".to_owned(),
        ..route("app", 6)
    };
    send_route(&mut writer, east);
    let moved = EndpointThing {
        segment: "east".to_owned(),
        ..endpoint("app", A)
    };
    send(&mut writer, moved);
    assert_eq!((writer.unconfirmed(), writer.orphans()), (0, 0));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

#[test]
fn an_orphan_is_not_written_down() {
    let mut writer = following(&[A, B]);
    replaced(&mut writer, 2, &[A], at(0));
    let names: Vec<_> = writer.things().map(|thing| thing.name().address).collect();
    assert_eq!(names, ["", A]);
    assert_eq!(orphaned(vec![tls(A)]).things().count(), 0);
}
