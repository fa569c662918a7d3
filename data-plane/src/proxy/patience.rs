//! How long one attempt waits, and for whom: the pure arithmetic behind L-08, L-09 and L-28.

use std::time::Duration;

use crate::deadlines::Tick;
use crate::settings::Timeouts;

use super::reason::Reason;

/// How long nothing may move before memory for bulk is given back.
pub(super) const STANDS_STILL: Duration = Duration::from_secs(1);

/// What an exchange waits for at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// Whether the request has been sent to its end, or will not be any further.
    pub(super) request_is_sent: bool,
    /// Whether it is the client whose next byte of body is awaited.
    pub(super) for_client_body: bool,
    /// Whether the client has to take something first.
    pub(super) for_client_to_take: bool,
    /// A number that grows with every byte that the endpoint gave or took.
    pub(super) endpoint_progress: u64,
    /// A number that grows with every byte that the client took.
    pub(super) client_progress: u64,
    /// Bytes of body that came from the client.
    pub(super) received: u64,
}

/// Who was too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// The endpoint, or the attempt as a whole.
    Endpoint,
    /// The client with its body (L-08).
    ClientBody,
    /// The client with taking the answer (L-09).
    ClientStall,
}

impl From<Overdue> for Reason {
    fn from(overdue: Overdue) -> Self {
        match overdue {
            Overdue::Endpoint => Self::Timeout,
            Overdue::ClientBody => Self::ClientSlow,
            Overdue::ClientStall => Self::ClientStalled,
        }
    }
}

/// The waits of one attempt.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    timeouts: &'a Timeouts,
    whole_by: Tick,
    /// Whether the head of the response has come.
    answered: bool,
    /// Whether whoever should take something has taken nothing for a while.
    stands_still: bool,
    endpoint: Watch,
    client: Watch,
    pace: Pace,
}

/// Waits for a number to grow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    seen: Option<u64>,
    since: Tick,
}

impl Watch {
    /// A number that nobody has looked at before `now`.
    pub(super) fn new(now: Tick) -> Self {
        Self {
            seen: None,
            since: now,
        }
    }

    /// Since when the number has been what it is.
    pub(super) fn since(&mut self, progress: u64, now: Tick) -> Tick {
        if self.seen != Some(progress) {
            *self = Self {
                seen: Some(progress),
                since: now,
            };
        }
        self.since
    }
}

/// The rate of a request body, window by window (L-08).
#[derive(Debug)]
struct Pace {
    window_ends: Tick,
    received: u64,
    /// Whether nothing but the client was waited for in this window.
    fair: bool,
}

impl<'a> Patience<'a> {
    /// An attempt that begins at `now`.
    pub(super) fn new(timeouts: &'a Timeouts, now: Tick) -> Self {
        let untouched = Watch::new(now);
        Self {
            timeouts,
            whole_by: timeouts
                .attempt
                .map_or(Tick::NEVER, |whole| now.after(whole)),
            answered: false,
            stands_still: false,
            endpoint: untouched,
            client: untouched,
            pace: Pace {
                window_ends: now.after(timeouts.body_grace + timeouts.body_window),
                received: 0,
                fair: true,
            },
        }
    }

    /// The head of the response has come; now its body is awaited.
    pub(super) fn answered(&mut self) {
        self.answered = true;
    }

    /// Whether what was read waits for somebody who has taken nothing for a while.
    #[inline]
    pub(super) fn stands_still(&self) -> bool {
        self.stands_still
    }

    /// Until when to wait on.
    pub(super) fn until(&mut self, now: Tick, waiting: Waiting) -> Result<Tick, Overdue> {
        let mut by = self.whole_by;
        self.stands_still = false;
        if !waiting.request_is_sent {
            by = by.min(self.body_by(now, waiting)?);
        }
        if waiting.for_client_to_take {
            let since = self.client.since(waiting.client_progress, now);
            by = by.min(due(
                now,
                since.after(self.timeouts.client_stall),
                Overdue::ClientStall,
            )?);
            by = by.min(self.still(now, since));
        } else if !waiting.for_client_body {
            let wait = if waiting.request_is_sent && !self.answered {
                self.timeouts.answer
            } else {
                self.timeouts.stream_idle
            };
            let since = self.endpoint.since(waiting.endpoint_progress, now);
            by = by.min(due(now, since.after(wait), Overdue::Endpoint)?);
            if !waiting.request_is_sent {
                by = by.min(self.still(now, since));
            }
        }
        due(now, by, Overdue::Endpoint)
    }

    /// When nothing will have moved for so long that it stands still; that it does, if it is.
    fn still(&mut self, now: Tick, since: Tick) -> Tick {
        let at = since.after(STANDS_STILL);
        self.stands_still = now >= at;
        if self.stands_still { Tick::NEVER } else { at }
    }

    /// Until when the current window of the request body lasts.
    fn body_by(&mut self, now: Tick, waiting: Waiting) -> Result<Tick, Overdue> {
        let pace = &mut self.pace;
        pace.fair &= waiting.for_client_body;
        if now >= pace.window_ends {
            let least = self.timeouts.body_rate * self.timeouts.body_window.as_secs().max(1);
            if pace.fair && waiting.received - pace.received < least {
                return Err(Overdue::ClientBody);
            }
            *pace = Pace {
                window_ends: now.after(self.timeouts.body_window),
                received: waiting.received,
                fair: true,
            };
        }
        Ok(pace.window_ends)
    }
}

fn due(now: Tick, by: Tick, who: Overdue) -> Result<Tick, Overdue> {
    if now >= by { Err(who) } else { Ok(by) }
}

#[cfg(test)]
mod tests {
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

    fn at(seconds: u64) -> Tick {
        START.after(Duration::from_secs(seconds))
    }

    #[test]
    fn the_answer_is_awaited_from_the_last_byte_of_the_request() {
        let timeouts = Timeouts::default();
        let mut patience = Patience::new(&timeouts, START);
        let sent = Waiting {
            endpoint_progress: 9,
            ..WAITING
        };
        assert!(patience.until(at(50), sent).is_ok());
        assert!(
            patience.until(at(109), sent).is_ok(),
            "the clock began at 50"
        );
        assert_eq!(patience.until(at(111), sent), Err(Overdue::Endpoint));
    }

    #[test]
    fn a_stream_may_pause_for_longer_than_an_answer_may_take() {
        let timeouts = Timeouts::default();
        let mut patience = Patience::new(&timeouts, START);
        patience.answered();
        assert!(patience.until(START, WAITING).is_ok());
        assert!(patience.until(at(299), WAITING).is_ok());
        assert_eq!(patience.until(at(301), WAITING), Err(Overdue::Endpoint));
    }

    #[test]
    fn the_whole_attempt_has_a_bound_of_its_own() {
        let timeouts = Timeouts {
            attempt: Some(Duration::from_secs(20)),
            ..Timeouts::default()
        };
        let mut patience = Patience::new(&timeouts, START);
        patience.answered();
        let busy = |progress| Waiting {
            endpoint_progress: progress,
            ..WAITING
        };
        assert!(patience.until(at(19), busy(1)).is_ok());
        assert_eq!(patience.until(at(21), busy(2)), Err(Overdue::Endpoint));
    }

    #[test]
    fn a_client_that_drips_its_body_is_cut_after_grace_and_window() {
        let timeouts = Timeouts::default();
        let mut patience = Patience::new(&timeouts, START);
        assert!(
            patience
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
        assert_eq!(patience.until(at(31), slow), Err(Overdue::ClientBody));
    }

    #[test]
    fn a_client_that_is_fast_enough_or_held_up_by_the_endpoint_is_not_cut() {
        let timeouts = Timeouts::default();
        let mut patience = Patience::new(&timeouts, START);
        assert!(
            patience
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
        assert!(patience.until(at(40), blocked).is_ok());
        assert!(
            patience
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
        let mut patience = Patience::new(&timeouts, START);
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
            let by = patience.until(begun, waiting).unwrap();
            assert!(
                !patience.stands_still() && by <= at(12),
                "it is looked at again"
            );
            patience.until(by, waiting).unwrap();
            assert!(patience.stands_still());
            let moved = Waiting {
                client_progress: 1,
                endpoint_progress: 1,
                ..waiting
            };
            patience.until(by, moved).unwrap();
            assert!(!patience.stands_still());
            patience = Patience::new(&timeouts, START);
        }
    }

    #[test]
    fn a_client_that_takes_nothing_is_cut_and_one_that_takes_a_byte_is_not() {
        let timeouts = Timeouts::default();
        let mut patience = Patience::new(&timeouts, START);
        patience.answered();
        let stalled = |taken| Waiting {
            for_client_to_take: true,
            client_progress: taken,
            ..WAITING
        };
        assert!(patience.until(START, stalled(0)).is_ok());
        assert!(patience.until(at(29), stalled(1)).is_ok());
        assert!(patience.until(at(58), stalled(1)).is_ok());
        assert_eq!(
            patience.until(at(60), stalled(1)),
            Err(Overdue::ClientStall)
        );
    }
}
