//! How many questions are answered.

use std::time::Duration;

use tokio::time::Instant;

/// How many may come at once.
const BURST: u32 = 16;

/// After how long one more is answered.
const REGAINED: Duration = Duration::from_millis(100);

/// The words for one more.
pub(super) const REFUSED: &str = "too many questions: this data plane answers ten in a second";

/// Counts questions: an answer costs work and room on the stream, which the table needs first.
#[derive(Debug)]
pub(super) struct Questions {
    left: u32,
    since: Instant,
}

impl Questions {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            left: BURST,
            since: now,
        }
    }

    /// Whether one more is answered.
    pub(super) fn allow(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since).as_millis() / REGAINED.as_millis();
        let regained = u32::try_from(passed).unwrap_or(u32::MAX).min(BURST);
        if regained > 0 {
            self.left = self.left.saturating_add(regained).min(BURST);
            self.since = now;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_refused_and_a_pause_forgives() {
        let mut now = Instant::now();
        let mut questions = Questions::new(now);
        let asked = |questions: &mut Questions, now, count| {
            (0..count).filter(|_| questions.allow(now)).count()
        };
        assert_eq!(asked(&mut questions, now, 1000), 16);
        now += Duration::from_millis(99);
        assert_eq!(asked(&mut questions, now, 10), 0);
        now += Duration::from_millis(1);
        assert_eq!(asked(&mut questions, now, 10), 1);
        now += Duration::from_secs(3600);
        assert_eq!(asked(&mut questions, now, 1000), 16);
    }
}
