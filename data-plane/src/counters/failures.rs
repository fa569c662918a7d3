//! Why attempts failed, and answers broke off.

use super::Counter;
use crate::proxy::Reason;

/// One worker's failures by reason.
#[derive(Debug, Default)]
pub(crate) struct FailureCounts([Counter; Reason::WORDS.len()]);

impl FailureCounts {
    /// One more.
    pub(crate) fn count(&self, reason: Reason) {
        let at = Reason::WORDS.iter().position(|word| *word == reason.word());
        if let Some(counter) = at.and_then(|at| self.0.get(at)) {
            counter.increment();
        }
    }

    /// How many there were for each word.
    pub(super) fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Reason::WORDS
            .into_iter()
            .zip(self.0.iter().map(Counter::get))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_count_of_its_own() {
        let counts = FailureCounts::default();
        counts.count(Reason::Timeout);
        counts.count(Reason::Timeout);
        counts.count(Reason::ClientStalled);
        let some: Vec<_> = counts.each().filter(|(_, count)| *count > 0).collect();
        assert_eq!(some, [("timeout", 2), ("client_stalled", 1)]);
    }
}
