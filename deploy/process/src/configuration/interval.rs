//! Durations of our own configuration files: `300ms`, `1m30s`, `1.5h`, `1h 30m`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer};

/// A length of time, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(pub Duration);

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is no duration: {why}; write numbers with units (ms, s, m, h, d), such as 300ms, 90s or 1h30m"
)]
pub struct InvalidInterval {
    given: String,
    why: &'static str,
}

/// Units with their nanoseconds. Longer names first, so that `ms` is not read as `m`.
pub(super) const UNITS: [(&str, u64); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// The sum of `NUMBER UNIT` pairs in nanoseconds, with the units allowed; the rules of Go's `time.ParseDuration`
/// without its sign.
pub(super) fn nanoseconds(text: &str, units: &[(&str, u64)]) -> Result<u64, &'static str> {
    let mut rest = text;
    let mut sum = 0_u64;
    if rest.is_empty() {
        return Err("it is empty");
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        if number.is_empty() {
            return Err("a number was expected");
        }
        let letters = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let scale = units.iter().find(|(name, _)| *name == unit.trim());
        let (_, scale) = scale.ok_or(if unit.is_empty() {
            "a unit is missing"
        } else {
            "unknown unit"
        })?;
        let part = scaled(number, *scale)?;
        sum = sum.checked_add(part).ok_or("it is too long")?;
        rest = tail;
    }
    Ok(sum)
}

/// `12.5` times a scale, exactly for the digits that matter, rounded towards zero.
fn scaled(number: &str, scale: u64) -> Result<u64, &'static str> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err("a number was expected");
    }
    let too_long = "it is too long";
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| too_long)?
    };
    let mut part = u128::from(whole) * u128::from(scale);
    // Twelve digits of the largest unit are below a nanosecond.
    let mut weight = u128::from(scale) * 1_000_000_000_000;
    let mut small = 0_u128;
    for digit in fraction.bytes().take(24) {
        weight /= 10;
        small += u128::from(digit - b'0') * weight;
    }
    part += small / 1_000_000_000_000;
    u64::try_from(part).map_err(|_| too_long)
}

impl FromStr for Interval {
    type Err = InvalidInterval;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        if given.trim() == "0" {
            return Ok(Self(Duration::ZERO));
        }
        let compact: String = given.split_whitespace().collect();
        match nanoseconds(&compact, &UNITS) {
            Ok(nanoseconds) => Ok(Self(Duration::from_nanos(nanoseconds))),
            Err(why) => Err(InvalidInterval {
                given: given.to_owned(),
                why,
            }),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl From<Duration> for Interval {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<Interval> for Duration {
    fn from(interval: Interval) -> Self {
        interval.0
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_exactly() {
        let cases = [
            ("300ms", 300_000_000),
            ("1.5h", 5_400_000_000_000),
            ("1h 30m", 5_400_000_000_000),
            ("1m30.5s", 90_500_000_000),
            (".5s", 500_000_000),
            ("2d", 172_800_000_000_000),
            ("0.000000001s", 1),
            ("10\u{b5}s", 10_000),
            ("0", 0),
        ];
        for (given, nanoseconds) in cases {
            let expected = Ok(Interval(Duration::from_nanos(nanoseconds)));
            assert_eq!(given.parse(), expected, "{given}");
        }
    }

    #[test]
    fn what_is_no_length_is_refused_with_the_reason() {
        let cases = [
            ("20", "a unit is missing"),
            ("", "it is empty"),
            ("-5s", "a number was expected"),
            ("5 parsecs", "unknown unit"),
            ("1.2.3s", "a number was expected"),
            ("99999999d", "it is too long"),
            (".s", "a number was expected"),
        ];
        for (given, why) in cases {
            let refused = given.parse::<Interval>().unwrap_err();
            assert_eq!(refused.why, why, "{given}");
        }
    }
}
