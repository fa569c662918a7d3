//! A level for a while: whoever turns the log up does not have to remember to turn it down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{AUDIT, Level, LevelHandle};

/// The level of the process, which can be lent another one for a bounded time.
#[derive(Clone, Debug)]
pub struct LentLevel {
    handle: LevelHandle,
    configured: Level,
    loan: Arc<Mutex<Loan>>,
}

/// The loan that counts now.
#[derive(Clone, Copy, Debug, Default)]
struct Loan {
    /// Tells the loans apart: only the latest one ends.
    number: u64,
    until: Option<Instant>,
}

/// What is logged now, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelState {
    /// The level now.
    pub level: Level,
    /// The one that it returns to.
    pub configured: Level,
    /// How long until then; `None` where it has returned.
    pub left: Option<Duration>,
}

/// The longest loan.
pub const LONGEST_LOAN: Duration = Duration::from_secs(24 * 3600);

impl LentLevel {
    /// Around the level as it is now, which is what it returns to.
    #[must_use]
    pub fn new(handle: LevelHandle) -> Self {
        Self {
            configured: handle.level(),
            handle,
            loan: Arc::default(),
        }
    }

    fn loan(&self) -> MutexGuard<'_, Loan> {
        // It is replaced whole.
        self.loan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is logged now.
    #[must_use]
    pub fn state(&self) -> LevelState {
        let until = self.loan().until;
        LevelState {
            level: self.handle.level(),
            configured: self.configured.clone(),
            left: until.map(|until| until.saturating_duration_since(Instant::now())),
        }
    }

    /// Sets the level for a while, at most [`LONGEST_LOAN`]; then the configured one returns. A later call takes the place
    /// of an earlier one. Spawns a task of that length, so it is called within a runtime.
    pub fn lend(&self, level: &Level, length: Duration) {
        let until = Instant::now() + length.min(LONGEST_LOAN);
        let number = {
            let mut loan = self.loan();
            loan.number += 1;
            loan.until = Some(until);
            self.handle.set(level);
            loan.number
        };
        let lent = self.clone();
        tokio::spawn(async move {
            sleep_until(until).await;
            lent.end(number);
        });
    }

    /// The configured level returns now.
    pub fn give_back(&self) {
        let number = self.loan().number;
        self.end(number);
    }

    fn end(&self, number: u64) {
        let mut loan = self.loan();
        if loan.number != number || loan.until.take().is_none() {
            return;
        }
        self.handle.set(&self.configured);
        drop(loan);
        tracing::info!(
            target: AUDIT,
            component = "log",
            level = self.configured.to_string(),
            "log-level-returned"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Form, build};
    use super::*;

    fn lent() -> LentLevel {
        let (subscriber, handle) = build(&Form::Human, &Level::info(), std::io::sink);
        // The filter lives as long as its subscriber, which has to outlive this test.
        Box::leak(Box::new(subscriber));
        LentLevel::new(handle)
    }

    fn levels(state: &LevelState) -> (String, Option<u64>) {
        let left = state.left.map(|left| left.as_secs());
        (state.level.to_string(), left)
    }

    /// K-145: a level is lent for a while and returns by itself, the latest loan deciding
    #[tokio::test(start_paused = true)]
    async fn a_level_returns_by_itself() {
        let lent = lent();
        assert_eq!(levels(&lent.state()), ("info".to_owned(), None));
        lent.lend(&"debug".parse().unwrap(), Duration::from_secs(10));
        assert_eq!(levels(&lent.state()), ("debug".to_owned(), Some(10)));
        tokio::time::sleep(Duration::from_secs(9)).await;
        lent.lend(&"warn".parse().unwrap(), Duration::from_secs(10));
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert_eq!(levels(&lent.state()), ("warn".to_owned(), Some(1)));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(levels(&lent.state()), ("info".to_owned(), None));
        lent.lend(&"debug".parse().unwrap(), 10 * LONGEST_LOAN);
        let longest = LONGEST_LOAN.as_secs();
        assert_eq!(levels(&lent.state()), ("debug".to_owned(), Some(longest)));
        lent.give_back();
        assert_eq!(levels(&lent.state()), ("info".to_owned(), None));
    }
}
