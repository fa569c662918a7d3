//! How long one attempt waits, and for whom: the pure arithmetic behind L-08, L-09 and L-28.

use std::time::Duration;

use pointsman_routing::RouteTimeouts;

use crate::deadlines::Tick;
use crate::settings::{AttemptTimeouts, Timeouts};

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

/// The bounds of one attempt, of those that a route may change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// When its answer has to have ended.
    whole_by: Tick,
    /// When the head of its answer has to be there.
    head_by: Tick,
    /// From the end of the request to that.
    answer: Duration,
    /// Between two bytes.
    idle: Duration,
}

impl Bounds {
    /// Those of an attempt that begins at `now`, of a request that has to have ended at `ends_by`.
    #[inline]
    pub(super) fn new(timeouts: &Timeouts, (now, ends_by): (Tick, Tick)) -> Self {
        let attempt_ends = timeouts.attempt.map(|attempt| now.after(attempt));
        Self {
            whole_by: attempt_ends.map_or(ends_by, |end| end.min(ends_by)),
            head_by: Tick::NEVER,
            answer: timeouts.answer,
            idle: timeouts.stream_idle,
        }
    }

    /// The same for a client over HTTP/2 that has others.
    #[cold]
    pub(super) fn of_http2(self, own: &AttemptTimeouts, (now, ends_by): (Tick, Tick)) -> Self {
        let attempt_ends = own.attempt.map(|attempt| now.after(attempt));
        Self {
            whole_by: attempt_ends.map_or(ends_by, |end| end.min(ends_by)),
            answer: own.answer,
            idle: own.stream_idle,
            ..self
        }
    }

    /// The same as its route changes them. A bound of the route on an attempt stands in the place of all those of the
    /// data plane that would end it before its head.
    pub(super) fn of_route(mut self, route: &RouteTimeouts, (now, ends_by): (Tick, Tick)) -> Self {
        if let Some(attempt) = route.attempt {
            self.whole_by = ends_by;
            self.head_by = now.after(attempt);
            self.answer = Duration::MAX;
        }
        if let Some(idle) = route.idle {
            self.idle = idle;
        }
        self
    }

    /// The same for an attempt that may become a tunnel, which is no answer that could be too long (D-491).
    pub(super) fn of_switch(self, ends_by: Tick) -> Self {
        Self {
            whole_by: ends_by,
            ..self
        }
    }
}

/// The waits of one attempt.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    timeouts: &'a Timeouts,
    bounds: Bounds,
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
    pub(super) fn new(timeouts: &'a Timeouts, bounds: Bounds, now: Tick) -> Self {
        let untouched = Watch::new(now);
        Self {
            timeouts,
            bounds,
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
        let mut by = self.bounds.whole_by;
        if !self.answered {
            by = by.min(self.bounds.head_by);
        }
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
                self.bounds.answer
            } else {
                self.bounds.idle
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
mod tests;
