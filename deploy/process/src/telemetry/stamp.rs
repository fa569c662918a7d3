//! The time of a log line.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

/// How the time of a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timestamps {
    /// `"2026-11-22T02:52:46.620367882Z"`: UTC, always nine digits.
    #[default]
    Rfc3339,
    /// `1795316016.360296`: seconds of the Unix epoch as a number.
    UnixEpoch,
}

impl Timestamps {
    /// The time as a JSON value.
    pub(super) fn json(self, now: Timestamp) -> serde_json::Value {
        match self {
            Self::Rfc3339 => {
                let utc = now.to_zoned(TimeZone::UTC);
                serde_json::Value::from(utc.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string())
            }
            #[expect(clippy::cast_precision_loss, reason = "Gorouter writes a float64 too")]
            Self::UnixEpoch => serde_json::Value::from(now.as_nanosecond() as f64 / 1e9),
        }
    }
}
