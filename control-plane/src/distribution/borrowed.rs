//! Tables that data planes lend to a control plane that has not heard everything yet, for those that come with nothing.
//!
//! What a young control plane has not heard, it cannot give. Those data planes that followed its predecessor still serve it,
//! but one that starts in this time would be ready late, or with less than the others. So one of each view is asked for what
//! it serves, and who comes with nothing is lent that, before the control plane's own table. None of it enters the registry:
//! it stays a guess about the past, which the borrower keeps as orphans until they are confirmed, and it is given up when
//! the control plane has listened long enough to speak for itself.

mod claim;
mod loan;
mod part;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pointsman_registry::View;
use tokio::sync::watch;
use tokio::time::Instant;

use super::room::Room;
pub(super) use claim::{Claim, Taken};
pub(super) use loan::Loan;
pub(super) use part::{Part, Refused};

/// After how long others are asked, where there was no room beside the tables of other views.
const AGAIN: Duration = Duration::from_secs(30);

/// What is lent, and by whom it may be.
#[derive(Debug)]
pub(super) struct Borrowed {
    /// For all of it.
    room: Arc<Room>,
    shelves: Mutex<Shelves>,
    /// Changes whenever somebody may lend or borrow who could not before.
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Shelves {
    /// Nothing is borrowed any more.
    closed: bool,
    shelves: Vec<Shelf>,
}

/// What there is for one view.
#[derive(Debug)]
struct Shelf {
    view: View,
    /// A data plane is lending its table now.
    claimed: bool,
    /// The most things that somebody had who lent them: others with no more need not be asked.
    answered: u64,
    /// So many things do not fit; who has as many need not be asked.
    too_many: Option<u64>,
    /// Nobody is asked before this.
    rests_until: Option<Instant>,
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
            room: Arc::new(Room::new(most)),
            shelves: Mutex::new(shelves),
            news: watch::Sender::new(()),
        })
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
        *self.shelves() = Shelves {
            closed: true,
            ..Shelves::default()
        };
        self.news.send_replace(());
    }

    /// Whether a data plane with this view, which holds so many things, is to be asked for them.
    pub(super) fn wants(&self, view: &View, things: u64) -> bool {
        self.shelves().wants(view, things)
    }

    /// A table that is to be taken from a data plane; `None` where another one came first. `head` is that of the registry:
    /// what was removed up to then may be in the table.
    pub(super) fn claim(self: &Arc<Self>, view: &View, things: u64, head: u64) -> Option<Claim> {
        let mut shelves = self.shelves();
        if !shelves.wants(view, things) {
            return None;
        }
        shelves.shelf(view).claimed = true;
        drop(shelves);
        let loan = Loan::new(Arc::clone(&self.room), head);
        Some(Claim::new(Arc::clone(self), view.clone(), things, loan))
    }

    /// What data planes with this view are lent.
    pub(super) fn get(&self, view: &View) -> Option<Arc<Loan>> {
        let shelves = self.shelves();
        shelves.find(view)?.table.clone()
    }

    /// Removals were forgotten since this was borrowed, so nobody could be told of them: it is not lent any more, and others
    /// may be asked.
    pub(super) fn forget(&self, view: &View, loan: &Arc<Loan>) {
        let mut shelves = self.shelves();
        let shelf = shelves.shelf(view);
        if shelf
            .table
            .as_ref()
            .is_some_and(|table| Arc::ptr_eq(table, loan))
        {
            shelf.table = None;
            shelf.answered = 0;
        }
        drop(shelves);
        self.news.send_replace(());
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        // Nothing that is done under it leaves them half changed.
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn find(&self, view: &View) -> Option<&Shelf> {
        self.shelves.iter().find(|shelf| shelf.view == *view)
    }

    fn shelf(&mut self, view: &View) -> &mut Shelf {
        let found = self.shelves.iter().position(|shelf| shelf.view == *view);
        let at = found.unwrap_or_else(|| {
            self.shelves.push(Shelf {
                view: view.clone(),
                claimed: false,
                answered: 0,
                too_many: None,
                rests_until: None,
                table: None,
            });
            self.shelves.len() - 1
        });
        &mut self.shelves[at]
    }

    fn wants(&self, view: &View, things: u64) -> bool {
        let shelf = self.find(view);
        !self.closed && shelf.map_or(things > 0, |shelf| shelf.wants(things))
    }
}

impl Shelf {
    /// A larger table is worth more: who lost its control plane in the middle of a snapshot has less than the others.
    fn wants(&self, things: u64) -> bool {
        !self.claimed
            && things > self.answered
            && self.too_many.is_none_or(|bound| things < bound)
            && self.rests_until.is_none_or(|end| Instant::now() >= end)
    }
}
