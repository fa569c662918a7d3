//! Other proxies, each as a router of the same routes to the same backend, with the same header fields.

pub(crate) mod envoy;
pub(crate) mod haproxy;
pub(crate) mod nginx;
mod process;

use std::net::SocketAddr;

pub(crate) use process::Peer;

use crate::client::host;

/// What a peer is set up for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) backend: SocketAddr,
    pub(crate) access_log: bool,
    /// As its documentation recommends for this load, and not as it comes.
    pub(crate) tuned: bool,
    /// Routes that it holds in a map; one needs none.
    pub(crate) routes: u32,
}

/// The header fields that every proxy adds with fixed values: which instance of which app answers.
const INSTANCE: [(&str, &str); 3] = [
    ("X-CF-ApplicationID", "a8e14e2e-57b1-4c5c-b1cf-2d2f3b3c9a01"),
    ("X-CF-InstanceID", "instance-0"),
    ("X-CF-InstanceIndex", "0"),
];

impl Setup {
    /// One line for each route, as `HOST VALUE` and an end of the line.
    fn map(&self, value: &str, end: &str) -> String {
        let lines = (0..self.routes).map(|route| format!("{} {value}{end}\n", host(route)));
        lines.collect()
    }
}
