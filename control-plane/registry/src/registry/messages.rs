//! The payloads that are known by their fingerprint, so that their repetition costs one write.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::registration::Fingerprint;
use crate::time::Time;

use super::records::{EndpointId, MessageId};
use super::slab::Slab;

/// A message whose endpoints are all as it left them.
#[derive(Debug)]
pub(super) struct Message {
    fingerprint: Fingerprint,
    pub(super) source: u8,
    /// When it was heard last, on the clock of its source.
    pub(super) heard: Time,
    pub(super) endpoints: Box<[EndpointId]>,
}

#[derive(Debug)]
pub(super) struct Messages {
    /// By the lower half of the fingerprint; the record holds all of it.
    by_fingerprint: HashMap<u64, MessageId, BuildHasherDefault<Identity>>,
    records: Slab<Message>,
}

impl Messages {
    pub(super) fn new() -> Self {
        Self {
            by_fingerprint: HashMap::default(),
            records: Slab::new(),
        }
    }

    /// The message with this fingerprint, if it still holds.
    pub(super) fn find(&mut self, fingerprint: Fingerprint) -> Option<&mut Message> {
        let id = *self.by_fingerprint.get(&lower_half(fingerprint))?;
        Some(&mut self.records[id]).filter(|message| message.fingerprint == fingerprint)
    }

    /// When a message was heard last.
    pub(super) fn heard(&self, id: MessageId) -> Time {
        self.records[id].heard
    }

    /// The message that holds the place which this fingerprint would take.
    pub(super) fn in_place_of(&self, fingerprint: Fingerprint) -> Option<MessageId> {
        self.by_fingerprint.get(&lower_half(fingerprint)).copied()
    }

    /// Adds a message. Its place is free, and its endpoints belong to no other one.
    pub(super) fn insert(
        &mut self,
        fingerprint: Fingerprint,
        source: u8,
        heard: Time,
        endpoints: Box<[EndpointId]>,
    ) -> MessageId {
        let id = self.records.insert(Message {
            fingerprint,
            source,
            heard,
            endpoints,
        });
        self.by_fingerprint.insert(lower_half(fingerprint), id);
        id
    }

    /// Takes a message out, whose endpoints then have to forget it.
    pub(super) fn remove(&mut self, id: MessageId) -> Option<Message> {
        let message = self.records.remove(id)?;
        self.by_fingerprint.remove(&lower_half(message.fingerprint));
        Some(message)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half is what is wanted"
)]
fn lower_half(fingerprint: Fingerprint) -> u64 {
    fingerprint.0 as u64
}

/// A fingerprint is a keyed digest already: half of it is a hash.
#[derive(Debug, Default)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
