//! The section `upstream`.

use std::path::PathBuf;

use pointsman_process::configuration::{Check, Interval, Validate};
use serde::Deserialize;

use crate::app;

/// How endpoints are reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Upstream {
    /// The file of the authorities that sign endpoints' certificates. Absent: TLS endpoints are
    /// not reached at all.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to an endpoint which asks for one.
    pub client: Option<Client>,
    /// Whether connections are used again.
    pub keep_alive: bool,
    /// Whether a connection that carried `Expect: 100-continue` is used again.
    pub keep_alive_after_continue: bool,
    /// Unused connections that are kept for one endpoint.
    pub idle_per_endpoint: usize,
    /// Unused connections that are kept in all.
    pub idle: usize,
    /// Requests on one connection to an endpoint.
    pub requests_per_connection: u32,
    /// How old a connection to an endpoint may become, give or take a tenth.
    pub connection_age: Interval,
    /// Whether endpoints over TLS that are registered with HTTP/2 may choose it.
    pub http2: bool,
}

/// A certificate with its key.
#[derive(Clone, Debug, Deserialize)]
pub struct Client {
    /// The file of the chain, leaf first.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
}

impl Default for Upstream {
    fn default() -> Self {
        let defaults = crate::Upstream::default();
        Self {
            ca: None,
            client: None,
            keep_alive: defaults.keep_alive,
            keep_alive_after_continue: defaults.keep_alive_after_continue,
            idle_per_endpoint: defaults.idle_per_endpoint,
            idle: defaults.idle,
            requests_per_connection: defaults.connection_requests,
            connection_age: Interval(defaults.connection_age),
            http2: defaults.http2,
        }
    }
}

impl Validate for Upstream {
    fn validate(&self, check: &mut Check<'_>) {
        if self.client.is_some() && self.ca.is_none() {
            check.refuse(
                "client",
                "is never shown, because no TLS endpoint is reached",
                "add upstream.ca",
            );
        }
        if self.requests_per_connection == 0 {
            check.refuse(
                "requests_per_connection",
                "is 0, so nothing could be sent",
                "write 1 or more, or `keep_alive: false`",
            );
        }
        if self.connection_age.0.is_zero() {
            check.refuse("connection_age", "is 0", "write a time such as 24h");
        }
    }
}

impl Upstream {
    /// The settings but for what has to be read from files.
    pub(super) fn settings(&self) -> crate::Upstream {
        crate::Upstream {
            keep_alive: self.keep_alive,
            keep_alive_after_continue: self.keep_alive_after_continue,
            idle_per_endpoint: self.idle_per_endpoint,
            idle: self.idle,
            connection_requests: self.requests_per_connection,
            connection_age: self.connection_age.0,
            http2: self.http2,
            ..crate::Upstream::default()
        }
    }

    /// The files that TLS endpoints are reached with.
    pub(super) fn client(&self) -> Option<app::UpstreamTls> {
        self.ca.as_ref().map(|ca| app::UpstreamTls {
            ca: ca.clone(),
            client: self
                .client
                .as_ref()
                .map(|client| (client.certificate.clone(), client.key.clone())),
        })
    }
}
