//! What is held, and the tables cut from it.

use std::sync::Arc;

use crate::{Closing, RejectedThing, Settings, Table, Thing};

/// What things add up to: how many, and the wrapping sum of their digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// How many things.
    pub things: u64,
    /// The wrapping sum of their digests.
    pub digest: u64,
}

/// What a closing step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The revision that the table is at now.
    pub revision: u64,
    /// Whether what was received adds up to what the control plane expects. Where it does not,
    /// the data plane asks for a snapshot.
    pub agrees: bool,
}

/// The owner of what is held.
#[derive(Debug)]
pub struct Writer {}

impl Writer {
    /// Holds nothing. `seed` keys the table's hash.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        todo!()
    }

    /// A control plane answered hello: what follows was sent in `epoch`.
    pub fn begin(&mut self, epoch: u64) {
        todo!()
    }

    /// The settings that the next table carries.
    pub fn set_settings(&mut self, settings: Settings) {
        todo!()
    }

    /// Whether absence from a complete table of this control plane means removal.
    pub fn set_authoritative(&mut self, authoritative: bool) {
        todo!()
    }

    /// Adds or changes one thing. It shows in the next table.
    pub fn upsert(&mut self, thing: Thing) {
        todo!()
    }

    /// Applies a closing step; nothing while another part follows.
    pub fn close(&mut self, step: Closing) -> Option<Closed> {
        todo!()
    }

    /// What is rejected, all of it.
    pub fn rejected(&self) -> impl Iterator<Item = RejectedThing<'_>> {
        std::iter::empty()
    }

    /// Whether anything changed since the last table was cut.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        todo!()
    }

    /// Cuts a table of what is held now.
    #[must_use]
    pub fn publish(&mut self) -> Arc<Table> {
        todo!()
    }
}
