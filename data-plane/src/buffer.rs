//! The memory that bytes pass through: read buffers between a socket and a parser.
//!
//! A connection that has nothing to read holds no buffer at all, so that an idle one costs its
//! socket and its task, and nothing else.

mod shelves;

use std::fmt;
use std::rc::Rc;

pub(crate) use shelves::{Appetite, Buffers, SMALL};

/// What a stream may hold outside of the budget for bulk while its reader takes nothing (L-10).
const STALLED_MOST: usize = 64 * 1024;

/// Bytes between a socket and a parser: filled at the end, consumed at the front.
///
/// Dropping it gives the memory back to its worker.
#[derive(Default)]
pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    /// Where the memory came from; `None` for a buffer without memory.
    home: Option<Rc<Buffers>>,
    /// Whether the memory is of the budget for bulk.
    of_budget: bool,
}

impl Buffer {
    /// What was read and not consumed.
    #[inline]
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// How many bytes were read and not consumed.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether nothing waits to be consumed.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether there is memory behind it.
    #[inline]
    pub(crate) fn has_memory(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// How many bytes it can hold.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Room for the next read: all that is left behind the filled bytes, which move to the front
    /// when they stand in the way.
    #[inline]
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        } else if self.end == self.bytes.len() && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// Notes that `count` bytes of [`Buffer::space`] were filled.
    #[inline]
    pub(crate) fn commit(&mut self, count: usize) {
        self.end += count.min(self.bytes.len() - self.end);
    }

    /// Drops `count` bytes from the front.
    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count.min(self.len());
    }

    /// Drops everything that was read.
    pub(crate) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Makes room for a head that does not fit, up to `most` bytes. Answers whether there is room
    /// now.
    ///
    /// Nothing is taken from the budget for bulk: heads that come slowly must not keep bodies from
    /// it. How many heads there are is bounded by the connections, and each by `most` (L-02).
    pub(crate) fn grow(&mut self, most: usize) -> bool {
        if !self.space().is_empty() {
            return true;
        }
        let size = shelves::above(self.bytes.len()).min(most);
        let Some(home) = self.home.as_ref().filter(|_| size > self.bytes.len()) else {
            return false;
        };
        let mut larger = home.beside_the_budget(size);
        larger.end = self.len();
        larger.bytes[..self.len()].copy_from_slice(self.filled());
        *self = larger;
        true
    }

    /// Gives the memory for bulk back, and keeps what waits in it in no more than that takes: a
    /// stream that stands still must not keep others from theirs. What is more than
    /// [`STALLED_MOST`] stays where it is, within the budget, so that streams without number take
    /// no more than that each.
    pub(crate) fn yield_large(&mut self) {
        let end = self.len();
        let bulk = self.capacity() > SMALL && end <= STALLED_MOST;
        let Some(home) = self.home.as_ref().filter(|_| bulk) else {
            return;
        };
        let mut smaller = if end < SMALL {
            home.small()
        } else {
            // Memory of a size of its own is of no list and of no budget.
            Self {
                bytes: vec![0; end].into(),
                start: 0,
                end: 0,
                home: None,
                of_budget: false,
            }
        };
        smaller.bytes[..end].copy_from_slice(self.filled());
        smaller.end = end;
        *self = smaller;
    }

    /// Gives the memory back if nothing is in it.
    #[inline]
    pub(crate) fn release_if_empty(&mut self) {
        if self.is_empty() && self.has_memory() {
            *self = Self::default();
        }
    }

    /// Takes memory if there is none.
    #[inline]
    pub(crate) fn ensure(&mut self, buffers: &Rc<Buffers>) {
        if !self.has_memory() {
            *self = buffers.small();
        }
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.take_back(std::mem::take(&mut self.bytes), self.of_budget);
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} of {})", self.len(), self.capacity())
    }
}

#[cfg(test)]
mod tests;
