//! One table that was lent.

use std::time::Duration;

use pointsman_proto::v1;
use pointsman_proto::v1::follow_response::Message;
use tokio::time::Instant;

use super::Part;
use crate::distribution::to_proto;
use crate::distribution::wire::Encoded;

/// A table that was lent, part by part as it came.
#[derive(Debug, Default)]
pub(in crate::distribution) struct Loan {
    parts: Vec<(Part, Instant)>,
    things: u64,
    bytes: usize,
}

impl Loan {
    pub(super) fn add(&mut self, part: Part) {
        self.things += part.things;
        self.bytes += part.batch.len();
        self.parts.push((part, Instant::now()));
    }

    /// How many things it holds.
    pub(in crate::distribution) const fn things(&self) -> u64 {
        self.things
    }

    /// How many bytes they have.
    pub(in crate::distribution) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How long ago a control plane had confirmed it.
    pub(in crate::distribution) fn age(&self) -> Duration {
        let first = self.parts.first();
        first.map_or(Duration::ZERO, |(part, came)| part.age + came.elapsed())
    }

    /// Part `at` as it goes to a data plane, and whether it is the last; `None` behind that.
    pub(in crate::distribution) fn message(&self, at: usize) -> Option<(Encoded, bool)> {
        let (part, came) = self.parts.get(at)?;
        let since = came.elapsed();
        let last = at + 1 == self.parts.len();
        let message = to_proto::response(Message::TablePart(v1::TablePart {
            batch: part.batch.clone(),
            age: to_proto::duration(part.age.saturating_add(since)),
            left: part
                .left
                .and_then(|left| to_proto::duration(left.saturating_sub(since))),
            last,
        }));
        Some((Encoded::of(&message), last))
    }
}
