//! How long requests of a route may take, where the route says so.

use std::time::Duration;

/// The bounds of a route. An absent one leaves it to the data plane; [`Duration::MAX`] is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RouteTimeouts {
    /// From the head of a request to the last byte of its answer, all attempts included.
    pub request: Option<Duration>,
    /// One attempt, to the head of its answer.
    pub attempt: Option<Duration>,
    /// Between two bytes of a stream.
    pub idle: Option<Duration>,
}
