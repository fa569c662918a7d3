//! Asking many at once, and not for ever.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Questions that are open at once: answers may be large, and are compared as they come.
const AT_ONCE: usize = 64;

/// How long all answers together are waited for. A single one that does not come takes less.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What came of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came<T> {
    /// This.
    Answer(T),
    /// It was asked, and the time was over before the answer.
    Nothing,
    /// The time was over before it was its turn.
    NotAsked,
}

/// Asks all questions, in this order.
pub(super) async fn all<T, Asking>(questions: impl IntoIterator<Item = Asking>) -> Vec<Came<T>>
where
    T: Send + 'static,
    Asking: Future<Output = T> + Send + 'static,
{
    let until = Instant::now() + PATIENCE;
    let mut waiting = questions.into_iter();
    let mut came = Vec::new();
    let mut open = JoinSet::new();
    loop {
        for question in waiting.by_ref().take(AT_ONCE - open.len()) {
            let at = came.len();
            came.push(Came::Nothing);
            open.spawn(async move { (at, question.await) });
        }
        match timeout_at(until, open.join_next()).await {
            Ok(Some(Ok((at, answer)))) => came[at] = Came::Answer(answer),
            Ok(Some(Err(_))) => {}
            Ok(None) => return came,
            Err(_) => break,
        }
    }
    came.extend(waiting.map(|_| Came::NotAsked));
    came
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::sleep;

    use super::*;

    const SLOW: Duration = Duration::from_secs(5);

    /// K-140: every data plane is asked, however many there are, and not all at once
    #[tokio::test(start_paused = true)]
    async fn all_are_asked_and_few_at_once() {
        let open = Arc::new(AtomicUsize::new(0));
        let questions = (0..1000).map(|number| {
            let open = Arc::clone(&open);
            async move {
                let together = open.fetch_add(1, Ordering::Relaxed) + 1;
                sleep(Duration::from_millis(100)).await;
                open.fetch_sub(1, Ordering::Relaxed);
                (number, together)
            }
        });
        let mut most = 0;
        for (number, came) in (0..).zip(all(questions).await) {
            let Came::Answer((answered, together)) = came else {
                panic!("{number}: {came:?}");
            };
            assert_eq!(answered, number);
            most = most.max(together);
        }
        assert_eq!(most, AT_ONCE);
    }

    /// K-140: data planes that do not answer take no longer together than one bound
    #[tokio::test(start_paused = true)]
    async fn those_who_do_not_answer_are_waited_for_within_one_bound() {
        let start = Instant::now();
        let late = (0..AT_ONCE * 3).map(|number| async move {
            let slow = if number < AT_ONCE { SLOW } else { PATIENCE };
            sleep(slow).await;
        });
        let came = all(late).await;
        assert_eq!(start.elapsed(), PATIENCE);
        let of = |wanted| came.iter().filter(|it| **it == wanted).count();
        assert_eq!(
            [Came::Answer(()), Came::Nothing, Came::NotAsked].map(of),
            [AT_ONCE; 3]
        );
    }
}
