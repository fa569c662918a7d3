//! The time of a log line.

use std::fmt::Write as _;
use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::text::Text;

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
    pub(super) fn push(self, now: Timestamp, latest: &mut Latest, to: &mut Text) {
        match self {
            Self::Rfc3339 => to.extend_all(latest.rfc3339(now)),
            #[expect(clippy::cast_precision_loss, reason = "Gorouter writes a float64 too")]
            Self::UnixEpoch => {
                // Writing into memory does not fail.
                let seconds = serde_json::Value::from(now.as_nanosecond() as f64 / 1e9);
                let _ = write!(to, "{seconds}");
            }
        }
    }
}

/// The latest time that was written, since most of it stays, or all.
#[derive(Debug, Default)]
pub(super) struct Latest {
    time: Option<Timestamp>,
    written: Written,
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

impl Latest {
    fn rfc3339(&mut self, now: Timestamp) -> &Written {
        if self.time != Some(now) {
            let second = self.time.map(Timestamp::as_second);
            if second != Some(now.as_second()) {
                self.written = beginning(now);
            }
            self.put_fraction(now.subsec_nanosecond().unsigned_abs());
            self.time = Some(now);
        }
        &self.written
    }

    fn put_fraction(&mut self, mut rest: u32) {
        let (pairs, _) = self.written[PAIRS].as_chunks_mut();
        for pair in pairs.iter_mut().rev() {
            *pair = DIGITS[(rest % 100) as usize];
            rest /= 100;
        }
        self.written[FIRST] = b'0' + u8::try_from(rest).unwrap_or_default();
    }
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

    const DIFFERENT: [(i128, &str); 6] = [
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
            1_795_316_016_000_000_000,
            "\"2026-11-22T02:53:36.000000000Z\"",
        ),
        (
            1_795_316_017_000_000_000,
            "\"2026-11-22T02:53:37.000000000Z\"",
        ),
    ];

    fn written(timestamps: Timestamps, nanoseconds: i128, latest: &mut Latest) -> String {
        let mut text = Text::default();
        let time = Timestamp::from_nanosecond(nanoseconds).unwrap();
        timestamps.push(time, latest, &mut text);
        String::from_utf8(text.as_bytes().to_vec()).unwrap()
    }

    /// Whatever was written before it.
    #[test]
    fn a_time_is_written_with_all_its_digits() {
        for (before, _) in DIFFERENT {
            for (nanoseconds, expected) in DIFFERENT {
                let mut latest = Latest::default();
                for time in [before, nanoseconds, nanoseconds] {
                    let written = written(Timestamps::Rfc3339, time, &mut latest);
                    assert!(time != nanoseconds || written == expected, "{written}");
                }
            }
        }
    }

    #[test]
    fn a_time_may_be_a_number() {
        let time = 1_795_316_016_360_296_000;
        let written = written(Timestamps::UnixEpoch, time, &mut Latest::default());
        assert_eq!(written, "1795316016.360296");
    }
}
