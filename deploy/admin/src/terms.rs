//! Why an operator puts something over the rules, and for how long.

use std::time::Duration;

use pointsman_process::configuration::Interval;

/// How long an override stands where nothing is said.
const USUAL: Duration = Duration::from_secs(3600);

/// The shortest and the longest that one may stand.
const LENGTHS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(24 * 3600)];

/// The longest reason, in bytes.
const MAX_REASON: usize = 512;

/// The terms of an override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Why, for those who find it.
    pub why: Box<str>,
    /// For how long.
    pub length: Duration,
}

impl Terms {
    /// The terms that an order names: `reason`, and `for` where it is not an hour.
    ///
    /// # Errors
    ///
    /// For people: what there is instead of a reason or a time, and what would be right.
    pub fn read(reason: &str, length: Option<Interval>) -> Result<Self, String> {
        let why = reason.trim();
        if why.is_empty() || why.len() > MAX_REASON {
            let length = why.len();
            return Err(format!(
                "reason has {length} bytes; expected 1 to {MAX_REASON}, for those who find the override"
            ));
        }
        let length = length.map_or(USUAL, Duration::from);
        let [shortest, longest] = LENGTHS;
        if !(shortest..=longest).contains(&length) {
            return Err(format!("for is {length:?}; expected 1s to 24h"));
        }
        Ok(Self {
            why: why.into(),
            length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_and_a_bounded_time_are_needed() {
        let hour = Terms::read(" because ", None).unwrap();
        assert_eq!((&*hour.why, hour.length), ("because", USUAL));
        for (reason, length, told) in [
            (" ", None, "reason has 0 bytes"),
            (&*"x".repeat(513), None, "reason has 513 bytes"),
            ("it", Some("25h"), "expected 1s to 24h"),
            ("it", Some("0.5s"), "expected 1s to 24h"),
        ] {
            let length = length.map(|it| serde_json::from_value(it.into()).unwrap());
            let refused = Terms::read(reason, length).unwrap_err();
            assert!(refused.contains(told), "{refused}");
        }
    }
}
