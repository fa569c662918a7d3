//! What is held, and the tables cut from it.
//!
//! The rules are those of the stream between the planes: what arrives in batches adds or changes
//! and never removes; a closing step removes, and is what the data plane acknowledges; what was
//! not heard of is told apart from what was heard to be gone.
//!
//! A thing of which nobody says that it is gone, and that an authoritative control plane's complete
//! table lacks, is *inferred* to be gone. Its endpoint becomes an *orphan*: chosen last, dropped at
//! its first failure, and at the latest after a while. Where more of that turns up at once than the
//! guard lets pass, the rest is *held*: it stays as it is until somebody decides.

mod absence;
mod apply;
mod aside;
mod book;
mod close;
mod guard;
mod judge;
mod orphans;
mod rejected;
mod restore;
mod store;

use std::collections::HashSet;
use std::sync::Arc;

pub use absence::AbsenceSettings;
pub use aside::Aside;
pub use restore::RestoredUntil;

use absence::Standing;
use book::Book;
use guard::Guard;
use rejected::Rejected;
use store::Store;

use crate::intern::{Interned, States};
use crate::{Closing, RejectedThing, Removal, Segments, Settings, Table, Thing, Time, View};

/// What a closing step, or a heartbeat, came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The revision that the table is at now.
    pub revision: u64,
    /// Whether what was received adds up to what the control plane expects. Where it does not,
    /// the data plane asks for a snapshot.
    pub agrees: bool,
}

/// The owner of what is held. One thread has it; everybody else has a [`Table`].
#[derive(Debug)]
pub struct Writer {
    store: Store,
    book: Book,
    standing: Standing,
    absence: AbsenceSettings,
    guard: Guard,
    rejected: Rejected,
    interned: Interned,
    states: States,
    settings: Settings,
    /// The parts of a closing step that have come so far.
    removals: HashSet<Removal>,
    /// Routes that were born anew: their earlier endpoints are void at the next closing step.
    reborn: Vec<apply::Reborn>,
    /// What was received at the last closing step, while nothing has come since.
    closed: Option<View>,
    /// When the first orphan may have to go.
    next_end: Option<Time>,
    /// How many attributes were restored.
    restored: u64,
    changed: bool,
}

impl Writer {
    /// Holds nothing. `seed` keys the table's hash: draw it at random.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            store: Store::new(seed),
            book: Book::default(),
            standing: Standing::default(),
            absence: AbsenceSettings::default(),
            guard: Guard::default(),
            rejected: Rejected::default(),
            interned: Interned::with_seed(seed),
            states: States::with_seed(seed),
            settings: Settings::default(),
            removals: HashSet::new(),
            reborn: Vec::new(),
            closed: None,
            next_end: None,
            restored: 0,
            changed: true,
        }
    }

    /// A control plane answered hello: what follows was sent in `epoch`, which is not 0.
    ///
    /// Nothing is forgotten. What an earlier epoch sent stays until this one confirms it, removes
    /// it, or is found to lack it.
    pub fn begin(&mut self, epoch: u64) {
        if self.book.begin(epoch) {
            self.standing.begin();
            self.reborn.clear();
        }
        self.removals.clear();
        self.closed = None;
    }

    /// The settings that the next table carries.
    pub fn set_settings(&mut self, settings: Settings) {
        self.changed |= self.settings != settings;
        self.settings = settings;
    }

    /// How carefully things are given up that nobody says are gone.
    pub const fn set_absence_settings(&mut self, settings: AbsenceSettings) {
        self.absence = settings;
    }

    /// The isolation segments that this control plane grants. What is held of others, and not
    /// granted any more, goes with the next complete closing step.
    pub fn set_granted(&mut self, granted: Segments) {
        self.standing.set_granted(granted);
    }

    /// Whether this control plane has listened long enough that what it has not heard may be
    /// taken for gone.
    pub const fn set_authoritative(&mut self, authoritative: bool) {
        self.standing.set_authoritative(authoritative);
    }

    /// Adds or changes one thing. It shows in the next table.
    pub fn upsert(&mut self, thing: Thing) {
        self.closed = None;
        if !self.removals.is_empty() {
            self.removals.remove(&thing.name());
        }
        match thing {
            Thing::Route(route) => self.upsert_route(route),
            Thing::Endpoint(endpoint) => self.upsert_endpoint(*endpoint),
            Thing::Rejected(rejection) => self.reject(rejection),
        }
    }

    /// Applies a closing step; nothing while another part follows.
    pub fn close(&mut self, step: Closing, now: Time) -> Option<Closed> {
        self.removals.extend(step.removals);
        if step.continues {
            return None;
        }
        for removal in std::mem::take(&mut self.removals) {
            self.remove(&removal);
        }
        self.void_reborn();
        let agrees = self.settle(step.expected, (step.complete, step.revision), now);
        self.book.close(step.revision);
        self.closed = Some(self.book.received());
        Some(Closed {
            revision: step.revision,
            agrees,
        })
    }

    /// A heartbeat says what the control plane expects at `revision`. Nothing where that is not
    /// the last revision that was applied, or where more has come since.
    pub fn compare(&mut self, revision: u64, expected: View, now: Time) -> Option<Closed> {
        if self.closed.is_none() || self.book.revision() != revision {
            return None;
        }
        let agrees = self.settle(expected, (false, revision), now);
        self.closed = Some(self.book.received());
        Some(Closed { revision, agrees })
    }

    /// The epoch that is followed; 0 for none yet.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.book.epoch()
    }

    /// The revision of the last closing step in that epoch; 0 for none yet.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.book.revision()
    }

    /// Forgets at which revision the table is, so that everything is sent again.
    pub fn ask_anew(&mut self) {
        self.book.forget_revision();
        self.closed = None;
    }

    /// What is held of what this epoch sent: rejected things and endpoints that wait for their
    /// route's attributes do not count.
    #[must_use]
    pub fn held(&self) -> View {
        let not_held = self.rejected.endpoints_view(&self.book);
        let not_held = not_held.and(self.store.parked_view(&self.book));
        let received = self.book.received();
        View {
            things: received.things.wrapping_sub(not_held.things),
            digest: received.digest.wrapping_sub(not_held.digest),
        }
    }

    /// How many things are kept though this epoch has not sent them, orphans and what is held
    /// among them.
    #[must_use]
    pub const fn unconfirmed(&self) -> u64 {
        self.book.unconfirmed()
    }

    /// How many endpoints are kept for a while though no control plane says that they are there.
    #[must_use]
    pub const fn orphans(&self) -> u64 {
        self.book.orphans()
    }

    /// How many endpoints seem to be gone, and stay because too many did at once.
    #[must_use]
    pub const fn held_removals(&self) -> u64 {
        self.book.held()
    }

    /// Everything that can be served, as [`Table::things`] tells it.
    pub fn things(&self) -> impl Iterator<Item = Thing> {
        self.store.next().things()
    }

    /// What is rejected, all of it.
    pub fn rejected(&self) -> impl Iterator<Item = RejectedThing<'_>> {
        self.rejected.iter()
    }

    /// Whether anything changed since the last table was cut.
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    /// Cuts a table of what is held now.
    #[must_use]
    pub fn publish(&mut self) -> Arc<Table> {
        self.changed = false;
        self.states.sweep();
        Arc::new(self.store.table(self.settings))
    }

    /// Lets go of what no table and no request refers to any more. A publication does some of it;
    /// this is for the quiet time after the last one, and for now and then.
    pub fn tidy(&mut self) {
        let gone = self.states.sweep_all();
        self.interned.tidy(gone);
    }
}

#[cfg(test)]
mod tests;
