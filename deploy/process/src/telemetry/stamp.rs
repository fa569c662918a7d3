//! The time of a log line.

use std::cell::Cell;
use std::fmt::Write as _;

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
    /// Writes the time as a JSON value.
    pub(super) fn push(self, now: Timestamp, to: &mut String) {
        match self {
            Self::Rfc3339 => push_rfc3339(now, to),
            #[expect(clippy::cast_precision_loss, reason = "Gorouter writes a float64 too")]
            Self::UnixEpoch => {
                // Writing into a string does not fail.
                let seconds = serde_json::Value::from(now.as_nanosecond() as f64 / 1e9);
                let _ = write!(to, "{seconds}");
            }
        }
    }
}

thread_local! {
    /// The last second that a line of this thread was written in, and how that is written.
    static SECOND: Cell<Option<(i64, Date)>> = const { Cell::new(None) };
}

/// `2026-11-22T02:52:46`
type Date = [u8; 19];

fn push_rfc3339(now: Timestamp, to: &mut String) {
    let second = now.as_second();
    let date = match SECOND.get() {
        Some((known, date)) if known == second => date,
        _ => {
            let date = date(now);
            SECOND.set(Some((second, date)));
            date
        }
    };
    to.push('"');
    to.push_str(std::str::from_utf8(&date).unwrap_or_default());
    to.push('.');
    let mut nanoseconds = now.subsec_nanosecond().unsigned_abs();
    let mut digits = [b'0'; 9];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(nanoseconds % 10).unwrap_or_default();
        nanoseconds /= 10;
    }
    to.push_str(std::str::from_utf8(&digits).unwrap_or_default());
    to.push_str("Z\"");
}

/// No clock of a machine shows a year of other than four digits.
fn date(now: Timestamp) -> Date {
    let text = now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S");
    let mut date = [b'0'; 19];
    for (to, from) in date.iter_mut().zip(text.to_string().bytes()) {
        *to = from;
    }
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_all_its_digits() {
        for (nanoseconds, written) in [
            (0, "\"1970-01-01T00:00:00.000000000Z\""),
            (1, "\"1970-01-01T00:00:00.000000001Z\""),
            (
                1_795_316_016_360_296_070,
                "\"2026-11-22T02:53:36.360296070Z\"",
            ),
            (
                1_795_316_016_999_999_999,
                "\"2026-11-22T02:53:36.999999999Z\"",
            ),
            (
                1_795_316_017_000_000_000,
                "\"2026-11-22T02:53:37.000000000Z\"",
            ),
        ] {
            let mut text = String::new();
            let time = Timestamp::from_nanosecond(nanoseconds).unwrap();
            Timestamps::Rfc3339.push(time, &mut text);
            assert_eq!(text, written);
        }
        let mut text = String::new();
        let time = Timestamp::from_nanosecond(1_795_316_016_360_296_000).unwrap();
        Timestamps::UnixEpoch.push(time, &mut text);
        assert_eq!(text, "1795316016.360296");
    }
}
