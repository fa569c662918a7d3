//! Who answered, and what failed.

use std::collections::BTreeMap;
use std::fmt;

/// Counts of requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    answered: BTreeMap<String, u64>,
    failed: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts one request: the instance's name, or what went wrong.
    pub(crate) fn count(&mut self, outcome: Result<String, String>) {
        let (side, key) = match outcome {
            Ok(instance) => (&mut self.answered, instance),
            Err(failure) => (&mut self.failed, failure),
        };
        *side.entry(key).or_default() += 1;
    }

    /// How many failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// How many there were.
    pub(crate) fn requests(&self) -> u64 {
        self.answered.values().sum::<u64>() + self.failures()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} requests, {} failed",
            self.requests(),
            self.failures()
        )?;
        for (instance, count) in &self.answered {
            write!(formatter, "; {count} answered by {instance}")?;
        }
        for (failure, count) in &self.failed {
            write!(formatter, "\n  {count} times: {failure}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn tells_who_answered_and_what_failed() {
        let mut tally = Tally::default();
        tally.count(Ok("sample-0".to_owned()));
        tally.count(Ok("sample-0".to_owned()));
        tally.count(Err("502".to_owned()));
        assert_eq!(tally.failures(), 1);
        assert_eq!(
            tally.to_string(),
            "3 requests, 1 failed; 2 answered by sample-0\n  1 times: 502"
        );
    }
}
