//! The published routing table: one writer, many readers, nobody waits.
//!
//! The control thread owns the [`Publisher`]. Every worker owns a [`Reader`], which holds one
//! table and looks between requests whether a counter moved; only then does it take the newer
//! one. What it held before goes back to the control thread, so that a worker never spends a
//! request's time on freeing a table.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use arc_swap::ArcSwap;
use pointsman_routing::Table;

/// What readers and the writer share.
#[derive(Debug)]
struct Shared {
    table: ArcSwap<Table>,
    /// Moves after each publication.
    publications: AtomicU64,
}

/// A published table that is empty until the first publication.
#[must_use]
pub fn publication() -> (Publisher, TableHandle) {
    let (give_back, returned) = mpsc::channel();
    let shared = Arc::new(Shared {
        table: ArcSwap::from_pointee(Table::empty()),
        publications: AtomicU64::new(0),
    });
    let handle = TableHandle {
        shared: Arc::clone(&shared),
        give_back,
    };
    (Publisher { shared, returned }, handle)
}

/// The writing end. There is one, on the control thread.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    returned: mpsc::Receiver<Arc<Table>>,
}

impl Publisher {
    /// Puts `table` in the place of the last one, and frees what workers gave back meanwhile.
    pub fn publish(&self, table: Arc<Table>) {
        self.shared.table.store(table);
        self.shared.publications.fetch_add(1, Ordering::Release);
        self.free_returned();
    }

    /// Frees the tables that workers gave back. A publication does so too; this is for the quiet
    /// time after the last one.
    pub fn free_returned(&self) {
        self.returned.try_iter().for_each(drop);
    }
}

/// The reading end, for whoever wants a [`Reader`] or a table now and then.
#[derive(Clone, Debug)]
pub struct TableHandle {
    shared: Arc<Shared>,
    give_back: mpsc::Sender<Arc<Table>>,
}

impl TableHandle {
    /// A reader for one worker.
    #[must_use]
    pub fn reader(&self) -> Reader {
        // The counter is read first: a publication in between makes the reader renew once more.
        let seen = self.shared.publications.load(Ordering::Acquire);
        Reader {
            table: self.shared.table.load_full(),
            seen,
            handle: self.clone(),
        }
    }

    /// How many tables were published. Asked before [`Self::load`], it never names a later one.
    #[must_use]
    pub fn publications(&self) -> u64 {
        self.shared.publications.load(Ordering::Acquire)
    }

    /// The latest table, for a part that is not on the request path.
    #[must_use]
    pub fn load(&self) -> Arc<Table> {
        self.shared.table.load_full()
    }
}

/// One worker's view of the table.
#[derive(Debug)]
pub struct Reader {
    table: Arc<Table>,
    seen: u64,
    handle: TableHandle,
}

impl Reader {
    /// The latest table. Call it once per request, and again before each further attempt; never
    /// keep what it returns across an await.
    pub fn current(&mut self) -> &Arc<Table> {
        let published = self.handle.shared.publications.load(Ordering::Acquire);
        if published != self.seen {
            self.renew(published);
        }
        &self.table
    }

    #[cold]
    fn renew(&mut self, published: u64) {
        let old = std::mem::replace(&mut self.table, self.handle.shared.table.load_full());
        self.seen = published;
        // The send fails only where the control thread is gone, and then the process is ending.
        drop(self.handle.give_back.send(old));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_takes_the_newer_table_and_gives_the_old_one_back() {
        let (publisher, handle) = publication();
        let mut reader = handle.reader();
        let first = Arc::downgrade(reader.current());

        let next = Arc::new(Table::empty());
        publisher.publish(Arc::clone(&next));
        assert!(first.upgrade().is_some(), "the reader still holds it");
        assert!(Arc::ptr_eq(reader.current(), &next));
        assert!(first.upgrade().is_some(), "it waits for the control thread");

        publisher.free_returned();
        assert!(first.upgrade().is_none());
    }

    #[test]
    fn a_reader_made_later_starts_with_the_latest_table() {
        let (publisher, handle) = publication();
        let table = Arc::new(Table::empty());
        publisher.publish(Arc::clone(&table));
        assert!(Arc::ptr_eq(handle.reader().current(), &table));
        assert!(Arc::ptr_eq(&handle.load(), &table));
    }
}
