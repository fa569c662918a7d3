//! What is read and encoded once, and sent to every data plane that sees the same: deltas, and snapshots in a storm.
//!
//! For each view that somebody has, a press follows the registry: it waits for a change, takes everything since the last
//! time as one edition, and wakes the sessions. A session that rests where an edition begins, or within it, passes it
//! on as it is; one that is further behind, or takes a snapshot, reads for itself. So a change costs the registry one
//! look for each view, and a session that follows none.
//!
//! Those that take a snapshot at about the same time share its pages.

mod book;
pub(super) mod edition;
mod press;
mod ring;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pointsman_registry::View;
use tokio::sync::{Mutex as Turn, MutexGuard as Taken, watch};
use tokio::time::{Instant, interval};
use tokio_util::task::TaskTracker;

use book::Book;
pub(super) use book::Printed;
pub(super) use edition::{Edition, Withheld};
pub(super) use press::Press;
use ring::Ring;
pub(super) use ring::Since;

/// The series of all views that somebody has.
pub(super) struct Editions {
    press: Press,
    tasks: TaskTracker,
    series: Mutex<Vec<Arc<Series>>>,
}

/// The editions of one view.
struct Series {
    view: View,
    ring: Mutex<Ring>,
    book: Mutex<Book>,
    /// Who has this reads the next page.
    reading: Turn<()>,
    /// The revision up to which the editions go, and a wake-up for each.
    reach: watch::Sender<u64>,
}

/// A session's end of a series.
pub(super) struct Following {
    series: Arc<Series>,
    reach: watch::Receiver<u64>,
}

impl fmt::Debug for Editions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Editions").finish_non_exhaustive()
    }
}

impl Editions {
    /// The presses are spawned on `tasks`, and are copies of this one.
    pub(super) fn new(press: Press, tasks: TaskTracker) -> Self {
        Self {
            press,
            tasks,
            series: Mutex::default(),
        }
    }

    /// Drops pages whose time is over, also where nobody asks for any.
    pub(super) async fn sweep(self: Arc<Self>) {
        let mut ticks = interval(book::LIFE / 2);
        loop {
            tokio::select! {
                () = self.press.ending.cancelled() => return,
                now = ticks.tick() => {
                    let all: Vec<_> = self.all().clone();
                    for series in all {
                        series.book().sweep(0, now);
                    }
                }
            }
        }
    }

    /// The series of a view, from now on.
    pub(super) fn follow(self: &Arc<Self>, view: &View) -> Following {
        let mut all = self.all();
        let found = all.iter().find(|series| series.view == *view);
        let series = found.cloned().unwrap_or_else(|| {
            let mut head = self.press.handle.head();
            let revision = *head.borrow_and_update();
            let series = Arc::new(Series {
                view: view.clone(),
                ring: Mutex::new(Ring::new(revision)),
                book: Mutex::new(Book::new(Arc::clone(&self.press.room))),
                reading: Turn::default(),
                reach: watch::Sender::new(revision),
            });
            all.push(Arc::clone(&series));
            let press = self.press.clone();
            let run = press.run(Arc::clone(&series), head, Arc::clone(self));
            self.tasks.spawn(run);
            series
        });
        // Whoever looks for what nobody follows waits for this lock.
        let reach = series.reach.subscribe();
        Following { series, reach }
    }

    /// Forgets a series that nobody follows any more; whether that was so.
    fn forget(&self, series: &Arc<Series>) -> bool {
        let mut all = self.all();
        let unused = series.reach.receiver_count() == 0;
        if unused {
            all.retain(|other| !Arc::ptr_eq(other, series));
        }
        unused
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Series>>> {
        // Nothing that is done under the lock leaves the list half changed.
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        // The same holds for the ring.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // And for the book.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next page of a snapshot.
pub(super) enum Next<'a> {
    /// Somebody has read it.
    Page(Arc<Printed>),
    /// It is to be read, while all others who need it wait.
    Read(Reading<'a>),
}

/// The right to read the next page.
pub(super) struct Reading<'a> {
    series: &'a Series,
    /// Nobody waits where nothing is kept.
    _turn: Option<Taken<'a, ()>>,
}

impl Reading<'_> {
    /// The page was read; `horizon` is that of the registry then.
    pub(super) fn done(self, page: Option<Printed>, horizon: u64) {
        let now = Instant::now();
        let mut book = self.series.book();
        book.sweep(horizon, now);
        if let Some(page) = page {
            book.add(page, now);
        }
    }
}

impl Following {
    /// The page of a snapshot that is due: it begins here, and was read as of then or later.
    pub(super) async fn page(&self, due: (u64, u64)) -> Next<'_> {
        let series = &*self.series;
        let keeps = {
            let book = series.book();
            if let Some(page) = book.page(due, Instant::now()) {
                return Next::Page(page);
            }
            book.keeps()
        };
        let turn = if keeps {
            Some(series.reading.lock().await)
        } else {
            None
        };
        // Somebody may have read it meanwhile.
        let found = series.book().page(due, Instant::now());
        let read = || {
            Next::Read(Reading {
                series,
                _turn: turn,
            })
        };
        found.map_or_else(read, Next::Page)
    }

    /// Waits for what is new since the last time.
    pub(super) async fn changed(&mut self) {
        // The series has its sender as long as it is followed.
        if self.reach.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What there is for somebody who rests at a revision.
    pub(super) fn since(&mut self, revision: u64) -> Since {
        self.reach.mark_unchanged();
        self.series.ring().since(revision)
    }
}
