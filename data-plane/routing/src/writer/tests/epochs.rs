//! One control plane after the other.

use super::*;

/// what a young control plane has not heard of stays as it is
#[test]
fn a_young_control_plane_that_has_not_heard_of_a_thing_removes_nothing() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer, 2, &[A]);
    assert!(
        complete(&mut writer, 5, &[A], at(0)).agrees,
        "what it does not know is not compared"
    );
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    assert_eq!((writer.unconfirmed(), writer.orphans()), (1, 0));
    // Once it is authoritative, agreement at the same revision shows what it lacks.
    writer.set_authoritative(true);
    assert!(orphans(&mut writer).is_empty());
    let compared = writer.compare(5, known(&[A]), at(0));
    assert_eq!(
        compared,
        Some(Closed {
            revision: 5,
            agrees: true
        })
    );
    assert_eq!(orphans(&mut writer), [B]);
    assert_eq!((writer.unconfirmed(), writer.orphans()), (1, 1));
}

#[test]
fn a_removal_that_was_heard_applies_also_to_what_only_an_earlier_epoch_sent() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer, 2, &[A]);
    close(&mut writer, 5, vec![removal("app", B)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
    assert_eq!(writer.unconfirmed(), 0);
}

#[test]
fn a_removal_finds_what_only_an_earlier_epoch_sent_in_any_segment() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer, 2, &[A]);
    let east = |address| Removal {
        segment: "east".to_owned(),
        ..removal("app", address)
    };
    close(&mut writer, 5, vec![east(A), east(B)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

#[test]
fn authority_of_one_epoch_is_none_of_the_next() {
    let mut writer = following(&[A, B]);
    writer.set_authoritative(true);
    next_epoch(&mut writer, 2, &[A]);
    assert!(complete(&mut writer, 5, &[A], at(0)).agrees);
    assert_eq!((writer.unconfirmed(), writer.orphans()), (1, 0));
}

/// revisions of two control planes are never compared; each is followed from its own start
#[test]
fn who_is_followed_again_begins_anew() {
    let mut writer = following(&[A]);
    next_epoch(&mut writer, 2, &[A, B]);
    close(&mut writer, 900, vec![]);
    assert_eq!((writer.epoch(), writer.revision()), (2, 900));
    writer.begin(1);
    assert_eq!((writer.epoch(), writer.revision()), (1, 0));
    assert_eq!(writer.compare(10, known(&[A]), at(0)), None);
    assert_eq!(writer.unconfirmed(), 3, "all of it is to be sent again");
}

#[test]
fn what_the_same_epoch_sent_and_its_complete_table_lacks_is_gone() {
    let mut writer = following(&[A, B]);
    writer.begin(1);
    send_route(&mut writer, route("app", 1));
    send(&mut writer, endpoint("app", A));
    assert!(complete(&mut writer, 20, &[A], at(0)).agrees);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

#[test]
fn an_epoch_that_sends_the_same_again_makes_no_new_table() {
    let mut writer = following(&[A, B]);
    drop(writer.publish());
    next_epoch(&mut writer, 2, &[A, B]);
    assert!(!writer.is_changed());
    assert_eq!(writer.unconfirmed(), 0);
}

#[test]
fn a_difference_is_told_and_everything_is_asked_for() {
    let mut writer = following(&[A]);
    assert!(!close(&mut writer, 11, vec![]).agrees);
    writer.ask_anew();
    assert_eq!((writer.epoch(), writer.revision()), (1, 0));
    assert_eq!(writer.compare(11, View::default(), at(0)), None);
}

#[test]
fn a_heartbeat_is_compared_only_where_both_stand_at_the_same_place() {
    let mut writer = following(&[A]);
    let held = writer.held();
    let mut compare = |revision, view| writer.compare(revision, view, at(0));
    assert!(compare(10, held).unwrap().agrees);
    assert!(!compare(10, View::default()).unwrap().agrees);
    assert_eq!(compare(9, held), None);
    send(&mut writer, endpoint("app", B));
    let compared = writer.compare(10, held, at(0));
    assert_eq!(compared, None, "a step is under way");
}

#[test]
fn attributes_that_are_removed_stay_with_what_only_an_earlier_epoch_sent() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer, 2, &[A]);
    let step = closing(
        5,
        vec![removal("app", A), removal("app", "")],
        View::default(),
    );
    assert!(writer.close(step, at(0)).unwrap().agrees);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [B]);
    assert_eq!(writer.unconfirmed(), 2);
    close(&mut writer, 6, vec![removal("app", B)]);
    assert_eq!(addresses(&mut writer, "app"), None);
    assert_eq!(writer.unconfirmed(), 0);
}
