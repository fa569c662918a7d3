//! Times as Gorouter writes them for collectors.

use std::time::Duration;

use jiff::Timestamp;

/// Days, hours, minutes and seconds, what is below a second left out: `1d:12h:0m:10s`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    format!(
        "{days}d:{}h:{}m:{}s",
        hours % 24,
        minutes % 60,
        seconds % 60
    )
}

/// A moment to the second, in UTC, which it says: `2006-01-02 15:04:05 +0000`.
pub(super) fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C-420: 36 hours and 10 seconds are `1d:12h:0m:10s`
    /// C-421: the text says the duration to the second: read again, it is the same
    #[test]
    fn durations_are_told_in_days_hours_minutes_and_seconds() {
        for (seconds, told) in [
            (0, "0d:0h:0m:0s"),
            (59, "0d:0h:0m:59s"),
            (36 * 3600 + 10, "1d:12h:0m:10s"),
            (12_151, "0d:3h:22m:31s"),
            (100 * 86_400 - 1, "99d:23h:59m:59s"),
        ] {
            let text = duration(Duration::from_millis(seconds * 1000 + 999));
            assert_eq!(text, told);
            let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
            let read = text.split(':').zip(units).map(|(part, (unit, worth))| {
                let number = part.strip_suffix(unit).expect("the unit");
                worth * number.parse::<u64>().expect("a number")
            });
            assert_eq!(read.sum::<u64>(), seconds);
        }
    }

    /// C-422: a moment is told in Go's layout `2006-01-02 15:04:05 -0700`, and is the same to the second when it is read
    #[test]
    fn moments_are_told_with_their_offset() {
        let given = Timestamp::from_millisecond(1_743_590_096_789).expect("a moment");
        let text = moment(given);
        assert_eq!(text, "2025-04-02 10:34:56 +0000");
        let read = jiff::fmt::strtime::parse("%Y-%m-%d %H:%M:%S %z", &text);
        let read = read.and_then(|parsed| parsed.to_timestamp());
        assert_eq!(read.expect("it can be read").as_second(), given.as_second());
    }
}
