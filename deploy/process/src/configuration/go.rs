//! The scalars of Go that a `gorouter.yml` is made of.

use std::fmt;
use std::time;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use super::interval::nanoseconds;

/// The name by which the reader knows a duration of Go.
pub(super) const DURATION: &str = "time.Duration";

/// The units of Go: no days.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A `time.Duration`: nanoseconds, and it may be negative. What that means depends on the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(i64);

impl Duration {
    /// A duration of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds * 1_000_000_000)
    }

    /// A duration of nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// Whether it is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The length when it is above zero: most keys mean "off" or "for ever" by anything else.
    #[must_use]
    pub fn positive(self) -> Option<time::Duration> {
        let length = u64::try_from(self.0)
            .ok()
            .filter(|nanoseconds| *nanoseconds > 0);
        length.map(time::Duration::from_nanos)
    }

    /// The length, with anything below zero as zero.
    #[must_use]
    pub fn or_zero(self) -> time::Duration {
        self.positive().unwrap_or_default()
    }
}

impl fmt::Display for Duration {
    /// As Go prints it: `1h2m3.5s`, `-5s`, `300ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let length = self.0.unsigned_abs();
        let (small, scale) = match length {
            0..1_000 => ("ns", 1),
            1_000..1_000_000 => ("\u{b5}s", 1_000),
            1_000_000..1_000_000_000 => ("ms", 1_000_000),
            _ => ("s", 1_000_000_000),
        };
        if length == 0 {
            return f.write_str("0s");
        }
        let (hours, rest) = (length / 3_600_000_000_000, length % 3_600_000_000_000);
        let (minutes, rest) = (rest / 60_000_000_000, rest % 60_000_000_000);
        f.write_str(sign)?;
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        write!(f, "{}", rest / scale)?;
        let fraction = format!("{:0width$}", rest % scale, width = scale.ilog10() as usize);
        match fraction.trim_end_matches('0') {
            "" => {}
            digits => write!(f, ".{digits}")?,
        }
        f.write_str(small)
    }
}

/// Reads what Go's `time.ParseDuration` reads, in nanoseconds.
#[must_use]
pub(super) fn parse_duration(text: &str) -> Option<i64> {
    let (negative, length) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if length == "0" {
        return Some(0);
    }
    let spaced = length.contains(char::is_whitespace);
    let length = nanoseconds(length, &UNITS).ok().filter(|_| !spaced)?;
    let length = i128::from(length);
    i64::try_from(if negative { -length } else { length }).ok()
}

/// The words that YAML 1.1 had for booleans, which `yaml.v3` still takes where a boolean is expected, quoted or not.
#[must_use]
pub(super) fn boolean_word(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Nanoseconds;
        impl Visitor<'_> for Nanoseconds {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with its unit, such as 20s or 1m30s")
            }

            fn visit_i64<E>(self, nanoseconds: i64) -> Result<Duration, E> {
                Ok(Duration(nanoseconds))
            }
        }
        deserializer.deserialize_newtype_struct(DURATION, Nanoseconds)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_printed_as_go_prints_them() {
        for (nanoseconds, printed) in [
            (0, "0s"),
            (-5_000_000_000, "-5s"),
            (1_500_000_000, "1.5s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h0m0s"),
            (300_000_000, "300ms"),
            (1_100, "1.1\u{b5}s"),
            (7, "7ns"),
        ] {
            assert_eq!(Duration(nanoseconds).to_string(), printed);
        }
    }
}
