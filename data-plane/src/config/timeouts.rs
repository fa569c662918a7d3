//! The section `timeouts`. The defaults are those of the table of limits (L-05 to L-28).

use pointsman_process::configuration::{Check, Interval, Validate};
use serde::Deserialize;

/// How long things may take.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    /// To the end of a request's head (L-05).
    pub request_head: Interval,
    /// The TLS handshake of a client (L-06).
    pub client_handshake: Interval,
    /// Between two requests of a client (L-07).
    pub client_idle: Interval,
    /// How long a client may accept no byte while data waits for it (L-09).
    pub client_stall: Interval,
    /// Connecting to an endpoint (L-28).
    pub dial: Interval,
    /// How long connecting may take until another endpoint of the pool is dialled beside it.
    pub hedge: Interval,
    /// The TLS handshake with an endpoint (L-28).
    pub handshake: Interval,
    /// From the end of the request to the head of its response (L-28).
    pub answer: Interval,
    /// Between two bytes of a body that an endpoint sends or accepts (L-28).
    pub stream_idle: Interval,
    /// One request with its whole answer, all attempts included. Absent: no bound.
    pub request: Option<Interval>,
    /// One attempt with its whole response body. Absent: no bound.
    pub attempt: Option<Interval>,
    /// How long an unused connection to an endpoint is kept.
    pub endpoint_idle: Interval,
}

impl Default for Timeouts {
    fn default() -> Self {
        let defaults = crate::Timeouts::default();
        Self {
            request_head: Interval(defaults.request_head),
            client_handshake: Interval(defaults.client_handshake),
            client_idle: Interval(defaults.client_idle),
            client_stall: Interval(defaults.client_stall),
            dial: Interval(defaults.dial),
            hedge: Interval(defaults.hedge),
            handshake: Interval(defaults.handshake),
            answer: Interval(defaults.answer),
            stream_idle: Interval(defaults.stream_idle),
            request: None,
            attempt: None,
            endpoint_idle: Interval(defaults.endpoint_idle),
        }
    }
}

impl Validate for Timeouts {
    fn validate(&self, check: &mut Check<'_>) {
        for (key, given) in [
            ("request_head", self.request_head),
            ("client_handshake", self.client_handshake),
            ("client_idle", self.client_idle),
            ("client_stall", self.client_stall),
            ("dial", self.dial),
            ("hedge", self.hedge),
            ("handshake", self.handshake),
            ("answer", self.answer),
            ("stream_idle", self.stream_idle),
            ("request", self.request.unwrap_or(self.answer)),
            ("attempt", self.attempt.unwrap_or(self.answer)),
            ("endpoint_idle", self.endpoint_idle),
        ] {
            if given.0.is_zero() {
                check.refuse(
                    key,
                    "is 0, so nothing would ever be in time",
                    "write a time such as 10s",
                );
            }
        }
    }
}

impl Timeouts {
    pub(super) fn settings(&self) -> crate::Timeouts {
        crate::Timeouts {
            request_head: self.request_head.0,
            client_handshake: self.client_handshake.0,
            client_idle: self.client_idle.0,
            client_stall: self.client_stall.0,
            dial: self.dial.0,
            hedge: self.hedge.0,
            handshake: self.handshake.0,
            answer: self.answer.0,
            stream_idle: self.stream_idle.0,
            request: self.request.map(|request| request.0),
            attempt: self.attempt.map(|attempt| attempt.0),
            endpoint_idle: self.endpoint_idle.0,
            ..crate::Timeouts::default()
        }
    }
}
