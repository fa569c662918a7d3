//! Taking a table from a data plane.

use std::sync::Arc;
use std::time::Duration;

use pointsman_registry::View;
use tokio::time::Instant;

use super::{AGAIN, Borrowed, Loan, Part, Refused};

/// How long the next part is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A table that is being taken. Where this is dropped before its last part came, others are asked.
#[derive(Debug)]
pub(in crate::distribution) struct Claim {
    borrowed: Arc<Borrowed>,
    view: View,
    /// What the data plane said that it holds.
    said: u64,
    loan: Loan,
    /// When something came last.
    heard: Instant,
}

/// What became of a part.
#[derive(Debug)]
pub(in crate::distribution) enum Taken {
    /// Others follow.
    Part(Claim),
    /// It was the last one of this table, which is lent from now on.
    All(Arc<Loan>),
    /// There is nothing in it.
    Nothing,
}

impl Claim {
    pub(super) fn new(borrowed: Arc<Borrowed>, view: View, said: u64, loan: Loan) -> Self {
        Self {
            borrowed,
            view,
            said,
            loan,
            heard: Instant::now(),
        }
    }

    /// Until when the next part is waited for.
    pub(in crate::distribution) fn ends(&self) -> Instant {
        self.heard + PATIENCE
    }

    /// Takes a part.
    ///
    /// # Errors
    ///
    /// Why the table is not taken. What was taken of it is given up.
    pub(in crate::distribution) fn take(mut self, part: Part) -> Result<Taken, Refused> {
        self.heard = Instant::now();
        let last = part.last;
        let size = (part.batch.len(), part.things);
        if part.things > 0 && !self.loan.add(part) {
            return Err(self.too_large(size));
        }
        Ok(if last { self.put() } else { Taken::Part(self) })
    }

    /// Either this table alone is too large, or there is no room beside others.
    fn too_large(&self, (bytes, things): (usize, u64)) -> Refused {
        let most = self.borrowed.room.most();
        let mut shelves = self.borrowed.shelves();
        let shelf = shelves.shelf(&self.view);
        if self.loan.bytes() + bytes > most {
            shelf.too_many = Some(self.loan.things() + things);
        } else {
            shelf.rests_until = Some(Instant::now() + AGAIN);
        }
        Refused::TooLarge { most }
    }

    fn put(mut self) -> Taken {
        if self.loan.things() == 0 {
            return Taken::Nothing;
        }
        let loan = Arc::new(self.loan.take());
        let mut shelves = self.borrowed.shelves();
        if shelves.closed {
            return Taken::Nothing;
        }
        let shelf = shelves.shelf(&self.view);
        shelf.answered = shelf.answered.max(self.said);
        let before = shelf.table.as_ref();
        if before.is_none_or(|before| loan.things() > before.things()) {
            shelf.table = Some(Arc::clone(&loan));
        }
        drop(shelves);
        Taken::All(loan)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut shelves = self.borrowed.shelves();
        if !shelves.closed {
            shelves.shelf(&self.view).claimed = false;
        }
        drop(shelves);
        self.borrowed.news.send_replace(());
    }
}
