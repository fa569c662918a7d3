//! Whether the loops that must turn are turning.
//!
//! Liveness never asks about anything outside the process: a broker or a peer that is away for an hour must not get
//! a process restarted. It asks only whether each long loop has come round within its own bound.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The pulses of one process.
#[derive(Clone, Debug, Default)]
pub struct Liveness {
    loops: Arc<Mutex<Vec<Beat>>>,
}

#[derive(Debug)]
struct Beat {
    name: &'static str,
    bound: Duration,
    last: Arc<Mutex<Instant>>,
}

/// The handle of one loop: it beats once a turn.
#[derive(Clone, Debug)]
pub struct Pulse {
    last: Arc<Mutex<Instant>>,
}

impl Liveness {
    /// A process in which nothing has to turn yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a loop that comes round at least once per `bound`.
    #[must_use]
    pub fn pulse(&self, name: &'static str, bound: Duration) -> Pulse {
        let last = Arc::new(Mutex::new(Instant::now()));
        let beat = Beat {
            name,
            bound,
            last: Arc::clone(&last),
        };
        self.loops
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(beat);
        Pulse { last }
    }

    /// The loops that have not come round within their bound, with how long they have been silent; empty when alive.
    #[must_use]
    pub fn late(&self) -> Vec<(&'static str, Duration)> {
        let now = Instant::now();
        let loops = self.loops.lock().unwrap_or_else(PoisonError::into_inner);
        let silence = |beat: &Beat| {
            now.saturating_duration_since(*beat.last.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let silent = loops.iter().map(|beat| (beat, silence(beat)));
        silent
            .filter(|(beat, age)| *age > beat.bound)
            .map(|(beat, age)| (beat.name, age))
            .collect()
    }
}

impl Pulse {
    /// Says that the loop came round.
    pub fn beat(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_stands_still_is_named_with_its_silence() {
        let liveness = Liveness::new();
        let registry = liveness.pulse("registry", Duration::from_secs(10));
        let _admin = liveness.pulse("admin", Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(liveness.late(), [("registry", Duration::from_secs(11))]);
        registry.beat();
        assert!(liveness.late().is_empty());
    }
}
