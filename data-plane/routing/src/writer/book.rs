//! Which epoch sent what, and what it adds up to.

use crate::View;
use crate::evidence::{Doubt, Evidence, EvidenceCell};
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
    /// How many things this epoch did not send.
    unconfirmed: u64,
    /// How many of these an authoritative control plane's complete table lacked.
    lacked: u64,
    /// How many of these are orphans.
    orphans: u64,
    /// How many of these are held.
    held: u64,
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
            unconfirmed: 0,
            lacked: 0,
            orphans: 0,
            held: 0,
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
        self.unconfirmed += self.received.things;
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

    pub(super) const fn unconfirmed(&self) -> u64 {
        self.unconfirmed
    }

    /// How many things this epoch did not send, of which no control plane's table is known to lack
    /// them.
    pub(super) const fn open_questions(&self) -> u64 {
        self.unconfirmed - self.lacked
    }

    pub(super) const fn orphans(&self) -> u64 {
        self.orphans
    }

    pub(super) const fn held(&self) -> u64 {
        self.held
    }

    /// Whether this epoch sent a thing.
    pub(super) fn is_of_epoch(&self, evidence: Evidence) -> bool {
        matches!(evidence, Evidence::Sent(step) if step >= self.epoch_step)
    }

    /// Whether it was sent since the last closing step.
    pub(super) fn is_of_step(&self, evidence: Evidence) -> bool {
        matches!(evidence, Evidence::Sent(step) if step >= self.step)
    }

    /// Whether this epoch sent it, and last before a step.
    pub(super) fn is_of_epoch_before(&self, step: u64, evidence: Evidence) -> bool {
        self.is_of_epoch(evidence) && matches!(evidence, Evidence::Sent(sent) if sent < step)
    }

    /// What speaks for a thing that arrives now.
    pub(super) const fn sent_now(&self) -> Evidence {
        Evidence::Sent(self.step)
    }

    /// A thing was sent in this step.
    pub(super) const fn enter(&mut self, digest: u64) {
        self.received = self.received.with(digest);
    }

    /// A thing is held that nobody has sent in this life of the process.
    pub(super) const fn restore(&mut self, doubt: Doubt) {
        self.unconfirmed += 1;
        self.count(doubt);
    }

    /// A thing is gone, for which this spoke.
    pub(super) fn leave(&mut self, digest: u64, evidence: Evidence) {
        if self.is_of_epoch(evidence) {
            self.received = self.received.without(digest);
            return;
        }
        self.unconfirmed -= 1;
        self.discount(evidence);
    }

    /// A thing was sent again as it is held.
    pub(super) fn confirm(&mut self, digest: u64, cell: &EvidenceCell) {
        self.leave(digest, cell.get());
        self.enter(digest);
        cell.set(self.sent_now());
    }

    /// Nobody speaks for attributes any more, which are kept all the same.
    pub(super) fn disown(&mut self, digest: u64, cell: &EvidenceCell) {
        let doubt = Doubt {
            lacked: true,
            ..Doubt::default()
        };
        self.leave(digest, cell.get());
        self.restore(doubt);
        cell.set(Evidence::Doubted(doubt));
    }

    /// A thing that this epoch did not send is doubted, or doubted for another reason.
    pub(super) fn doubt(&mut self, cell: &EvidenceCell, doubt: Doubt) {
        self.discount(cell.get());
        self.count(doubt);
        cell.set(Evidence::Doubted(doubt));
    }

    const fn count(&mut self, doubt: Doubt) {
        self.lacked += doubt.lacked as u64;
        self.orphans += doubt.until.is_some() as u64;
        self.held += (doubt.hold != 0) as u64;
    }

    const fn discount(&mut self, evidence: Evidence) {
        if let Evidence::Doubted(doubt) = evidence {
            self.lacked -= doubt.lacked as u64;
            self.orphans -= doubt.until.is_some() as u64;
            self.held -= (doubt.hold != 0) as u64;
        }
    }
}
