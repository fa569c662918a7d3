//! Snapshots that are read and encoded once, for all that ask for them at about the same time.
//!
//! A snapshot is a chain of pages. Whoever is the first to come to the end of what there is reads the next page, and the
//! others wait for it; those who come later find it. A page stays for a short while, and less long where there is no room:
//! it is for a storm, in which many begin within seconds, and no second table.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use pointsman_registry::Page;
use tokio::time::Instant;

use crate::distribution::room::Room;
use crate::distribution::wire::Encoded;

/// How long a page stays.
pub(super) const LIFE: Duration = Duration::from_secs(10);

/// What a page costs beside its bytes, about.
const PAGE: usize = 160;

/// A page as it goes out.
#[derive(Debug)]
pub(in crate::distribution) struct Printed {
    pub(in crate::distribution) page: Page,
    pub(in crate::distribution) things: usize,
    /// `None` where there is nothing on it.
    pub(in crate::distribution) batch: Option<Encoded>,
}

impl Printed {
    fn size(&self) -> usize {
        PAGE + self.batch.as_ref().map_or(0, Encoded::size)
    }
}

/// The pages of one view.
#[derive(Debug)]
pub(super) struct Book {
    /// For the pages of all views.
    room: Arc<Room>,
    /// By where they begin.
    pages: HashMap<u64, (Instant, Arc<Printed>)>,
    /// The same, in the order in which they were read.
    read: VecDeque<(Instant, Arc<Printed>)>,
}

impl Book {
    pub(super) fn new(room: Arc<Room>) -> Self {
        Self {
            room,
            pages: HashMap::new(),
            read: VecDeque::new(),
        }
    }

    /// Whether pages are kept at all.
    pub(super) fn keeps(&self) -> bool {
        self.room.most() > 0
    }

    /// The page that begins here, if it was read as of then or later.
    pub(super) fn page(&self, (from, as_of): (u64, u64), now: Instant) -> Option<Arc<Printed>> {
        let (read, page) = self.pages.get(&from)?;
        let fits = page.page.as_of >= as_of && now < *read + LIFE;
        fits.then(|| Arc::clone(page))
    }

    /// Adds a page. The oldest make room for it; where those of other views leave none, it is not kept.
    pub(super) fn add(&mut self, page: Printed, now: Instant) {
        let page = Arc::new(page);
        while !self.room.take(page.size()) {
            if !self.drop_oldest() {
                return;
            }
        }
        self.read.push_back((now, Arc::clone(&page)));
        // One that began in the same place is older, and goes in its turn.
        self.pages.insert(page.page.from, (now, page));
    }

    /// Drops what is too old, and what was read before removals that nobody remembers any more.
    pub(super) fn sweep(&mut self, horizon: u64, now: Instant) {
        while let Some((read, oldest)) = self.read.front() {
            if now < *read + LIFE && oldest.page.as_of >= horizon {
                return;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let Some((_, page)) = self.read.pop_front() else {
            return false;
        };
        let from = page.page.from;
        if self
            .pages
            .get(&from)
            .is_some_and(|(_, kept)| Arc::ptr_eq(kept, &page))
        {
            self.pages.remove(&from);
        }
        self.room.give_back(page.size());
        true
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        while self.drop_oldest() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(from: u64, as_of: u64) -> Printed {
        Printed {
            page: Page {
                from,
                to: from + 1,
                as_of,
            },
            things: 1,
            batch: Some(Encoded::batch(&[])),
        }
    }

    fn book(pages: usize) -> (Book, Arc<Room>, Instant) {
        let room = Arc::new(Room::new(pages * printed(0, 0).size()));
        (Book::new(Arc::clone(&room)), room, Instant::now())
    }

    fn kept(book: &Book) -> Vec<u64> {
        let mut kept: Vec<_> = book.pages.keys().copied().collect();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn the_oldest_pages_make_room() {
        let (mut book, room, now) = book(2);
        for from in 0..3 {
            book.add(printed(from, 9), now);
        }
        assert_eq!(kept(&book), [1, 2]);
        // Another view finds no room, and takes nobody else's.
        let mut other = Book::new(Arc::clone(&room));
        other.add(printed(0, 9), now);
        assert!(other.page((0, 0), now).is_none());
        drop(book);
        assert_eq!(room.used(), 0);
        other.add(printed(0, 9), now);
        assert!(other.page((0, 0), now).is_some());
        assert!(other.page((0, 0), now + LIFE).is_none(), "it is too old");
    }

    #[test]
    fn a_page_goes_when_its_time_is_over_or_removals_were_forgotten_since() {
        let (mut book, room, now) = book(9);
        book.add(printed(0, 9), now);
        book.add(printed(1, 12), now + LIFE / 2);
        book.sweep(9, now + LIFE / 2);
        assert_eq!(kept(&book), [0, 1]);
        book.sweep(10, now + LIFE / 2);
        assert_eq!(kept(&book), [1]);
        book.sweep(10, now + LIFE);
        assert_eq!(kept(&book), [1]);
        book.sweep(10, now + LIFE + LIFE / 2);
        assert!(kept(&book).is_empty());
        assert_eq!(room.used(), 0);
    }

    #[test]
    fn a_page_that_is_read_again_takes_the_place_of_the_older_one() {
        let (mut book, _, now) = book(9);
        book.add(printed(0, 9), now);
        book.add(printed(0, 11), now + LIFE / 2);
        book.sweep(0, now + LIFE);
        let now = now + LIFE;
        assert_eq!(book.page((0, 11), now).unwrap().page.as_of, 11);
        assert!(
            book.page((0, 12), now).is_none(),
            "who has more would go back"
        );
    }
}
