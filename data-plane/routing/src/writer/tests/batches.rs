//! Batches add and change; closing steps remove.

use super::*;
use crate::{Algorithm, Attributes};

#[test]
fn a_batch_adds_and_only_a_closing_step_removes() {
    let mut writer = following(&[A]);
    send(&mut writer, endpoint("app", B));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    close(&mut writer, 11, vec![removal("app", A)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [B]);
    assert_eq!((writer.epoch(), writer.revision()), (1, 11));
}

#[test]
fn an_emptied_route_stays_until_its_attributes_go() {
    let mut writer = following(&[A]);
    close(&mut writer, 11, vec![removal("app", A)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [""; 0]);
    close(&mut writer, 12, vec![removal("app", "")]);
    assert_eq!(addresses(&mut writer, "app"), None);
    assert_eq!(writer.held(), View::default());
}

#[test]
fn attributes_that_go_before_their_endpoints_park_them() {
    let mut writer = following(&[A]);
    close(&mut writer, 11, vec![removal("app", "")]);
    assert_eq!(addresses(&mut writer, "app"), None);
    assert_eq!(writer.held(), View::default(), "what is parked is not held");
    send_route(&mut writer, route("app", 12));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

#[test]
fn parts_of_a_closing_step_are_applied_with_the_last() {
    let mut writer = following(&[A, B]);
    let first = Closing {
        continues: true,
        ..closing(0, vec![removal("app", A)], View::default())
    };
    assert_eq!(writer.close(first.clone(), at(0)), None);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    close(&mut writer, 11, vec![removal("app", B)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [""; 0]);

    let mut writer = following(&[A, B]);
    writer.close(first.clone(), at(0));
    send(&mut writer, endpoint("app", A));
    close(&mut writer, 11, vec![]);
    assert_eq!(
        addresses(&mut writer, "app").unwrap(),
        [A, B],
        "what is sent again is not gone"
    );

    let mut writer = following(&[A, B]);
    writer.close(first, at(0));
    writer.begin(1);
    close(&mut writer, 11, vec![]);
    assert_eq!(
        addresses(&mut writer, "app").unwrap(),
        [A, B],
        "a cut session leaves no part"
    );
}

#[test]
fn a_removal_in_another_segment_than_the_one_that_holds_it_is_ignored() {
    let mut writer = following(&[A]);
    let moved = EndpointThing {
        segment: "east".to_owned(),
        ..endpoint("app", A)
    };
    send(&mut writer, moved);
    close(&mut writer, 11, vec![removal("app", A)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
    let east = Removal {
        segment: "east".to_owned(),
        ..removal("app", A)
    };
    close(&mut writer, 12, vec![east]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [""; 0]);
}

#[test]
fn of_several_segments_the_latest_attributes_count() {
    let mut writer = following(&[A]);
    let in_segment = |segment: &str, revision, algorithm| RouteThing {
        segment: segment.to_owned(),
        generation: revision,
        attributes: Attributes {
            algorithm,
            ..Attributes::default()
        },
        ..route("app", revision)
    };
    let algorithm = |writer: &mut Writer| {
        writer
            .publish()
            .get(&key("app"))
            .and_then(|route| route.algorithm())
    };
    send_route(
        &mut writer,
        in_segment("east", 20, Some(Algorithm::LeastConnection)),
    );
    assert_eq!(algorithm(&mut writer), Some(Algorithm::LeastConnection));
    send_route(
        &mut writer,
        in_segment("west", 15, Some(Algorithm::RoundRobin)),
    );
    assert_eq!(algorithm(&mut writer), Some(Algorithm::LeastConnection));
    // The same attributes of the shared segment, only later: nothing but the order changes.
    send_route(&mut writer, route("app", 30));
    assert_eq!(algorithm(&mut writer), None);
    let east = Removal {
        segment: "east".to_owned(),
        ..removal("app", "")
    };
    close(&mut writer, 31, vec![removal("app", ""), east]);
    assert_eq!(algorithm(&mut writer), Some(Algorithm::RoundRobin));
}

#[test]
fn another_birth_voids_the_endpoints_of_the_earlier_life() {
    let mut writer = following(&[A, B]);
    send_route(
        &mut writer,
        RouteThing {
            birth: 20,
            ..route("app", 21)
        },
    );
    assert_eq!(
        addresses(&mut writer, "app").unwrap(),
        [A, B],
        "a batch removes nothing"
    );
    send(&mut writer, endpoint("app", B));
    close(&mut writer, 22, vec![]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [B]);
}

#[test]
fn a_birth_in_another_epoch_says_nothing() {
    let mut writer = following(&[A]);
    writer.begin(2);
    send_route(
        &mut writer,
        RouteThing {
            birth: 99,
            ..route("app", 99)
        },
    );
    close(&mut writer, 100, vec![]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

#[test]
fn a_birth_voids_nothing_that_only_an_earlier_epoch_sent() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer, 2, &[A]);
    close(&mut writer, 5, vec![]);
    let reborn = RouteThing {
        birth: 20,
        ..route("app", 21)
    };
    send_route(&mut writer, reborn);
    close(&mut writer, 22, vec![]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [B]);
}
