//! One queue for each publisher, served in turn.

use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Received;
use crate::sources::message::publisher;

/// Messages by publisher.
#[derive(Debug)]
pub(super) struct Turns {
    /// Nobody else knows it, so that nobody can name hosts that collide.
    seed: u64,
    queues: HashMap<u64, VecDeque<Received>, BuildHasherDefault<Hashed>>,
    /// Queues of publishers who have said everything, for the next one who comes.
    spare: Vec<VecDeque<Received>>,
    /// The publishers that have something to say, each once, in the order of their turns.
    next: VecDeque<u64>,
    length: usize,
}

/// How many empty queues are kept, and how long they may have been.
const SPARE: usize = 512;
const SPARE_MESSAGES: usize = 64;

/// How much was taken away.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// What there can be too much of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    Messages,
    Bytes,
}

impl Measure {
    fn of(self, received: &Received) -> usize {
        match self {
            Self::Messages => 1,
            Self::Bytes => received.payload.len(),
        }
    }

    fn of_all(self, queue: &VecDeque<Received>) -> usize {
        match self {
            Self::Messages => queue.len(),
            Self::Bytes => queue.iter().map(|received| self.of(received)).sum(),
        }
    }
}

/// A publisher's number is a hash already.
#[derive(Debug, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            seed: fastrand::u64(..),
            queues: HashMap::default(),
            spare: Vec::new(),
            next: VecDeque::new(),
            length: 0,
        }
    }
}

impl Turns {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn push(&mut self, received: Received) {
        let publisher = xxh3_64_with_seed(publisher(&received.payload), self.seed);
        let queue = self
            .queues
            .entry(publisher)
            .or_insert_with(|| self.spare.pop().unwrap_or_default());
        if queue.is_empty() {
            self.next.push_back(publisher);
        }
        queue.push_back(received);
        self.length += 1;
    }

    pub(super) fn pop(&mut self) -> Option<Received> {
        let publisher = self.next.pop_front()?;
        let queue = self.queues.get_mut(&publisher)?;
        let received = queue.pop_front()?;
        self.length -= 1;
        if queue.is_empty() {
            let queue = self.queues.remove(&publisher)?;
            if self.spare.len() < SPARE && queue.capacity() <= SPARE_MESSAGES {
                self.spare.push(queue);
            }
        } else {
            self.next.push_back(publisher);
        }
        Some(received)
    }
}

impl Turns {
    /// How many publishers have something to say.
    pub(super) fn publishers(&self) -> usize {
        self.next.len()
    }

    /// Takes away so much of what waits: always of the publisher that has most, and of several the one whose turn comes
    /// last. What it sent first goes first: so the last word about a route is what stays, and an unregistration is never
    /// lost while a registration before it is kept.
    pub(super) fn drop_of_most(&mut self, measure: Measure, amount: usize) -> Gone {
        let mut most = self.by_amount(measure);
        let (mut gone, mut left, mut silenced) = (Gone::default(), amount, false);
        while left > 0
            && let Some(mut publisher) = most.peek_mut()
        {
            let (amount, _, number) = &mut *publisher;
            let queue = self.queues.get_mut(number);
            let Some(received) = queue.and_then(VecDeque::pop_front) else {
                PeekMut::pop(publisher);
                silenced = true;
                continue;
            };
            let size = measure.of(&received);
            *amount -= size;
            silenced |= *amount == 0;
            left = left.saturating_sub(size);
            gone.messages += 1;
            gone.bytes += received.payload.len();
        }
        self.length -= gone.messages;
        if silenced {
            self.forget_silent();
        }
        gone
    }

    /// How much of each publisher waits, and in how many turns it has its own; the most first.
    fn by_amount(&self, measure: Measure) -> BinaryHeap<(usize, usize, u64)> {
        let publishers = self.next.iter().enumerate();
        publishers
            .map(|(turn, publisher)| {
                let queue = self.queues.get(publisher);
                let amount = queue.map_or(0, |queue| measure.of_all(queue));
                (amount, turn, *publisher)
            })
            .collect()
    }

    /// Gives no more turns to publishers of whom nothing is left.
    fn forget_silent(&mut self) {
        let Self { queues, next, .. } = self;
        next.retain(|publisher| {
            let speaks = queues.get(publisher).is_some_and(|queue| !queue.is_empty());
            if !speaks {
                queues.remove(publisher);
            }
            speaks
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn message(text: &str) -> Received {
        Received {
            kind: Kind::Register,
            payload: text.to_owned().into(),
        }
    }

    fn from(host: &str, number: u32) -> Received {
        message(&format!(
            r#"{{"uris":["a"],"host":"{host}","port":{number}}}"#
        ))
    }

    /// R-118: a publisher waits for one message of each other one, however many they have sent
    #[test]
    fn publishers_take_turns_and_keep_their_order() {
        let mut turns = Turns::default();
        for number in 0..1000 {
            turns.push(from("flood", number));
        }
        turns.push(from("a", 0));
        turns.push(from("b", 0));
        turns.push(from("a", 1));
        assert_eq!(turns.len(), 1003);
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
        let expected = [
            from("flood", 0),
            from("a", 0),
            from("b", 0),
            from("flood", 1),
            from("a", 1),
        ];
        assert_eq!(order[..5], expected);
        let flood = order
            .iter()
            .filter(|one| publisher(&one.payload) == b"flood");
        assert!(
            flood
                .cloned()
                .eq((0..1000).map(|number| from("flood", number)))
        );
        assert_eq!((turns.len(), turns.pop()), (0, None));
        assert!(
            turns.queues.is_empty() && turns.next.is_empty() && turns.spare.len() == 2,
            "nothing is kept of those who left, but the room of the small ones"
        );
    }

    /// What a publisher says of its tags does not make it another one.
    #[test]
    fn a_registration_is_not_overtaken_by_its_unregistration() {
        let mut turns = Turns::default();
        let sent = [
            message(r#"{"tags":{"host":"vm-1"},"uris":["a"],"host":"10.0.0.5","port":80}"#),
            message(r#"{"tags":{"host":"vm-2"},"uris":["b"],"host":"10.0.0.5","port":80}"#),
            message(r#"{"uris":["b"],"host":"10.0.0.5","port":80}"#),
        ];
        for one in &sent {
            turns.push(one.clone());
        }
        assert_eq!(turns.publishers(), 1);
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
        assert_eq!(order, sent);
    }
}
