//! Tables that data planes lend to a control plane that has not heard everything yet, for those that come with nothing.
//!
//! What a young control plane has not heard, it cannot give. Those data planes that followed its predecessor still serve it,
//! but one that starts in this time would be ready late, or with less than the others. So one of each view is asked for what
//! it serves, and who comes with nothing is lent that, before the control plane's own table. None of it enters the registry:
//! it stays a guess about the past, which the borrower keeps as orphans until they are confirmed, and it is given up when
//! the control plane has listened long enough to speak for itself.

mod loan;
mod part;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

pub(super) use loan::Loan;
pub(super) use part::{Part, Refused};

/// What is lent, and by whom it may be.
#[derive(Debug)]
pub(super) struct Borrowed {
    /// How many bytes all of it may have.
    most: usize,
    shelves: Mutex<Shelves>,
    /// Changes whenever somebody may lend or borrow who could not before.
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Shelves {
    /// Nothing is borrowed any more.
    closed: bool,
    /// What all tables have, also those that are being taken.
    bytes: usize,
    /// By the digest of the filter.
    shelves: HashMap<u64, Shelf>,
}

/// What there is for one view.
#[derive(Debug, Default)]
struct Shelf {
    /// A data plane is lending its table now.
    claimed: bool,
    /// Who has so many things, or more, need not be asked.
    too_many: Option<u64>,
    table: Option<Arc<Loan>>,
}

impl Borrowed {
    /// Nothing yet, and never more than this many bytes: where that is 0, nobody is asked.
    pub(super) fn new(most: usize) -> Arc<Self> {
        let shelves = Shelves {
            closed: most == 0,
            ..Shelves::default()
        };
        Arc::new(Self {
            most,
            shelves: Mutex::new(shelves),
            news: watch::Sender::new(()),
        })
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        // Nothing that is done under it panics.
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything may still be borrowed.
    pub(super) fn is_open(&self) -> bool {
        !self.shelves().closed
    }

    /// Tells of everything that changes who may lend or borrow.
    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Gives everything up, for good.
    pub(super) fn close(&self) {
        let closed = Shelves {
            closed: true,
            ..Shelves::default()
        };
        let given_up = std::mem::replace(&mut *self.shelves(), closed);
        if !given_up.closed {
            self.news.send_replace(());
        }
    }

    /// Whether a data plane with this filter, which holds so many things, is to be asked for them.
    pub(super) fn wants(&self, filter: u64, things: u64) -> bool {
        let shelves = self.shelves();
        let shelf = shelves.shelves.get(&filter);
        !shelves.closed && shelf.map_or(things > 0, |shelf| shelf.wants(things))
    }

    /// A table that is to be taken from a data plane; `None` where another one came first.
    pub(super) fn claim(self: &Arc<Self>, filter: u64, things: u64) -> Option<Claim> {
        if !self.wants(filter, things) {
            return None;
        }
        self.shelves().shelves.entry(filter).or_default().claimed = true;
        Some(Claim {
            borrowed: Arc::clone(self),
            filter,
            expected: things,
            loan: Loan::default(),
        })
    }

    /// What data planes with this filter are lent.
    pub(super) fn get(&self, filter: u64) -> Option<Arc<Loan>> {
        let shelves = self.shelves();
        shelves.shelves.get(&filter)?.table.clone()
    }
}

impl Shelf {
    /// A larger table is worth more: who lost its control plane in the middle of a snapshot has less than the others.
    fn wants(&self, things: u64) -> bool {
        let more = self
            .table
            .as_ref()
            .map_or(things > 0, |table| things > table.things());
        more && !self.claimed && self.too_many.is_none_or(|bound| things < bound)
    }
}

/// A table that is being taken. Where this is dropped before its last part came, others are asked.
#[derive(Debug)]
pub(super) struct Claim {
    borrowed: Arc<Borrowed>,
    filter: u64,
    expected: u64,
    loan: Loan,
}

impl Claim {
    /// Takes a part.
    ///
    /// # Errors
    ///
    /// Why the table is not taken. What was taken of it is given up.
    pub(super) fn take(mut self, part: Part) -> Result<Taken, Refused> {
        let last = part.last;
        let bytes = part.batch.len();
        if bytes > 0 {
            self.reserve(bytes)?;
            self.loan.add(part);
        }
        if !last {
            return Ok(Taken::Part(self));
        }
        Ok(Taken::All(self.put()))
    }

    /// Room for so many bytes more.
    fn reserve(&self, bytes: usize) -> Result<(), Refused> {
        let mut shelves = self.borrowed.shelves();
        if shelves.closed {
            return Err(Refused::Late);
        }
        if shelves.bytes.saturating_add(bytes) > self.borrowed.most {
            if let Some(shelf) = shelves.shelves.get_mut(&self.filter) {
                shelf.too_many = Some(self.expected);
            }
            return Err(Refused::TooLarge {
                most: self.borrowed.most,
            });
        }
        shelves.bytes += bytes;
        Ok(())
    }

    /// The table is whole, and is lent from now on, if there is anything in it.
    fn put(mut self) -> Arc<Loan> {
        if self.loan.things() == 0 {
            return Arc::default();
        }
        let loan = Arc::new(std::mem::take(&mut self.loan));
        let mut shelves = self.borrowed.shelves();
        if !shelves.closed
            && let Some(shelf) = shelves.shelves.get_mut(&self.filter)
        {
            let before = shelf.table.replace(Arc::clone(&loan));
            shelves.bytes -= before.map_or(0, |before| before.bytes());
        }
        drop(shelves);
        loan
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut shelves = self.borrowed.shelves();
        if shelves.closed {
            return;
        }
        shelves.bytes -= self.loan.bytes();
        if let Some(shelf) = shelves.shelves.get_mut(&self.filter) {
            shelf.claimed = false;
        }
        drop(shelves);
        self.borrowed.news.send_replace(());
    }
}

/// What became of a part.
#[derive(Debug)]
pub(super) enum Taken {
    /// Others follow.
    Part(Claim),
    /// It was the last one of this table.
    All(Arc<Loan>),
}
