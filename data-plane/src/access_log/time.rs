//! When a request began, as the log writes it; the second is formatted once for all its requests.

use jiff::Timestamp;

use crate::decimal;

const NANOS: u64 = 1_000_000_000;

/// The last second that was formatted.
#[derive(Debug, Default)]
pub(super) struct StartTime {
    second: Option<u64>,
    /// `YYYY-MM-DDTHH:MM:SS`
    text: Vec<u8>,
}

impl StartTime {
    /// Appends `[YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ]`, in UTC.
    #[inline]
    pub(super) fn push(&mut self, out: &mut Vec<u8>, nanos: u64) {
        let second = nanos / NANOS;
        if self.second != Some(second) {
            self.format(second);
        }
        out.push(b'[');
        out.extend_from_slice(&self.text);
        out.push(b'.');
        decimal::push_padded::<9>(out, nanos % NANOS);
        out.extend_from_slice(b"Z]");
    }

    fn format(&mut self, second: u64) {
        let seconds = i64::try_from(second).unwrap_or_default();
        let time = Timestamp::from_second(seconds).unwrap_or_default();
        self.second = Some(second);
        self.text = time.strftime("%Y-%m-%dT%H:%M:%S").to_string().into_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_has_nine_digits_of_fraction_and_is_utc() {
        let mut time = StartTime::default();
        let mut out = Vec::new();
        time.push(&mut out, 1_795_316_053_725_000_001);
        time.push(&mut out, 1_795_316_054_000_000_000);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "[2026-11-22T02:54:13.725000001Z][2026-11-22T02:54:14.000000000Z]",
        );
    }
}
