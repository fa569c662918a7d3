//! One table that was lent.

use std::sync::Arc;
use std::time::Duration;

use pointsman_proto::v1;
use pointsman_proto::v1::follow_response::Message;
use tokio::time::Instant;

use super::Part;
use crate::distribution::room::Room;
use crate::distribution::to_proto;
use crate::distribution::wire::Encoded;

/// A table that was lent, part by part as it came. It gives its room back when nobody is lent it any more.
#[derive(Debug)]
pub(in crate::distribution) struct Loan {
    room: Arc<Room>,
    /// The head of the registry when it was asked for.
    head: u64,
    parts: Vec<(Part, Instant)>,
    things: u64,
    bytes: usize,
}

impl Loan {
    pub(super) const fn new(room: Arc<Room>, head: u64) -> Self {
        Self {
            room,
            head,
            parts: Vec::new(),
            things: 0,
            bytes: 0,
        }
    }

    /// Takes what has come, and leaves nothing.
    pub(super) fn take(&mut self) -> Self {
        let nothing = Self::new(Arc::clone(&self.room), self.head);
        std::mem::replace(self, nothing)
    }

    /// Adds a part, if there is room for it.
    pub(super) fn add(&mut self, part: Part) -> bool {
        let bytes = part.batch.capacity() + size_of::<(Part, Instant)>();
        let fits = self.room.take(bytes);
        if fits {
            self.things += part.things;
            self.bytes += bytes;
            self.parts.push((part, Instant::now()));
        }
        fits
    }

    /// The head of the registry when it was asked for: of what was removed since then, it may name anything.
    pub(in crate::distribution) const fn head(&self) -> u64 {
        self.head
    }

    /// How many things it holds.
    pub(in crate::distribution) const fn things(&self) -> u64 {
        self.things
    }

    /// How many bytes they take.
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

impl Drop for Loan {
    fn drop(&mut self) {
        self.room.give_back(self.bytes);
    }
}
