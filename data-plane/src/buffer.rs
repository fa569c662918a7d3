//! The memory that bytes pass through: read buffers from free lists that each worker keeps for
//! itself, small ones for messages and large ones, on a budget, for bulk.
//!
//! A connection that has nothing to read holds no buffer at all, so that an idle one costs its
//! socket and its task, and nothing else.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

/// Size of an ordinary read buffer, in bytes: most messages fit one read.
pub(crate) const SMALL: usize = 16 * 1024;

/// Size of a buffer for bulk, in bytes: sixteen reads for a mebibyte instead of sixty-four. It is
/// all that a stream holds while its reader takes nothing (L-10).
pub(crate) const LARGE: usize = 64 * 1024;

/// Bytes that one worker may spend on large buffers, in use or kept.
const LARGE_BUDGET: usize = 8 * 1024 * 1024;

/// Small buffers that are kept for the next connection; more than that are given to the allocator.
const SMALL_KEPT: usize = 256;

/// Large buffers that are kept for the next stream.
const LARGE_KEPT: usize = 16;

/// What an output buffer begins with, in bytes: a head and a small body.
const OUTPUT: usize = 4 * 1024;

/// Output buffers that grew beyond this are given to the allocator.
const OUTPUT_KEPT_MOST: usize = 64 * 1024;

/// One worker's read buffers.
#[derive(Default)]
pub(crate) struct Buffers {
    small: RefCell<Vec<Box<[u8]>>>,
    large: RefCell<Vec<Box<[u8]>>>,
    large_out: Cell<usize>,
    outputs: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    /// An ordinary buffer.
    pub(crate) fn small(self: &Rc<Self>) -> Buffer {
        let kept = self.small.borrow_mut().pop();
        self.hand_out(kept.unwrap_or_else(|| vec![0; SMALL].into()))
    }

    /// A buffer for bulk, or `None` while the budget is spent.
    pub(crate) fn large(self: &Rc<Self>) -> Option<Buffer> {
        if (self.large_out.get() + 1) * LARGE > LARGE_BUDGET {
            return None;
        }
        self.large_out.set(self.large_out.get() + 1);
        let kept = self.large.borrow_mut().pop();
        Some(self.hand_out(kept.unwrap_or_else(|| vec![0; LARGE].into())))
    }

    /// An empty buffer for heads and small bodies on their way out.
    pub(crate) fn output(&self) -> Vec<u8> {
        let kept = self.outputs.borrow_mut().pop();
        kept.unwrap_or_else(|| Vec::with_capacity(OUTPUT))
    }

    /// Takes an output buffer back.
    pub(crate) fn take_output(&self, mut output: Vec<u8>) {
        let mut outputs = self.outputs.borrow_mut();
        if output.capacity() <= OUTPUT_KEPT_MOST && outputs.len() < SMALL_KEPT {
            output.clear();
            outputs.push(output);
        }
    }

    fn hand_out(self: &Rc<Self>, bytes: Box<[u8]>) -> Buffer {
        Buffer {
            bytes,
            start: 0,
            end: 0,
            home: Some(Rc::clone(self)),
        }
    }

    fn take_back(&self, bytes: Box<[u8]>) {
        let (list, most) = match bytes.len() {
            SMALL => (&self.small, SMALL_KEPT),
            LARGE => {
                self.large_out.set(self.large_out.get() - 1);
                (&self.large, LARGE_KEPT)
            }
            _ => return,
        };
        let mut list = list.borrow_mut();
        if list.len() < most {
            list.push(bytes);
        }
    }
}

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

    /// Makes room for a head that does not fit, by doubling up to `most` bytes. Answers whether
    /// there is room now.
    pub(crate) fn grow(&mut self, most: usize) -> bool {
        if !self.space().is_empty() {
            return true;
        }
        let size = (self.bytes.len() * 2).min(most);
        if size <= self.bytes.len() {
            return false;
        }
        let mut bytes = vec![0; size];
        let filled = self.len();
        bytes[..filled].copy_from_slice(self.filled());
        let old = std::mem::replace(&mut self.bytes, bytes.into());
        // What grew is nobody's size, whatever it happens to be: it goes back to the allocator.
        if let Some(home) = self.home.take() {
            home.take_back(old);
        }
        self.start = 0;
        self.end = filled;
        true
    }

    /// Gives the memory for bulk back, and keeps what waits in it in no more than that takes: a
    /// stream that stands still must not keep others from theirs.
    pub(crate) fn yield_large(&mut self) {
        let Some(home) = self.home.as_ref().filter(|_| self.capacity() == LARGE) else {
            return;
        };
        let end = self.len();
        let mut smaller = if end < SMALL {
            home.small()
        } else {
            // Memory of a size of its own is of no list and of no budget.
            Self {
                bytes: vec![0; end].into(),
                start: 0,
                end: 0,
                home: None,
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
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.take_back(std::mem::take(&mut self.bytes));
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} of {})", self.len(), self.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut Buffer, bytes: &[u8]) {
        buffer.space()[..bytes.len()].copy_from_slice(bytes);
        buffer.commit(bytes.len());
    }

    #[test]
    fn what_is_filled_is_what_was_committed_and_not_consumed() {
        let buffers = Rc::new(Buffers::default());
        let mut buffer = buffers.small();
        fill(&mut buffer, b"hello world");
        buffer.consume(6);
        assert_eq!(buffer.filled(), b"world");
        buffer.consume(usize::MAX);
        assert!(buffer.is_empty());
        assert_eq!(buffer.space().len(), SMALL);
    }

    #[test]
    fn filled_bytes_move_to_the_front_when_the_end_is_reached() {
        let buffers = Rc::new(Buffers::default());
        let mut buffer = buffers.small();
        let room = buffer.space().len();
        buffer.commit(room);
        buffer.consume(room - 3);
        assert_eq!(buffer.space().len(), SMALL - 3);
        assert_eq!(buffer.len(), 3);
    }

    #[test]
    fn a_head_that_does_not_fit_grows_its_buffer_up_to_the_limit() {
        let buffers = Rc::new(Buffers::default());
        let mut buffer = buffers.small();
        fill(&mut buffer, &[b'a'; SMALL]);
        assert!(buffer.grow(SMALL + 10));
        assert_eq!(buffer.space().len(), 10);
        assert_eq!(buffer.len(), SMALL);
        fill(&mut buffer, &[b'b'; 10]);
        assert!(!buffer.grow(SMALL + 10));
        assert_eq!(&buffer.filled()[SMALL - 1..=SMALL], b"ab");
    }

    #[test]
    fn a_buffer_that_grew_is_not_of_the_budget() {
        let buffers = Rc::new(Buffers::default());
        let mut buffer = buffers.small();
        while buffer.capacity() < LARGE {
            let room = buffer.space().len();
            buffer.commit(room);
            assert!(buffer.grow(LARGE));
        }
        drop(buffer);
        assert_eq!(
            (buffers.large_out.get(), buffers.large.borrow().len()),
            (0, 0)
        );
    }

    #[test]
    fn memory_goes_back_to_the_worker_and_is_used_again() {
        let buffers = Rc::new(Buffers::default());
        let mut buffer = buffers.small();
        fill(&mut buffer, b"x");
        buffer.release_if_empty();
        assert!(buffer.has_memory(), "bytes are waiting");
        buffer.consume(1);
        buffer.release_if_empty();
        assert!(!buffer.has_memory());
        assert_eq!(buffers.small.borrow().len(), 1);
        buffer.ensure(&buffers);
        assert!(buffers.small.borrow().is_empty());
    }

    /// L-10: what stands still holds what waits, and nothing of the budget.
    #[test]
    fn a_stream_that_stands_still_gives_its_large_buffer_back() {
        let buffers = Rc::new(Buffers::default());
        for waits in [5, SMALL - 1, SMALL, LARGE - 6] {
            let mut buffer = buffers.large().expect("the budget is not spent");
            fill(&mut buffer, b"hello ");
            fill(&mut buffer, &vec![b'w'; waits]);
            buffer.consume(6);
            buffer.yield_large();
            assert_eq!(buffers.large_out.get(), 0);
            assert_eq!(buffer.filled(), vec![b'w'; waits]);
            assert_eq!(buffer.capacity(), waits.max(SMALL));
            buffer.consume(waits);
            buffer.release_if_empty();
            assert!(!buffer.has_memory());
        }
        let mut small = buffers.small();
        small.yield_large();
        assert_eq!(small.capacity(), SMALL);
    }

    #[test]
    fn large_buffers_end_with_their_budget_and_return_to_it() {
        let buffers = Rc::new(Buffers::default());
        let mut all = Vec::new();
        while let Some(buffer) = buffers.large() {
            all.push(buffer);
        }
        assert_eq!(all.len() * LARGE, LARGE_BUDGET);
        all.pop();
        assert!(buffers.large().is_some());
    }
}
