//! The time of a log line.

use std::cell::Cell;
use std::io::Write as _;
use std::ops::Range;

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
    pub(super) fn push(self, now: Timestamp, to: &mut Vec<u8>) {
        match self {
            Self::Rfc3339 => push_rfc3339(now, to),
            #[expect(clippy::cast_precision_loss, reason = "Gorouter writes a float64 too")]
            Self::UnixEpoch => {
                // Writing into memory does not fail.
                let seconds = serde_json::Value::from(now.as_nanosecond() as f64 / 1e9);
                let _ = write!(to, "{seconds}");
            }
        }
    }
}

thread_local! {
    /// The last second that a line of this thread was written in, and how its beginning is written.
    static SECOND: Cell<Option<(i64, Written)>> = const { Cell::new(None) };
}

/// `"2026-11-22T02:52:46.000000000Z"`
type Written = [u8; 32];

/// Where the first digit of the fraction stands.
const FIRST: usize = 21;

/// Where the other eight stand.
const PAIRS: Range<usize> = 22..30;

/// The two digits of every number below a hundred.
const DIGITS: [[u8; 2]; 100] = {
    let mut digits = [[b'0'; 2]; 100];
    let mut number = 0_u8;
    while number < 100 {
        digits[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    digits
};

fn push_rfc3339(now: Timestamp, to: &mut Vec<u8>) {
    let second = now.as_second();
    let mut written = match SECOND.get() {
        Some((known, written)) if known == second => written,
        _ => {
            let written = beginning(now);
            SECOND.set(Some((second, written)));
            written
        }
    };
    let mut rest = now.subsec_nanosecond().unsigned_abs();
    let (pairs, _) = written[PAIRS].as_chunks_mut();
    for pair in pairs.iter_mut().rev() {
        *pair = DIGITS[(rest % 100) as usize];
        rest /= 100;
    }
    written[FIRST] += u8::try_from(rest).unwrap_or_default();
    to.extend_from_slice(&written);
}

/// No clock of a machine shows a year of other than four digits.
fn beginning(now: Timestamp) -> Written {
    let time = now.to_zoned(TimeZone::UTC);
    let text = time.strftime("\"%Y-%m-%dT%H:%M:%S.000000000Z\"");
    let mut written = [b'0'; 32];
    for (to, from) in written.iter_mut().zip(text.to_string().bytes()) {
        *to = from;
    }
    written
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
            let mut text = Vec::new();
            let time = Timestamp::from_nanosecond(nanoseconds).unwrap();
            Timestamps::Rfc3339.push(time, &mut text);
            assert_eq!(text, written.as_bytes());
        }
        let mut text = Vec::new();
        let time = Timestamp::from_nanosecond(1_795_316_016_360_296_000).unwrap();
        Timestamps::UnixEpoch.push(time, &mut text);
        assert_eq!(text, b"1795316016.360296");
    }
}
