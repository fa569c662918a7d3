//! The section `http2`. Defaults are those of the table of limits (L-15 to L-18).

use pointsman_process::configuration::{Check, Size, Validate};
use serde::Deserialize;

/// HTTP/2 with clients.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Http2 {
    /// Whether listeners that speak TLS offer it, before HTTP/1.1.
    pub enabled: bool,
    /// Whether it is spoken in clear text with clients that begin with it. Never by `Upgrade`.
    pub h2c: bool,
    /// Streams that may be open on one connection; further ones are refused (L-15).
    pub streams: u32,
    /// How much of a request body may wait for an endpoint (L-16).
    pub stream_window: Size,
    /// The same of all streams of a connection together (L-16).
    pub connection_window: Size,
    /// Streams that a client may reset within half a minute, beyond two for each that may be open (L-17).
    pub resets: u32,
    /// Streams that a client may have us reset for its faults, on one connection (L-18).
    pub errors: u32,
}

impl Default for Http2 {
    fn default() -> Self {
        let defaults = crate::Http2::default();
        Self {
            enabled: defaults.enabled,
            h2c: defaults.cleartext,
            streams: defaults.streams,
            stream_window: Size(defaults.stream_window.into()),
            connection_window: Size(defaults.connection_window.into()),
            resets: defaults.resets,
            errors: defaults.errors,
        }
    }
}

impl Validate for Http2 {
    fn validate(&self, check: &mut Check<'_>) {
        if let Err(bad) = self.settings().check() {
            let given = match bad.name {
                "stream_window" => self.stream_window.0,
                "connection_window" => self.connection_window.0,
                _ => bad.value.into(),
            };
            check.refuse(
                bad.name,
                format!("is {given}"),
                format!("write a number from {} to {}", bad.least, bad.most),
            );
        }
    }
}

impl Http2 {
    pub(super) fn settings(&self) -> crate::Http2 {
        // What is too large for a number is too large for a window.
        let narrow = |size: Size| u32::try_from(size.0).unwrap_or(u32::MAX);
        crate::Http2 {
            enabled: self.enabled,
            cleartext: self.h2c,
            streams: self.streams,
            stream_window: narrow(self.stream_window),
            connection_window: narrow(self.connection_window),
            resets: self.resets,
            errors: self.errors,
            ..crate::Http2::default()
        }
    }
}
