//! Something that may happen thousands of times a second, and is told at most once in one (L-38).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long nothing more is said about it.
const PAUSE: Duration = Duration::from_secs(1);

/// When it was told last, and how often it has happened since, in the whole process.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// It has happened. `Some`: it is time to tell so, and how often it was not told before.
    pub(crate) fn say(&self, now: Instant) -> Option<u64> {
        // Whoever panicked with the lock has left two numbers that are right or nearly so.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, unsaid) = &mut *state;
        if told.is_some_and(|told| now.saturating_duration_since(told) < PAUSE) {
            *unsaid += 1;
            return None;
        }
        *told = Some(now);
        Some(std::mem::take(unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_a_second_with_the_number_of_what_was_not() {
        let seldom = Seldom::default();
        let start = Instant::now();
        let said: Vec<_> = [0, 1, 999, 1000, 1001, 3000]
            .map(|millis| seldom.say(start + Duration::from_millis(millis)))
            .into();
        assert_eq!(said, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
