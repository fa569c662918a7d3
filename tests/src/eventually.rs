//! Waiting for a state, with a bound and a message worth reading.

use std::panic::Location;
use std::time::Duration;

use tokio::time::Instant;

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(2);

/// Waits until `condition` is true, and returns what it found.
///
/// `what` finishes the sentence "waited for …". The condition answers `Ok` with what the test goes on with, or `Err` with
/// what it saw instead, which is shown when the bound is reached. The condition itself may wait; a condition that never
/// answers runs into the same bound.
///
/// # Panics
///
/// When the state is not there within `bound`.
#[track_caller]
pub fn eventually<T>(
    what: &str,
    bound: Duration,
    condition: impl AsyncFnMut() -> Result<T, String>,
) -> impl Future<Output = T> {
    wait(what, bound, condition, Location::caller())
}

async fn wait<T>(
    what: &str,
    bound: Duration,
    mut condition: impl AsyncFnMut() -> Result<T, String>,
    caller: &'static Location<'static>,
) -> T {
    let deadline = Instant::now() + bound;
    let mut seen = "the condition has not answered once".to_owned();
    loop {
        match tokio::time::timeout_at(deadline, condition()).await {
            Ok(Ok(found)) => return found,
            Ok(Err(instead)) => seen = instead,
            Err(_elapsed) => break,
        }
        if Instant::now() >= deadline {
            break;
        }
        // The interval between two looks at the state, never the thing that is waited for.
        tokio::time::sleep(INTERVAL).await;
    }
    panic!("{caller}: waited {bound:?} for {what}; last seen: {seen}");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::eventually;

    #[tokio::test(start_paused = true)]
    async fn returns_what_the_condition_found() {
        let mut looks = 0;
        let found = eventually("the third look", Duration::from_secs(1), async || {
            looks += 1;
            if looks == 3 {
                Ok(looks)
            } else {
                Err(format!("look {looks}"))
            }
        })
        .await;
        assert_eq!(found, 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "for the moon; last seen: clouds")]
    async fn says_what_was_seen_instead() {
        eventually("the moon", Duration::from_millis(20), async || {
            Err::<(), _>("clouds".to_owned())
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "has not answered once")]
    async fn bounds_a_condition_that_hangs() {
        eventually("an answer", Duration::from_millis(20), async || {
            std::future::pending::<Result<(), String>>().await
        })
        .await;
    }
}
