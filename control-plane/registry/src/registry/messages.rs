//! The payloads that are known by their fingerprint, so that their repetition costs one write.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::registration::Fingerprint;
use crate::time::Time;

use super::few::Few;
use super::records::{EndpointId, MessageId};
use super::slab::Slab;

/// A message whose endpoints are all as it left them.
#[derive(Debug)]
pub(super) struct Message {
    /// In two halves: the whole would be aligned, and the record a quarter larger.
    fingerprint: [u64; 2],
    pub(super) source: u8,
    /// When it was heard last, on the clock of its source.
    pub(super) heard: Time,
    pub(super) endpoints: Few<EndpointId>,
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
        let [lower, upper] = halves(fingerprint);
        let id = *self.by_fingerprint.get(&lower)?;
        Some(&mut self.records[id]).filter(|message| message.fingerprint == [lower, upper])
    }

    /// When a message was heard last.
    pub(super) fn heard(&self, id: MessageId) -> Time {
        self.records[id].heard
    }

    /// The message that holds the place which this fingerprint would take.
    pub(super) fn in_place_of(&self, fingerprint: Fingerprint) -> Option<MessageId> {
        let [lower, _] = halves(fingerprint);
        self.by_fingerprint.get(&lower).copied()
    }

    /// Adds a message. Its place is free, and its endpoints belong to no other one.
    pub(super) fn insert(
        &mut self,
        fingerprint: Fingerprint,
        source: u8,
        heard: Time,
        endpoints: Few<EndpointId>,
    ) -> MessageId {
        let [lower, _] = halves(fingerprint);
        let id = self.records.insert(Message {
            fingerprint: halves(fingerprint),
            source,
            heard,
            endpoints,
        });
        self.by_fingerprint.insert(lower, id);
        id
    }

    /// Takes a message out, whose endpoints then have to forget it.
    pub(super) fn remove(&mut self, id: MessageId) -> Option<Message> {
        let message = self.records.remove(id)?;
        let [lower, _] = message.fingerprint;
        self.by_fingerprint.remove(&lower);
        Some(message)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "each half is taken by itself"
)]
const fn halves(fingerprint: Fingerprint) -> [u64; 2] {
    [fingerprint.0 as u64, (fingerprint.0 >> 64) as u64]
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
