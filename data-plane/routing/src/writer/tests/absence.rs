//! What is drawn from what was not sent, and what is not.

use super::*;

fn in_east(address: &str) -> EndpointThing {
    EndpointThing {
        segment: "east".to_owned(),
        ..endpoint("app", address)
    }
}

fn east(segments: &[&str]) -> Segments {
    Segments::SharedAnd(segments.iter().map(|&name| name.to_owned()).collect())
}

/// A writer that holds `A` of the shared segment and `B` of the segment east.
fn of_two_segments() -> Writer {
    let mut writer = following(&[A]);
    writer.set_granted(east(&["east"]));
    let attributes = RouteThing {
        segment: "east".to_owned(),
        ..route("app", 11)
    };
    send_route(&mut writer, attributes);
    send(&mut writer, in_east(B));
    close(&mut writer, 12, vec![]);
    writer
}

#[test]
fn what_is_not_granted_any_more_goes_without_becoming_an_orphan() {
    for (epoch, authoritative) in [(1, false), (1, true), (2, false), (2, true)] {
        let mut writer = of_two_segments();
        next_epoch(&mut writer, epoch, &[A]);
        writer.set_granted(east(&[]));
        writer.set_authoritative(authoritative);
        assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
        assert!(complete(&mut writer, 20, &[A], at(0)).agrees);
        assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
        assert_eq!((writer.unconfirmed(), writer.orphans()), (0, 0));
    }
}

#[test]
fn what_is_granted_and_was_not_sent_is_another_matter() {
    let mut writer = of_two_segments();
    replaced(&mut writer, 2, &[A], at(0));
    assert_eq!(orphans(&mut writer), [B]);
}

#[test]
fn nothing_is_inferred_from_a_table_that_does_not_add_up() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer, 2, &[A]);
    writer.set_authoritative(true);
    let step = Closing {
        complete: true,
        ..closing(5, vec![], View::default())
    };
    assert!(!writer.close(step, at(0)).unwrap().agrees);
    assert_eq!((writer.unconfirmed(), writer.orphans()), (1, 0));
}

#[test]
fn nothing_is_inferred_before_everything_was_sent() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer, 2, &[A]);
    writer.set_authoritative(true);
    assert!(
        writer
            .close(closing(5, vec![], known(&[A])), at(0))
            .unwrap()
            .agrees
    );
    assert_eq!((writer.unconfirmed(), writer.orphans()), (1, 0));
}

#[test]
fn what_was_parked_is_not_kept() {
    let mut writer = following(&[A, B]);
    close(&mut writer, 11, vec![removal("app", "")]);
    assert_eq!(addresses(&mut writer, "app"), None);
    writer.begin(2);
    writer.set_authoritative(true);
    let nothing = Closing {
        complete: true,
        ..closing(5, vec![], View::default())
    };
    assert!(writer.close(nothing, at(0)).unwrap().agrees);
    assert_eq!((writer.unconfirmed(), writer.orphans()), (0, 0));
}

#[test]
fn a_route_without_endpoints_goes_at_once() {
    let mut writer = following(&[]);
    writer.begin(2);
    writer.set_authoritative(true);
    let nothing = Closing {
        complete: true,
        ..closing(5, vec![], View::default())
    };
    writer.close(nothing, at(0));
    assert_eq!(addresses(&mut writer, "app"), None);
    assert_eq!(writer.unconfirmed(), 0);
}
