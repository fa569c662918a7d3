//! Which epoch sent what, and what it adds up to.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::View;
use crate::route::Stamp;

/// The sums over all things, and the steps by which they are told apart.
///
/// A *step* is a stretch of the stream that ends with a closing step or with the session. Every
/// thing carries the step in which it was last sent; so "sent since the snapshot began" and "sent
/// in this epoch" are comparisons.
#[derive(Debug)]
pub(super) struct Book {
    epoch: u64,
    /// How many epochs were followed.
    epochs: u64,
    revision: u64,
    step: u64,
    /// The first step of this epoch.
    epoch_step: u64,
    /// What this epoch sent and did not remove.
    received: View,
    /// What only an earlier epoch sent.
    unconfirmed: View,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            epoch: 0,
            epochs: 0,
            revision: 0,
            step: 1,
            epoch_step: 1,
            received: View::default(),
            unconfirmed: View::default(),
        }
    }
}

impl Book {
    /// A session begins; says whether its epoch is another.
    pub(super) const fn begin(&mut self, epoch: u64) -> bool {
        self.step += 1;
        if self.epoch == epoch {
            return false;
        }
        self.epoch = epoch;
        self.epochs += 1;
        self.epoch_step = self.step;
        self.revision = 0;
        self.unconfirmed = self.unconfirmed.and(self.received);
        self.received = View {
            things: 0,
            digest: 0,
        };
        true
    }

    /// A closing step was applied.
    pub(super) const fn close(&mut self, revision: u64) {
        self.revision = revision;
        self.step += 1;
    }

    pub(super) const fn forget_revision(&mut self) {
        self.revision = 0;
    }

    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) const fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) const fn step(&self) -> u64 {
        self.step
    }

    /// The stamp of a revision of this epoch.
    pub(super) const fn stamp(&self, revision: u64) -> Stamp {
        Stamp {
            epoch: self.epochs,
            revision,
        }
    }

    pub(super) const fn received(&self) -> View {
        self.received
    }

    pub(super) const fn unconfirmed(&self) -> View {
        self.unconfirmed
    }

    /// Whether a thing that was last sent in step `seen` was sent in this epoch.
    pub(super) const fn is_of_epoch(&self, seen: u64) -> bool {
        seen >= self.epoch_step
    }

    /// Whether it was sent since the last closing step.
    pub(super) const fn is_of_step(&self, seen: u64) -> bool {
        seen >= self.step
    }

    /// A thing was sent in this step.
    pub(super) const fn enter(&mut self, digest: u64) {
        self.received = self.received.with(digest);
    }

    /// A thing is gone, which was last sent in step `seen`.
    pub(super) const fn leave(&mut self, digest: u64, seen: u64) {
        if self.is_of_epoch(seen) {
            self.received = self.received.without(digest);
        } else {
            self.unconfirmed = self.unconfirmed.without(digest);
        }
    }

    /// A thing was sent again as it is held.
    pub(super) fn confirm(&mut self, digest: u64, seen: &AtomicU64) {
        self.leave(digest, seen.load(Ordering::Relaxed));
        self.enter(digest);
        seen.store(self.step, Ordering::Relaxed);
    }
}
