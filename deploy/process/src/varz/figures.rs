//! What others hand in for the document.

use std::collections::BTreeMap;
use std::time::Duration;

/// What was counted of requests since the process started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// All of them.
    pub all: Http,
    /// Those to endpoints with the tag `component`, by its value.
    pub components: BTreeMap<Box<str>, Http>,
    /// Requests without a host or a route.
    pub bad_requests: u64,
    /// Answers of 502 made by the router.
    pub bad_gateways: u64,
    /// The apps with the most requests in the last minute, and how many those were, the most first.
    pub top_apps: Vec<(Box<str>, u64)>,
}

/// Requests and what became of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Http {
    /// Attempts at endpoints.
    pub requests: u64,
    /// Responses of status 2xx, 3xx, 4xx, 5xx, and others.
    pub responses: [u64; 5],
    /// How many seconds lately 50, 75, 90, 95 and 99 of a hundred requests took at most.
    pub latency: [f64; 5],
}

/// What is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Routes, empty ones included.
    pub urls: u64,
    /// Different addresses.
    pub droplets: u64,
    /// Since the last registration; `None` if there never was one.
    pub since_last_update: Option<Duration>,
}
