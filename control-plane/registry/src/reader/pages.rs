//! Snapshots in pages, so that those who take one at about the same time share them.

use crate::registry::Registry;

use super::{Reader, Step};

/// A piece of a snapshot: where it begins and ends, so that others with the same view can be given it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// It is for who was given everything up to here.
    pub from: u64,
    /// Who was given it was given everything up to here.
    pub to: u64,
    /// The head of the registry when it was read. What was removed since then may be in it.
    pub as_of: u64,
}

impl Reader {
    /// Where a snapshot that is under way goes on, where what comes next is the same for everybody with this view, and as of
    /// when it has to be read at least: what is given was never read before something that was given already, or the
    /// attributes of a route might come after its endpoints.
    #[must_use]
    pub fn page_due(&self) -> Option<(u64, u64)> {
        (self.snapshot && self.again.is_empty()).then_some((self.cursor, self.as_of))
    }

    /// The next step, and which page of the snapshot it is, where it is one.
    pub fn next_page(&mut self, registry: &Registry, limit: usize) -> (Step, Option<Page>) {
        if self.removed < registry.horizon() {
            self.restart(registry);
        }
        let due = self.page_due();
        let step = self.next(registry, limit);
        let page = due.filter(|(from, _)| matches!(step, Step::Batch(_)) && self.cursor > *from);
        let page = page.map(|(from, _)| Page {
            from,
            to: self.cursor,
            as_of: registry.head(),
        });
        (step, page)
    }

    /// Goes on behind a page that another reader with the same view has read: the other end was given it. Says whether that is
    /// the page that is due; otherwise nothing happens.
    pub fn turn(&mut self, page: &Page) -> bool {
        let due = self.page_due();
        let fits = due.is_some_and(|(from, as_of)| page.from == from && page.as_of >= as_of);
        if fits {
            self.cursor = page.to;
            self.as_of = page.as_of;
            // What it names may have been removed before this reader began.
            self.removed = self.removed.min(page.as_of);
        }
        fits
    }
}
