use crate::testing::{message, seconds};
use crate::{Registry, Settings, Time, WhileAway};

/// a registry is not authoritative before it has listened for a full stale threshold
#[test]
fn a_registry_opens_and_becomes_authoritative_by_listening() {
    let mut registry = Registry::new(Settings::default(), 1);
    let at = |seconds_passed| Time::ZERO.plus(seconds(seconds_passed));
    let nats = registry.add_source("nats", WhileAway::Wait);
    let standing = |registry: &Registry, now| {
        let standing = registry.standing(now, false);
        (standing.open, standing.authoritative)
    };
    assert_eq!(standing(&registry, at(1_000)), (false, false));
    assert_eq!(registry.standing_due(at(1_000)), None);
    assert_eq!(
        registry.standing(at(1_000), false).reason,
        "nats was listened to for 0 of 20 seconds, and is away"
    );
    registry.source_returned(nats, at(1_000));
    assert_eq!(registry.standing_due(at(1_005)), Some(at(1_020)));
    assert_eq!(standing(&registry, at(1_019)), (false, false));
    assert_eq!(standing(&registry, at(1_020)), (true, false));
    assert_eq!(registry.standing_due(at(1_020)), Some(at(1_120)));
    registry.source_lost(nats, at(1_060));
    assert_eq!(standing(&registry, at(9_000)), (true, false));
    registry.source_returned(nats, at(9_000));
    assert_eq!(standing(&registry, at(9_059)), (true, false));
    assert_eq!(standing(&registry, at(9_060)), (true, true));
    assert_eq!(registry.standing_due(at(9_060)), None);
    assert_eq!(registry.standing(at(9_060), false).reason, "");
}

#[test]
fn every_source_has_to_be_listened_to() {
    let mut registry = Registry::new(Settings::default(), 1);
    let nats = registry.add_source("nats", WhileAway::Wait);
    registry.add_source("file", WhileAway::Wait);
    registry.source_returned(nats, Time::ZERO);
    let standing = registry.standing(Time::ZERO.plus(seconds(500)), false);
    assert!(!standing.open);
    assert!(standing.reason.starts_with("file "), "{}", standing.reason);
}

/// an empty table is not taken for the truth while a data plane serves something
/// a registry that has heard nobody takes nothing away
#[test]
fn an_empty_registry_does_not_speak_for_a_fleet_that_serves() {
    let mut registry = Registry::new(Settings::default(), 1);
    let nats = registry.add_source("nats", WhileAway::Wait);
    registry.source_returned(nats, Time::ZERO);
    let now = Time::ZERO.plus(seconds(500));
    assert!(registry.standing(now, false).authoritative);
    let standing = registry.standing(now, true);
    assert!(standing.open && !standing.authoritative);
    assert_eq!(
        standing.reason,
        "nothing is registered, and data planes still serve routes"
    );
    registry.register(nats, &message("10.0.0.1:80", &["foo"]).0, now);
    assert!(registry.standing(now, true).authoritative);
}

#[test]
fn an_operator_confirms_that_nothing_is_registered() {
    let mut registry = Registry::new(Settings::default(), 1);
    let nats = registry.add_source("nats", WhileAway::Wait);
    registry.source_returned(nats, Time::ZERO);
    let early = Time::ZERO.plus(seconds(50));
    assert!(registry.confirm_emptiness());
    // It is about the table, not about the time that it takes to hear everybody.
    assert!(!registry.standing(early, true).authoritative);
    let now = Time::ZERO.plus(seconds(500));
    assert!(registry.standing(now, true).authoritative);
    let foo = message("10.0.0.1:80", &["foo"]).0;
    registry.register(nats, &foo, now);
    assert!(!registry.confirm_emptiness());
    registry.unregister(&foo, now);
    assert!(!registry.standing(now, true).authoritative);
}

/// what was said while a source was away is unknown until everybody has repeated himself
#[test]
fn a_source_that_is_away_or_has_just_come_back_costs_the_authority() {
    let mut registry = Registry::new(Settings::default(), 1);
    let at = |seconds_passed| Time::ZERO.plus(seconds(seconds_passed));
    let nats = registry.add_source("nats", WhileAway::Wait);
    registry.source_returned(nats, at(0));
    assert!(registry.standing(at(500), false).authoritative);
    registry.source_lost(nats, at(500));
    let away = registry.standing(at(510), false);
    assert!(away.open && !away.authoritative);
    assert_eq!(away.reason, "nats is away");
    registry.source_returned(nats, at(510));
    let back = registry.standing(at(529), false);
    assert!(back.open && !back.authoritative);
    assert_eq!(back.reason, "nats has just come back");
    assert_eq!(registry.standing_due(at(520)), Some(at(530)));
    assert!(registry.standing(at(530), false).authoritative);
}

/// a process that stood still, or whose clock leapt, lets nothing expire because of that
#[test]
fn a_process_that_stood_still_lets_nothing_expire() {
    let mut registry = Registry::new(Settings::default(), 1);
    let at = |seconds_passed| Time::ZERO.plus(seconds(seconds_passed));
    let nats = registry.add_source("nats", WhileAway::Wait);
    registry.source_returned(nats, at(0));
    let endpoint = message("10.0.0.1:80", &["foo"]).0;
    for second in 0..=60 {
        registry.awake(at(second));
    }
    registry.register(nats, &endpoint, at(60));
    registry.awake(at(3_660));
    assert!(registry.expire(at(3_660), 10).expired.is_empty());
    assert!(!registry.standing(at(3_660), false).authoritative);
    // It was heard at 60, and the clock of its source stood until a grace after the return.
    for second in 3_660..=3_801 {
        registry.awake(at(second));
        let expired = registry.expire(at(second), 10).expired;
        assert_eq!(expired.len(), usize::from(second == 3_801), "at {second}");
    }
}
