//! The dates of cookies.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// The seconds of the Unix epoch that a cookie can name: the years 1601 to 9999.
pub(super) const SECONDS: RangeInclusive<i64> = -11_644_473_600..=253_402_300_799;

/// Reads a date in any of the forms that apps use, as browsers do (RFC 6265, section 5.1.1):
/// seconds of the Unix epoch.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let mut found = Found::default();
    text.split(is_delimiter)
        .filter(|token| !token.is_empty())
        .for_each(|token| found.take(token));
    found.seconds().filter(|seconds| SECONDS.contains(seconds))
}

/// Appends a date in the form of RFC 9110, section 5.6.7.
pub(super) fn push(out: &mut Vec<u8>, seconds: i64) {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    let text = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    out.extend_from_slice(text.as_bytes());
}

/// Everything but letters, digits, colons and what is not ASCII.
fn is_delimiter(character: char) -> bool {
    character.is_ascii() && !character.is_ascii_alphanumeric() && character != ':'
}

/// The parts of a date, each the first that looks like one.
#[derive(Debug, Default)]
struct Found {
    time: Option<[i8; 3]>,
    day: Option<i8>,
    month: Option<i8>,
    year: Option<i16>,
}

impl Found {
    fn take(&mut self, token: &str) {
        if self.time.is_none() && token.contains(':') {
            self.time = time(token);
        } else if self.day.is_none()
            && let Some(day) = number(token, [1, 2])
        {
            self.day = Some(day);
        } else if self.month.is_none()
            && let Some(month) = month(token)
        {
            self.month = Some(month);
        } else if self.year.is_none() {
            self.year = number(token, [2, 4]).map(century);
        }
    }

    fn seconds(self) -> Option<i64> {
        let [hour, minute, second] = self.time?;
        let date = DateTime::new(self.year?, self.month?, self.day?, hour, minute, second, 0);
        let zoned = date.ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(zoned.timestamp().as_second())
    }
}

fn time(token: &str) -> Option<[i8; 3]> {
    let mut parts = token.splitn(3, ':').map(|part| number(part, [1, 2]));
    Some([parts.next()??, parts.next()??, parts.next()??])
}

fn month(token: &str) -> Option<i8> {
    let start = token.get(..3)?;
    let at = MONTHS
        .iter()
        .position(|month| start.eq_ignore_ascii_case(month))?;
    i8::try_from(at + 1).ok()
}

/// A year of two digits is one between 1970 and 2069.
fn century(year: i16) -> i16 {
    match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        _ => year,
    }
}

/// The number of so many digits that a token begins with.
fn number<N: std::str::FromStr>(token: &str, [least, most]: [usize; 2]) -> Option<N> {
    let count = token.bytes().take_while(u8::is_ascii_digit).count();
    if !(least..=most).contains(&count) {
        return None;
    }
    token.get(..count)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_forms_are_one_moment() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "6 NOVEMBER 1994 8:49:37",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(784_111_777), "{text}");
        }
        let mut out = Vec::new();
        push(&mut out, 784_111_777);
        assert_eq!(out, b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parse(b"Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "0",
            "-1",
            "Sun, 06 Nov 1994",
            "06 Nov 08:49:37",
            "31 Feb 2030 00:00:00",
            "06 Nov 1994 25:49:37",
            "06 Nov 1600 08:49:37",
            "06 Nov 1994 08:49",
            "\u{1f600} Nov 1994 08:49:37",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"\xff\xfe"), None);
    }
}
