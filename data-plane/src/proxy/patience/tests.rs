use std::time::Duration;

use super::*;

const START: Tick = Tick::START;

const WAITING: Waiting = Waiting {
    request_is_sent: true,
    for_client_body: false,
    for_client_to_take: false,
    endpoint_progress: 0,
    client_progress: 0,
    received: 0,
};

const UPLOAD: Waiting = Waiting {
    request_is_sent: false,
    for_client_body: true,
    ..WAITING
};

fn patience(timeouts: &Timeouts) -> Patience<'_> {
    let bounds = Bounds::new(timeouts, (START, Tick::NEVER));
    Patience::new(timeouts, bounds, START)
}

fn at(seconds: u64) -> Tick {
    START.after(Duration::from_secs(seconds))
}

#[test]
fn the_answer_is_awaited_from_the_last_byte_of_the_request() {
    let timeouts = Timeouts::default();
    let mut waits = patience(&timeouts);
    let sent = Waiting {
        endpoint_progress: 9,
        ..WAITING
    };
    assert!(waits.until(at(50), sent).is_ok());
    assert!(waits.until(at(109), sent).is_ok(), "the clock began at 50");
    assert_eq!(waits.until(at(111), sent), Err(Overdue::Endpoint));
}

#[test]
fn a_stream_may_pause_for_longer_than_an_answer_may_take() {
    let timeouts = Timeouts::default();
    let mut waits = patience(&timeouts);
    waits.answered();
    assert!(waits.until(START, WAITING).is_ok());
    assert!(waits.until(at(299), WAITING).is_ok());
    assert_eq!(waits.until(at(301), WAITING), Err(Overdue::Endpoint));
}

#[test]
fn the_whole_attempt_has_a_bound_of_its_own() {
    let timeouts = Timeouts {
        attempt: Some(Duration::from_secs(20)),
        ..Timeouts::default()
    };
    let mut waits = patience(&timeouts);
    waits.answered();
    let busy = |progress| Waiting {
        endpoint_progress: progress,
        ..WAITING
    };
    assert!(waits.until(at(19), busy(1)).is_ok());
    assert_eq!(waits.until(at(21), busy(2)), Err(Overdue::Endpoint));
}

#[test]
fn a_client_that_drips_its_body_is_cut_after_grace_and_window() {
    let timeouts = Timeouts::default();
    let mut waits = patience(&timeouts);
    assert!(
        waits
            .until(
                at(29),
                Waiting {
                    received: 100,
                    ..UPLOAD
                }
            )
            .is_ok()
    );
    let slow = Waiting {
        received: 4799,
        ..UPLOAD
    };
    assert_eq!(waits.until(at(31), slow), Err(Overdue::ClientBody));
}

#[test]
fn a_client_that_is_fast_enough_or_held_up_by_the_endpoint_is_not_cut() {
    let timeouts = Timeouts::default();
    let mut waits = patience(&timeouts);
    assert!(
        waits
            .until(
                at(31),
                Waiting {
                    received: 4800,
                    ..UPLOAD
                }
            )
            .is_ok()
    );
    let blocked = Waiting {
        for_client_body: false,
        received: 4800,
        endpoint_progress: 1,
        ..UPLOAD
    };
    assert!(waits.until(at(40), blocked).is_ok());
    assert!(
        waits
            .until(
                at(60),
                Waiting {
                    received: 4800,
                    ..UPLOAD
                }
            )
            .is_ok()
    );
}

#[test]
fn what_is_not_taken_for_a_second_stands_still() {
    let timeouts = Timeouts::default();
    let mut waits = patience(&timeouts);
    for waiting in [
        Waiting {
            for_client_to_take: true,
            ..WAITING
        },
        Waiting {
            for_client_body: false,
            ..UPLOAD
        },
    ] {
        let begun = at(10);
        let by = waits.until(begun, waiting).unwrap();
        assert!(
            !waits.stands_still() && by <= at(12),
            "it is looked at again"
        );
        waits.until(by, waiting).unwrap();
        assert!(waits.stands_still());
        let moved = Waiting {
            client_progress: 1,
            endpoint_progress: 1,
            ..waiting
        };
        waits.until(by, moved).unwrap();
        assert!(!waits.stands_still());
        waits = patience(&timeouts);
    }
}

#[test]
fn a_client_that_takes_nothing_is_cut_and_one_that_takes_a_byte_is_not() {
    let timeouts = Timeouts::default();
    let mut waits = patience(&timeouts);
    waits.answered();
    let stalled = |taken| Waiting {
        for_client_to_take: true,
        client_progress: taken,
        ..WAITING
    };
    assert!(waits.until(START, stalled(0)).is_ok());
    assert!(waits.until(at(29), stalled(1)).is_ok());
    assert!(waits.until(at(58), stalled(1)).is_ok());
    assert_eq!(waits.until(at(60), stalled(1)), Err(Overdue::ClientStall));
}

/// What a route says stands in the place of what the data plane says.
#[test]
fn a_route_may_change_the_bounds() {
    let timeouts = Timeouts {
        attempt: Some(Duration::from_secs(20)),
        ..Timeouts::default()
    };
    let route = RouteTimeouts {
        request: None,
        attempt: Some(Duration::from_secs(90)),
        idle: Some(Duration::from_secs(400)),
    };
    let when = (START, at(1000));
    let bounds = Bounds::new(&timeouts, when).of_route(&route, when);
    let mut waits = Patience::new(&timeouts, bounds, START);
    assert!(waits.until(START, WAITING).is_ok());
    assert!(waits.until(at(89), WAITING).is_ok());
    assert_eq!(waits.until(at(91), WAITING), Err(Overdue::Endpoint));
    waits.answered();
    assert!(waits.until(at(399), WAITING).is_ok());
    assert_eq!(waits.until(at(401), WAITING), Err(Overdue::Endpoint));
    let moving = Waiting {
        endpoint_progress: 1,
        ..WAITING
    };
    assert!(waits.until(at(999), moving).is_ok());
    assert_eq!(waits.until(at(1001), moving), Err(Overdue::Endpoint));
}

/// A client over HTTP/2 may have bounds of its own.
#[test]
fn a_version_may_have_bounds_of_its_own() {
    let timeouts = Timeouts {
        attempt: Some(Duration::from_secs(20)),
        ..Timeouts::default()
    };
    let own = |attempt| AttemptTimeouts {
        attempt,
        answer: Duration::from_secs(5),
        stream_idle: Duration::from_secs(9),
    };
    for (attempt, most) in [(None, 1000), (Some(Duration::from_secs(7)), 7)] {
        let when = (START, at(1000));
        let bounds = Bounds::new(&timeouts, when).of_http2(&own(attempt), when);
        let mut waits = Patience::new(&timeouts, bounds, START);
        assert!(waits.until(at(4), WAITING).is_ok());
        waits.answered();
        let moving = |progress| Waiting {
            endpoint_progress: progress,
            ..WAITING
        };
        for second in (6..most).step_by(8) {
            assert!(waits.until(at(second), moving(second)).is_ok(), "{second}");
        }
        let late = waits.until(at(most + 1), moving(most + 1));
        assert_eq!(late, Err(Overdue::Endpoint));
    }
}

/// D-523: what may become a tunnel is not bound as an attempt is, and its request is.
#[test]
fn a_switch_has_no_bound_of_an_attempt() {
    let timeouts = Timeouts {
        attempt: Some(Duration::from_secs(20)),
        ..Timeouts::default()
    };
    let bounds = Bounds::new(&timeouts, (START, at(50))).of_switch(at(50));
    let mut waits = Patience::new(&timeouts, bounds, START);
    assert!(waits.until(at(49), WAITING).is_ok());
    assert_eq!(waits.until(at(51), WAITING), Err(Overdue::Endpoint));
}
