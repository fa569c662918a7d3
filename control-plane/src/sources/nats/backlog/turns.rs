//! One queue for each publisher, served in turn.

use std::collections::{HashMap, VecDeque};

use xxhash_rust::xxh3::xxh3_64;

use super::Received;

/// Messages by publisher.
#[derive(Debug, Default)]
pub(super) struct Turns {
    queues: HashMap<u64, VecDeque<Received>>,
    /// The publishers that have something to say, each once, in the order of their turns.
    next: VecDeque<u64>,
    length: usize,
}

impl Turns {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn push(&mut self, received: Received) {
        let publisher = publisher(&received.payload);
        let queue = self.queues.entry(publisher).or_default();
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
            self.queues.remove(&publisher);
        } else {
            self.next.push_back(publisher);
        }
        Some(received)
    }
}

/// A number for who sent a payload: of the first value of a key `host`, read without decoding. It decides
/// about turns only, so a payload that hides its host shares a turn with others, and no more. What one publisher sends
/// has one form, and so one number.
fn publisher(payload: &[u8]) -> u64 {
    let key = payload
        .windows(6)
        .position(|six| six.eq_ignore_ascii_case(b"\"host\""));
    let value = key.map_or(&[][..], |at| payload[at + 6..].trim_ascii_start());
    let value = value
        .strip_prefix(b":")
        .unwrap_or_default()
        .trim_ascii_start();
    let text = value.strip_prefix(b"\"").unwrap_or_default();
    let end = text.iter().position(|byte| *byte == b'"');
    xxh3_64(&text[..end.unwrap_or(text.len())])
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
            .filter(|one| publisher(&one.payload) == publisher(&order[0].payload));
        assert!(
            flood
                .cloned()
                .eq((0..1000).map(|number| from("flood", number)))
        );
        assert_eq!((turns.len(), turns.pop()), (0, None));
        assert!(
            turns.queues.is_empty() && turns.next.is_empty(),
            "nothing is kept of those who left"
        );
    }

    #[test]
    fn publishers_are_told_apart_by_their_host() {
        let number = |text: &str| publisher(text.as_bytes());
        let one = number(r#"{"host":"10.0.0.1"}"#);
        assert_eq!(
            one,
            number(r#"{ "tags" : {}, "HOST" : "10.0.0.1", "port": 1 }"#)
        );
        assert_ne!(one, number(r#"{"host":"10.0.0.2"}"#));
        let nobody = number("");
        for text in [
            r#"{"port":1}"#,
            r#"{"host":7}"#,
            r#"{"host""#,
            r#"{"host":"#,
            r#"{"host":""#,
        ] {
            assert_eq!(number(text), nobody, "{text}");
        }
    }
}
