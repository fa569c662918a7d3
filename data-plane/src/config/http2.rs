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
        for bad in self.settings().bad() {
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

#[cfg(test)]
mod tests {
    use pointsman_process::configuration::load_str;

    use crate::config::Config;

    fn problems(section: &str) -> String {
        let text = format!("http2: {{{section}}}");
        let loaded = load_str::<Config>("dp.yml", &text);
        loaded
            .map(|_| String::new())
            .unwrap_or_else(|problems| problems.to_string())
    }

    /// Each key, what it may be at least and at most, and how far beyond that it is tried.
    const BOUNDS: [(&str, u64, u64); 5] = [
        ("streams", 1, 1000),
        ("stream_window", 64 * 1024, 16 * 1024 * 1024),
        ("connection_window", 64 * 1024, 16 * 1024 * 1024),
        ("resets", 1, 100_000),
        ("errors", 1, 1024),
    ];

    #[test]
    fn a_bound_that_no_connection_can_keep_is_refused_by_its_name_with_what_it_may_be() {
        for (key, least, most) in BOUNDS {
            for good in [least, most] {
                assert_eq!(problems(&format!("{key}: {good}")), "", "{key}");
            }
            for bad in [least - 1, most + 1] {
                let told = problems(&format!("{key}: {bad}"));
                let wanted = [
                    format!("http2.{key}: is {bad}"),
                    format!("write a number from {least} to {most}"),
                ];
                assert!(
                    wanted.iter().all(|part| told.contains(part)),
                    "{key} {bad}: {told}"
                );
            }
        }
        // What is too large for the protocol's numbers is told as it was written.
        for key in ["stream_window", "connection_window"] {
            let told = problems(&format!("{key}: 8GiB"));
            assert!(told.contains("is 8589934592"), "{told}");
        }
    }

    #[test]
    fn all_bounds_that_are_bad_are_told_at_once() {
        let told = problems("streams: 0, connection_window: 1KiB, errors: 5000");
        for key in ["streams", "connection_window", "errors"] {
            assert!(told.contains(&format!("http2.{key}")), "{told}");
        }
        assert!(!told.contains("http2.resets"), "{told}");
    }

    #[test]
    fn what_is_no_bound_is_refused_by_its_key() {
        for (section, key, part) in [
            ("streams: many", "streams", "many"),
            ("streams: -1", "streams", "-1"),
            ("streams: 5000000000", "streams", "5000000000"),
            ("enabled: perhaps", "enabled", "perhaps"),
            ("h2c: 2", "h2c", "2"),
            ("stream_window: wide", "stream_window", "wide"),
            ("stream: 5", "stream", "streams"),
        ] {
            let told = problems(section);
            let names = told.contains(&format!("http2.{key}"));
            assert!(names && told.contains(part), "{section}: {told}");
        }
    }
}
