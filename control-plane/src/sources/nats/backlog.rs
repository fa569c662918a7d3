//! What was received and is not handled yet, within bounds; publishers take turns.

mod turns;

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::settings::Pending;
use turns::{Measure, Turns};

/// A message that has something to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) kind: Kind,
    pub(super) payload: Bytes,
}

/// What a message does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It came on `router.register`.
    Register,
    /// It came on `router.unregister`.
    Unregister,
}

impl Kind {
    pub(super) const fn subject(self) -> &'static str {
        match self {
            Self::Register => "router.register",
            Self::Unregister => "router.unregister",
        }
    }

    pub(super) fn of_subject(subject: &str) -> Option<Self> {
        [Self::Register, Self::Unregister]
            .into_iter()
            .find(|kind| kind.subject() == subject)
    }
}

/// The messages between the one who takes them off the connection and the one who handles them. Those of one publisher
/// stay in their order; publishers take turns, so that the flood of one delays the others by one message, and where too
/// much waits, those lose who have most of it (R-118).
#[derive(Debug)]
pub(super) struct Backlog {
    bounds: Pending,
    state: Mutex<State>,
    arrived: Notify,
    emptied: Notify,
}

/// Bytes behind which no more messages are handed over in one go: one of a thousand routes is as much work as a thousand
/// of one, and those of others wait for it.
const LARGE: usize = 64 * 1024;

#[derive(Debug, Default)]
struct State {
    queue: Turns,
    bytes: usize,
    /// How many messages are being handled.
    busy: usize,
    dropped: u64,
}

impl State {
    /// Makes room for a message of so many bytes. `false` where there cannot be any.
    #[cold]
    fn make_room(&mut self, bounds: Pending, bytes: usize) -> bool {
        if bytes > bounds.bytes {
            self.dropped += 1;
            return false;
        }
        let messages = self.queue.len() + 1;
        if messages > bounds.messages {
            self.drop_of_most(Measure::Messages, messages - bounds.messages);
        }
        // Again, since fewer messages are fewer bytes.
        let bytes = self.bytes + bytes;
        if bytes > bounds.bytes {
            self.drop_of_most(Measure::Bytes, bytes - bounds.bytes);
        }
        true
    }

    fn drop_of_most(&mut self, measure: Measure, excess: usize) {
        // More than has to go: who has most is looked for among all publishers, and among all messages where bytes
        // count, which must not happen at every message of a flood.
        let more = match measure {
            Measure::Messages => self.queue.publishers() / 8 + self.queue.len() / 256,
            Measure::Bytes => self.bytes / 32,
        };
        let gone = self.queue.drop_of_most(measure, excess + more);
        self.bytes -= gone.bytes;
        self.dropped += gone.messages as u64;
    }
}

/// Something was dropped, since the backlog was full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// How much waits, and how much was dropped because too much waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) pending: usize,
    pub(super) bytes: usize,
    pub(super) dropped: u64,
}

impl Backlog {
    pub(super) fn new(bounds: Pending) -> Self {
        Self {
            bounds,
            state: Mutex::default(),
            arrived: Notify::new(),
            emptied: Notify::new(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds messages, in their order. Where they exceed a bound, what has to go is dropped and counted.
    pub(super) fn push(&self, arrived: impl IntoIterator<Item = Received>) -> Result<(), Full> {
        let mut state = self.state();
        let dropped = state.dropped;
        for received in arrived {
            let bytes = received.payload.len();
            let is_full = state.queue.len() >= self.bounds.messages
                || state.bytes + bytes > self.bounds.bytes;
            if is_full && !state.make_room(self.bounds, bytes) {
                continue;
            }
            state.bytes += bytes;
            state.queue.push(received);
        }
        let is_full = state.dropped > dropped;
        drop(state);
        self.arrived.notify_one();
        if is_full { Err(Full) } else { Ok(()) }
    }

    /// Counts messages that were dropped before they came here.
    pub(super) fn dropped_elsewhere(&self, messages: u64) {
        self.state().dropped += messages;
    }

    /// The next messages, when there are any: at most so many, and no more behind [`LARGE`] bytes. Taking them says that
    /// those before are handled.
    pub(super) async fn next(&self, most: usize, taken: &mut Vec<Received>) {
        loop {
            {
                let mut state = self.state();
                state.busy = 0;
                let mut left = LARGE;
                while state.busy < most
                    && left > 0
                    && let Some(received) = state.queue.pop()
                {
                    left = left.saturating_sub(received.payload.len());
                    state.bytes -= received.payload.len();
                    state.busy += 1;
                    taken.push(received);
                }
                if state.busy > 0 {
                    return;
                }
            }
            self.emptied.notify_one();
            self.arrived.notified().await;
        }
    }

    /// Waits until everything that was received is handled. One task may wait.
    pub(super) async fn handled(&self) {
        while self.level().pending > 0 {
            self.emptied.notified().await;
        }
    }

    /// How much waits. What is being handled counts (C-006).
    pub(super) fn level(&self) -> Level {
        let state = self.state();
        Level {
            pending: state.queue.len() + state.busy,
            bytes: state.bytes,
            dropped: state.dropped,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn message(bytes: usize) -> Received {
        Received {
            kind: Kind::Register,
            payload: vec![b'x'; bytes].into(),
        }
    }

    /// Takes one.
    async fn next(backlog: &Backlog) {
        let mut taken = Vec::new();
        backlog.next(1, &mut taken).await;
        assert_eq!(taken.len(), 1);
    }

    fn backlog(messages: usize, bytes: usize) -> Backlog {
        Backlog::new(Pending { messages, bytes })
    }

    /// C-006: two messages, the first being handled: two are pending
    /// C-007: the first handled, the second being handled: one is
    #[tokio::test]
    async fn what_is_being_handled_is_pending() {
        let backlog = backlog(10, 1000);
        assert_eq!(backlog.level(), Level::default());
        backlog.push([message(3)]).unwrap();
        backlog.push([message(4)]).unwrap();
        next(&backlog).await;
        assert_eq!(backlog.level().pending, 2);
        assert_eq!(backlog.level().bytes, 4);
        next(&backlog).await;
        assert_eq!(backlog.level().pending, 1);
    }

    /// C-009: what exceeds the bound is dropped, counted, and stays counted
    #[tokio::test]
    async fn what_exceeds_a_bound_is_dropped_and_counted() {
        let backlog = backlog(2, 10);
        assert_eq!(backlog.push([message(11)]), Err(Full), "bytes");
        backlog.push([message(5)]).unwrap();
        backlog.push([message(5)]).unwrap();
        assert_eq!(backlog.push([message(0)]), Err(Full), "messages");
        backlog.dropped_elsewhere(3);
        assert_eq!(backlog.level().dropped, 5);
        next(&backlog).await;
        next(&backlog).await;
        assert_eq!(backlog.level().dropped, 5);
        let several = [message(10), message(1), message(0)];
        assert_eq!(backlog.push(several), Err(Full), "one of them");
        assert_eq!((backlog.level().pending, backlog.level().dropped), (3, 6));
    }

    fn from(host: &str, port: usize, padding: usize) -> Received {
        let padding = "x".repeat(padding);
        let text = format!(r#"{{"host":"{host}","port":{port},"app":"{padding}"}}"#);
        Received {
            kind: Kind::Register,
            payload: text.into(),
        }
    }

    /// Everything that waits.
    async fn all(backlog: &Backlog) -> Vec<Received> {
        let (waiting, mut taken) = (backlog.level().pending, Vec::new());
        while taken.len() < waiting {
            backlog.next(waiting, &mut taken).await;
        }
        taken
    }

    /// R-118: who floods loses what it said first, and nobody else loses anything
    #[tokio::test]
    async fn a_flood_drops_what_the_flood_has_said() {
        let flood = |number| from("flood", number, 0);
        let backlog = backlog(100, 1_000_000);
        let victims: Vec<_> = (0..20)
            .map(|number| from(&format!("v{}", number % 4), number, 0))
            .collect();
        for (number, victim) in victims.iter().enumerate() {
            let _full = backlog.push((50 * number..50 * number + 50).map(flood));
            let _full = backlog.push([victim.clone()]);
        }
        let level = backlog.level();
        assert_eq!((level.pending, level.dropped), (100, 920));
        let (flooded, others): (Vec<_>, Vec<_>) = all(&backlog)
            .await
            .into_iter()
            .partition(|one| one.payload.starts_with(br#"{"host":"flood"#));
        assert_eq!(flooded, (920..1000).map(flood).collect::<Vec<_>>());
        for host in 0..4 {
            let of = |all: &[Received]| -> Vec<_> {
                let start = format!(r#"{{"host":"v{host}""#);
                let all = all.iter();
                all.filter(|one| one.payload.starts_with(start.as_bytes()))
                    .cloned()
                    .collect()
            };
            assert_eq!(of(&others), of(&victims), "v{host}");
        }
        assert_eq!(backlog.level().bytes, 0);
    }

    /// R-118: the same where it is few messages that are large
    #[tokio::test]
    async fn a_flood_of_bytes_drops_what_has_the_most_bytes() {
        let backlog = backlog(1000, 100_000);
        let small: Vec<_> = (0..50).map(|number| from("small", number, 0)).collect();
        assert_eq!(backlog.push(small.clone()), Ok(()));
        for number in 0..100 {
            let _full = backlog.push([from("flood", number, 10_000)]);
            assert!(backlog.level().bytes <= 100_000);
        }
        let (flooded, others): (Vec<_>, Vec<_>) = all(&backlog)
            .await
            .into_iter()
            .partition(|one| one.payload.len() > 10_000);
        assert_eq!(others, small);
        assert_eq!(flooded.last(), Some(&from("flood", 99, 10_000)));
        assert!((8..10).contains(&flooded.len()), "{}", flooded.len());
    }

    /// Where nobody has more than others, those stay who have waited longest, and nothing is left of the others.
    #[tokio::test]
    async fn a_crowd_loses_those_who_came_last() {
        let backlog = backlog(100, 1_000_000);
        let crowd: Vec<_> = (0..101)
            .map(|number| from(&number.to_string(), number, 0))
            .collect();
        assert_eq!(backlog.push(crowd.clone()), Err(Full));
        let level = backlog.level();
        assert_eq!((level.pending, level.dropped), (88, 13));
        let mut left = crowd[..87].to_vec();
        left.push(crowd[100].clone());
        assert_eq!(all(&backlog).await, left);
    }

    /// What is large is handed over by itself, so that others wait for one of it and not for many.
    #[tokio::test]
    async fn large_messages_come_few_at_a_time() {
        let backlog = backlog(100, 1_000_000);
        let large = (0..4).map(|number| from("large", number, LARGE / 2));
        backlog.push(large).unwrap();
        let mut taken = Vec::new();
        backlog.next(32, &mut taken).await;
        assert_eq!(taken.len(), 2);
        backlog.next(32, &mut taken).await;
        assert_eq!(taken.len(), 4);
    }

    /// Several are taken at once, and are underway until more are asked for.
    #[tokio::test]
    async fn no_more_are_taken_than_are_asked_for() {
        let backlog = backlog(10, 1000);
        backlog.push((1..=5).map(message)).unwrap();
        let mut taken = Vec::new();
        backlog.next(3, &mut taken).await;
        assert_eq!(taken, [message(1), message(2), message(3)]);
        assert_eq!((backlog.level().pending, backlog.level().bytes), (5, 9));
        backlog.next(3, &mut taken).await;
        assert_eq!((taken.len(), backlog.level().pending), (5, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn handled_means_that_nothing_waits_and_nothing_is_underway() {
        let backlog = backlog(10, 1000);
        tokio::time::timeout(Duration::from_secs(1), backlog.handled())
            .await
            .expect("nothing to wait for");
        backlog.push([message(1)]).unwrap();
        next(&backlog).await;
        let waited = tokio::time::timeout(Duration::from_secs(1), backlog.handled()).await;
        assert!(waited.is_err(), "one is underway");
        let next = tokio::time::timeout(Duration::from_secs(1), next(&backlog));
        let (handled, none) = tokio::join!(
            tokio::time::timeout(Duration::from_secs(1), backlog.handled()),
            next
        );
        assert!(handled.is_ok() && none.is_err());
    }
}
